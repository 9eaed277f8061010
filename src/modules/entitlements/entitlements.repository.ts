import { Injectable } from '@nestjs/common';
import { PlanId } from '../../contracts/ids';
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
    return row && { entitlements: fromRow(row), version: row.version };
  }

  /** False when there is a row already. */
  addFirst(entitlements: StoredEntitlements, now: Date): Promise<boolean> {
    return this.addOnce({ ...toRow(entitlements), version: 1, updatedAt: now });
  }

  async replace(entitlements: StoredEntitlements, version: number, now: Date): Promise<void> {
    await this.update({}, { ...toRow(entitlements), version, updatedAt: now });
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
