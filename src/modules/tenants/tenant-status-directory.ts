import { Injectable } from '@nestjs/common';
import { TenantId } from '../../contracts/ids';
import { effectiveTenantStatus, TenantStatus, TenantStatusFacts } from '../../domain/tenant-state';
import { Clock } from '../../platform/clock';
import { Coalesced } from '../../platform/coalesced';
import { TenantDirectory } from '../../platform/http/credentials';
import { statusFactsOf } from './tenant';
import { TenantsRepository } from './tenants.repository';

/** With the 400 ms of the edge, a suspension is noticed within a second on every replica. */
const REMEMBER_MS = 500;
const REMEMBER_TENANTS = 10_000;
/** What is this old and was asked for lately is read again with the next one that must be. */
const READ_ALONG_MS = 250;
const MOST_READ_ALONG = 500;

interface Known {
  readonly facts: TenantStatusFacts;
  readonly loadedAt: number;
  usedAt: number;
}

/**
 * Tells the edge of every request what status its tenant is in. Busy tenants are read together, a few times a
 * second, however many they are.
 */
@Injectable()
export class TenantStatusDirectory extends TenantDirectory {
  private readonly known = new Map<TenantId, Known>();
  private readonly loads = new Coalesced<TenantId, Known | null>((ids) => this.load(ids));

  constructor(
    private readonly tenants: TenantsRepository,
    private readonly clock: Clock,
  ) {
    super();
  }

  async statusOf(tenantId: TenantId): Promise<TenantStatus | null> {
    const now = this.clock.monotonicMs();
    let known = this.known.get(tenantId) ?? null;
    if (known && now - known.loadedAt < REMEMBER_MS) known.usedAt = now;
    else known = await this.loads.get(tenantId);
    return known && effectiveTenantStatus(known.facts, this.clock.now());
  }

  private async load(tenantIds: readonly TenantId[]): Promise<(Known | null)[]> {
    const loadedAt = this.clock.monotonicMs();
    const wanted = new Set([...tenantIds, ...this.busy(loadedAt)]);
    const rows = await this.tenants.findManyAcrossTenants([...wanted]);
    // Strangers are not remembered: that would refuse a tenant in the moment after its creation.
    for (const id of wanted) this.known.delete(id);
    for (const row of rows) this.known.set(row.id, { facts: statusFactsOf(row), loadedAt, usedAt: loadedAt });
    const found = tenantIds.map((id) => this.known.get(id) ?? null);
    for (const id of this.known.keys()) {
      if (this.known.size <= REMEMBER_TENANTS) break;
      this.known.delete(id);
    }
    return found;
  }

  private *busy(now: number): Generator<TenantId> {
    let seen = 0;
    for (const [id, { loadedAt, usedAt }] of this.known) {
      // Oldest first: the rest was read later.
      if (now - loadedAt < READ_ALONG_MS || seen++ >= MOST_READ_ALONG) return;
      if (usedAt !== loadedAt) yield id;
    }
  }
}
