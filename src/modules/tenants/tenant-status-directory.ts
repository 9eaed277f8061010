import { Injectable } from '@nestjs/common';
import { TenantId } from '../../contracts/ids';
import { effectiveTenantStatus, TenantStatus, TenantStatusFacts } from '../../domain/tenant-state';
import { Clock } from '../../platform/clock';
import { Coalesced } from '../../platform/coalesced';
import { Announcements } from '../../platform/database/announcements';
import { TenantDirectory } from '../../platform/http/credentials';
import { statusFactsOf } from './tenant';
import { TenantsRepository } from './tenants.repository';

/** How old a row may be while changes are heard, and while they are not: a second is the promise. */
const HEARD_MS = 60_000;
const UNHEARD_MS = 500;
const MOST_TENANTS = 100_000;

interface Known {
  readonly facts: TenantStatusFacts;
  readonly loadedAt: number;
}

/**
 * Tells the edge of every request what status its tenant is in. Postgres announces each change of a status; what
 * time itself changes follows from the facts. Tenants that are asked about at the same moment are read together.
 */
@Injectable()
export class TenantStatusDirectory extends TenantDirectory {
  private readonly known = new Map<TenantId, Known>();
  private readonly loads = new Coalesced<TenantId, Known | null>((ids) => this.load(ids));
  /** Raised by each change heard: what was being read then may be from before it. */
  private changes = 0;

  constructor(
    private readonly tenants: TenantsRepository,
    private readonly clock: Clock,
    private readonly announcements: Announcements,
  ) {
    super();
    announcements.on('tenants', (tenantId) => {
      this.changes += 1;
      if (tenantId === null) this.known.clear();
      else this.known.delete(tenantId as TenantId);
    });
  }

  async statusOf(tenantId: TenantId): Promise<TenantStatus | null> {
    const recalled = this.recall(tenantId);
    if (recalled) return recalled;
    const known = await this.loads.get(tenantId);
    return known && effectiveTenantStatus(known.facts, this.clock.now());
  }

  recall(tenantId: TenantId): TenantStatus | null {
    const known = this.known.get(tenantId);
    if (!known) return null;
    const most = this.announcements.isHearing ? HEARD_MS : UNHEARD_MS;
    if (this.clock.monotonicMs() - known.loadedAt >= most) return null;
    return effectiveTenantStatus(known.facts, this.clock.now());
  }

  private async load(tenantIds: readonly TenantId[]): Promise<(Known | null)[]> {
    const { changes } = this;
    const loadedAt = this.clock.monotonicMs();
    const rows = await this.tenants.findManyAcrossTenants([...new Set(tenantIds)]);
    const found = new Map(rows.map((row) => [row.id, { facts: statusFactsOf(row), loadedAt }]));
    // Strangers are not remembered: that would refuse a tenant in the moment after its creation.
    if (changes === this.changes) for (const [id, known] of found) this.remember(id, known);
    return tenantIds.map((id) => found.get(id) ?? null);
  }

  private remember(id: TenantId, known: Known): void {
    this.known.delete(id);
    this.known.set(id, known);
    if (this.known.size > MOST_TENANTS) this.known.delete(this.known.keys().next().value!);
  }
}
