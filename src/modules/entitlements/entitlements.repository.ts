import { Injectable } from '@nestjs/common';
import { PlanId, TenantId } from '../../contracts/ids';
import { Entitlements } from '../../domain/entitlements';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';
import { TenantRepository } from '../../platform/database/tenant-repository';
import { EntitlementEntity } from './entitlement.entity';

/** What the row keeps; the period is found anew at each reading. */
export type StoredEntitlements = Omit<Entitlements, 'period'>;

export interface VersionedEntitlements {
  entitlements: StoredEntitlements;
  version: number;
  isStale: boolean;
}

/** The one entitlements row of the tenant in the context. */
@Injectable()
export class EntitlementsRepository extends TenantRepository<EntitlementEntity> {
  constructor(database: Database, context: TenantContext) {
    super(EntitlementEntity, database, context);
  }

  async get(): Promise<StoredEntitlements | null> {
    const row = await this.findOne({});
    return row && fromRow(row);
  }

  /** Reads the row and holds it until the running transaction ends. */
  async lock(): Promise<VersionedEntitlements | null> {
    const row = await this.lockOne({});
    return row && { entitlements: fromRow(row), version: row.version, isStale: row.isStale };
  }

  /** False when there is a row already. */
  addFirst(entitlements: StoredEntitlements, now: Date): Promise<boolean> {
    return this.addOnce({ ...toRow(entitlements), version: 1, updatedAt: now });
  }

  async replace(entitlements: StoredEntitlements, version: number, now: Date): Promise<void> {
    await this.update({}, { ...toRow(entitlements), version, updatedAt: now });
  }

  /** Marks the rows that were made from the plan, and those of the given tenants. */
  async markStaleAcrossTenants(planId: PlanId, besides: readonly TenantId[]): Promise<void> {
    await this.acrossTenants((manager) =>
      manager.query(
        `update tenant_entitlements set is_stale = true
         where not is_stale and (plan_id = $1 or fallback ->> 'plan_id' = $1::text or tenant_id = any($2::uuid[]))`,
        [planId, besides],
      ),
    );
  }

  staleAcrossTenants(limit: number): Promise<TenantId[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ tenant_id: TenantId }[]>(
        `select tenant_id from tenant_entitlements where is_stale order by tenant_id limit $1`,
        [limit],
      );
      return rows.map((row) => row.tenant_id);
    });
  }
}

function fromRow(row: EntitlementEntity): StoredEntitlements {
  return {
    source: row.source,
    plan_id: row.planId,
    limits: row.limits,
    features: row.features,
    rate_limit: row.rateLimit,
    anchor: row.anchor,
    valid_until: row.validUntil,
    fallback: row.fallback,
  };
}

function toRow(
  entitlements: StoredEntitlements,
): Omit<EntitlementEntity, 'tenantId' | 'version' | 'updatedAt'> {
  return {
    isStale: false,
    source: entitlements.source,
    planId: entitlements.plan_id as PlanId | null,
    limits: entitlements.limits,
    features: entitlements.features,
    rateLimit: entitlements.rate_limit,
    anchor: entitlements.anchor,
    validUntil: entitlements.valid_until,
    fallback: entitlements.fallback,
  };
}
