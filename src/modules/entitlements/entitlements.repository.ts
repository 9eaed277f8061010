import { Injectable } from '@nestjs/common';
import { PlanId, TenantId } from '../../contracts/ids';
import { In } from 'typeorm';
import { Entitlements } from '../../domain/entitlements';
import type { LimitOverride } from '../../domain/limit';
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

/** The row as the hot paths remember it. */
export interface RememberedEntitlements extends StoredEntitlements {
  readonly tenantId: TenantId;
  readonly overrides: Readonly<Record<string, LimitOverride>>;
  /** Null: there is no row, because a configured plan does not exist yet. */
  readonly version: number | null;
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

  /** Null without a row. */
  async version(): Promise<number | null> {
    const [row] = await this.sql<{ version: string }>(
      `select version from tenant_entitlements where tenant_id = $1`,
    );
    return row ? Number(row.version) : null;
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

  /** Sets or (null) takes away the tenant's own number for one metric; raises the version. */
  async override(metric: string, override: LimitOverride | null, now: Date): Promise<void> {
    await this.sql(
      override === null
        ? `update tenant_entitlements set overrides = overrides - $2, version = version + 1, updated_at = $3
             where tenant_id = $1 and $4::jsonb is null`
        : `update tenant_entitlements set overrides = overrides || jsonb_build_object($2::text, $4::jsonb),
             version = version + 1, updated_at = $3 where tenant_id = $1`,
      metric,
      now,
      override && JSON.stringify(override),
    );
  }

  /** Rows of many tenants in one query; tenants without one are left out. */
  async readAcrossTenants(tenantIds: readonly TenantId[]): Promise<RememberedEntitlements[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.findBy(EntitlementEntity, { tenantId: In([...tenantIds]) });
      return rows.map((row) => ({
        ...fromRow(row),
        tenantId: row.tenantId,
        overrides: row.overrides,
        version: row.version,
      }));
    });
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
    limit_grace: row.limitGrace,
    features: row.features,
    rate_limit: row.rateLimit,
    anchor: row.anchor,
    valid_until: row.validUntil,
    fallback: row.fallback,
  };
}

function toRow(
  entitlements: StoredEntitlements,
): Omit<EntitlementEntity, 'tenantId' | 'version' | 'updatedAt' | 'overrides'> {
  return {
    isStale: false,
    source: entitlements.source,
    planId: entitlements.plan_id as PlanId | null,
    limits: entitlements.limits,
    limitGrace: { ...entitlements.limit_grace },
    features: entitlements.features,
    rateLimit: entitlements.rate_limit,
    anchor: entitlements.anchor,
    validUntil: entitlements.valid_until,
    fallback: entitlements.fallback,
  };
}
