import { Injectable } from '@nestjs/common';
import type { TenantId } from '../../contracts/ids';
import { CurrentEntitlements, entitlementsAt } from '../../domain/entitlements';
import { EffectiveLimit, effectiveLimit } from '../../domain/limit';
import { Clock } from '../../platform/clock';
import { Coalesced } from '../../platform/coalesced';
import { Announcements } from '../../platform/database/announcements';
import { TenantContext } from '../../platform/database/tenant-context';
import { EntitlementsRepository, RememberedEntitlements } from './entitlements.repository';
import { EntitlementsService } from './entitlements.service';

const MOST_TENANTS = 100_000;
/** How old a remembered row may be: as long as changes are heard, and while they are not. */
const HEARD_MS = 60_000;
const UNHEARD_MS = 1000;
/** A row that does not exist may come with the next plan, and nobody tells. */
const MISSING_MS = 1000;

interface Entry {
  readonly row: RememberedEntitlements;
  readonly loadedAt: number;
  /** The same row may be read a thousand times in a second: what it says until something in it ends. */
  current: CurrentEntitlements | null;
  currentUntil: number;
}

/** What holds for a tenant now, and the version of the row that says so. */
export interface HeldEntitlements {
  readonly current: CurrentEntitlements;
  readonly row: RememberedEntitlements;
}

/**
 * The entitlements of the tenants that were asked about lately, for the hot paths. Postgres announces each
 * change; whoever decides on a limit also sends the version along, and the ledger refuses an old one.
 */
@Injectable()
export class EntitlementsMemory {
  private readonly entries = new Map<TenantId, Entry>();
  private readonly loads = new Coalesced<TenantId, RememberedEntitlements>((ids) => this.load(ids));
  /** Raised by each change heard: what was being read then may be from before it. */
  private changes = 0;

  constructor(
    private readonly entitlements: EntitlementsRepository,
    private readonly service: EntitlementsService,
    private readonly tenantContext: TenantContext,
    private readonly clock: Clock,
    private readonly announcements: Announcements,
  ) {
    announcements.on('entitlements', (tenantId) => {
      this.changes += 1;
      if (tenantId === null) this.entries.clear();
      else this.entries.delete(tenantId as TenantId);
    });
  }

  /** What holds for the tenant now, if the row is remembered. */
  recall(tenantId: TenantId): HeldEntitlements | null {
    const known = this.entries.get(tenantId);
    return known && this.isFresh(known) ? this.held(known) : null;
  }

  /** What holds for the tenant now. */
  async of(tenantId: TenantId): Promise<HeldEntitlements> {
    const known = this.recall(tenantId);
    if (known) return known;
    const before = this.changes;
    const loadedAt = this.clock.monotonicMs();
    const row = await this.loads.get(tenantId);
    const entry: Entry = { row, loadedAt, current: null, currentUntil: 0 };
    if (before === this.changes) this.remember(tenantId, entry);
    return this.held(entry);
  }

  /** Read anew at the next question, in this process. */
  forget(tenantId: TenantId): void {
    this.changes += 1;
    this.entries.delete(tenantId);
  }

  private isFresh({ row, loadedAt }: Entry): boolean {
    const most = row.version === null ? MISSING_MS : this.announcements.isHearing ? HEARD_MS : UNHEARD_MS;
    return this.clock.monotonicMs() - loadedAt < most;
  }

  private held(entry: Entry): HeldEntitlements {
    const now = this.clock.now();
    const at = now.getTime();
    // Not before its start either: tests and the sandbox move the clock back.
    if (!entry.current || at >= entry.currentUntil || at < entry.current.period.start.getTime()) {
      entry.current = entitlementsAt(entry.row, now);
      const end = entry.current.period.end.getTime();
      const validUntil = entry.row.valid_until?.getTime() ?? Infinity;
      entry.currentUntil = validUntil > at ? Math.min(end, validUntil) : end;
    }
    return { current: entry.current, row: entry.row };
  }

  private remember(tenantId: TenantId, entry: Entry): void {
    this.entries.delete(tenantId);
    this.entries.set(tenantId, entry);
    if (this.entries.size > MOST_TENANTS) this.entries.delete(this.entries.keys().next().value!);
  }

  private async load(tenantIds: readonly TenantId[]): Promise<RememberedEntitlements[]> {
    const rows = await this.entitlements.readAcrossTenants([...new Set(tenantIds)]);
    const found = new Map(rows.map((row) => [row.tenantId, row]));
    return Promise.all(tenantIds.map(async (id) => found.get(id) ?? this.begin(id)));
  }

  /** A tenant that nobody has asked about yet. */
  private async begin(tenantId: TenantId): Promise<RememberedEntitlements> {
    const current = await this.tenantContext.run(tenantId, () => this.service.current());
    const [row] = await this.entitlements.readAcrossTenants([tenantId]);
    if (row) return row;
    const { period: _, ...allowance } = current;
    return {
      ...allowance,
      tenantId,
      anchor: null,
      valid_until: null,
      fallback: null,
      overrides: {},
      version: null,
    };
  }
}

/** The limit of one metric, from what is held. */
export function limitHeld(
  { current, row }: HeldEntitlements,
  metric: string,
  now: Date,
  defaultGracePercent: number,
): EffectiveLimit {
  const facts = {
    source: current.source,
    limits: current.limits,
    limit_grace: current.limit_grace,
    overrides: row.overrides,
  };
  return effectiveLimit(facts, metric, now, defaultGracePercent);
}
