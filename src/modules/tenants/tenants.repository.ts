import { Injectable } from '@nestjs/common';
import { In, IsNull } from 'typeorm';
import { PlanId, StripeCustomerId, TenantId } from '../../contracts/ids';
import type { PaymentStatus } from '../../domain/subscription-status';
import { TenantStatus } from '../../domain/tenant-state';
import { Database } from '../../platform/database/database';
import { SharedRepository } from '../../platform/database/shared-repository';
import { Tenant } from './tenant';
import { TenantEntity } from './tenant.entity';

/** Which tenants an operator wants to see; everything is optional and all of it must hold. */
export interface TenantFilter {
  /** Part of the name or of the e-mail address, in any case. */
  search?: string;
  /** The status in force at `now`. */
  status?: TenantStatus;
  planId?: PlanId;
  paymentStatus?: PaymentStatus;
}

/** Where a page goes on: after this tenant, newest first. */
export interface TenantPosition {
  createdAt: string;
  id: string;
}

/** What may be changed; the status columns only together, by a transition. */
export type ChangedColumns = Partial<Omit<Tenant, 'id' | 'version' | 'createdAt' | 'stripeCustomerId'>>;

/** effectiveTenantStatus of domain/tenant-state.ts, as SQL, for lists. */
const EFFECTIVE_STATUS = `case
  when tenant.deletion_scheduled_at is not null then 'DELETION_SCHEDULED'
  when tenant.locked_at is not null
    and not (tenant.status = 'LOCKED' and tenant.status_until is not null and tenant.status_until <= :now)
    then 'LOCKED'
  when tenant.suspended_at is not null
    and not (tenant.status = 'SUSPENDED' and tenant.status_until is not null and tenant.status_until <= :now)
    then 'SUSPENDED'
  when tenant.confirmed_at is not null then 'ACTIVE'
  else 'PENDING' end`;

/** Tenants; within a tenant's context only its own row is to be seen. */
@Injectable()
export class TenantsRepository extends SharedRepository<TenantEntity> {
  constructor(database: Database) {
    super(TenantEntity, database);
  }

  get(id: TenantId): Promise<Tenant | null> {
    return this.findOne({ id });
  }

  /** Reads the row and holds it until the running transaction ends. */
  lock(id: TenantId): Promise<Tenant | null> {
    return this.lockOne({ id });
  }

  /** False when there is a tenant with this id. */
  addIfNew(tenant: Tenant): Promise<boolean> {
    return this.addOnce(tenant);
  }

  /** Writes a new version of a locked row. */
  async change(tenant: Tenant, changes: ChangedColumns, now: Date): Promise<Tenant> {
    const written = { ...changes, version: tenant.version + 1, updatedAt: now };
    await this.update({ id: tenant.id }, written);
    return { ...tenant, ...written };
  }

  /** Gives the tenant its Stripe customer unless it has one; true when this call did. */
  async claimStripeCustomer(id: TenantId, customerId: StripeCustomerId, now: Date): Promise<boolean> {
    const changed = await this.update(
      { id, stripeCustomerId: IsNull() },
      { stripeCustomerId: customerId, version: () => 'version + 1', updatedAt: now },
    );
    return changed > 0;
  }

  async clearStripeCustomer(id: TenantId, customerId: StripeCustomerId, now: Date): Promise<void> {
    await this.update(
      { id, stripeCustomerId: customerId },
      { stripeCustomerId: null, version: () => 'version + 1', updatedAt: now },
    );
  }

  /** When the next grace after a failed payment ends; null when none runs. */
  async nextGraceEndAcrossTenants(): Promise<Date | null> {
    return this.acrossTenants(async (manager) => {
      const [row] = await manager.query<{ next: Date | null }[]>(
        `select min(grace_until) as next from tenants where payment_status = 'PAST_DUE'`,
      );
      return row?.next ?? null;
    });
  }

  /** The longest overdue first. */
  async inEndedGraceAcrossTenants(now: Date, limit: number): Promise<TenantId[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ id: TenantId }[]>(
        `select id from tenants where payment_status = 'PAST_DUE' and grace_until <= $1
         order by grace_until limit $2`,
        [now, limit],
      );
      return rows.map(({ id }) => id);
    });
  }

  /** Those of these tenants that exist, in any order. */
  findManyAcrossTenants(ids: readonly TenantId[]): Promise<Tenant[]> {
    return this.acrossTenants(() => this.find({ id: In([...ids]) }));
  }

  findAcrossTenants(id: TenantId): Promise<Tenant | null> {
    return this.acrossTenants(() => this.findOne({ id }));
  }

  /** Those of the ids that are no tenant's. */
  async missingAcrossTenants(ids: readonly TenantId[]): Promise<TenantId[]> {
    if (ids.length === 0) return [];
    const found = await this.acrossTenants(() => this.find({ id: In([...ids]) }));
    const known = new Set(found.map((tenant) => tenant.id));
    return ids.filter((id) => !known.has(id));
  }

  findByStripeCustomerAcrossTenants(stripeCustomerId: StripeCustomerId): Promise<Tenant | null> {
    return this.acrossTenants(() => this.findOne({ stripeCustomerId }));
  }

  /** Newest first, one more than asked so that the page knows whether it is the last. */
  pageAcrossTenants(
    filter: TenantFilter,
    after: TenantPosition | null,
    limit: number,
    now: Date,
  ): Promise<Tenant[]> {
    return this.acrossTenants((manager) => {
      const query = manager
        .createQueryBuilder(TenantEntity, 'tenant')
        .orderBy('tenant.createdAt', 'DESC')
        .addOrderBy('tenant.id', 'DESC')
        .limit(limit + 1);
      if (filter.search)
        query.andWhere('(tenant.name ilike :part or tenant.email ilike :part)', {
          part: `%${filter.search.replace(/[\\%_]/g, '\\$&')}%`,
        });
      if (filter.status) query.andWhere(`${EFFECTIVE_STATUS} = :status`, { status: filter.status, now });
      if (filter.paymentStatus)
        query.andWhere('tenant.paymentStatus = :paymentStatus', { paymentStatus: filter.paymentStatus });
      if (filter.planId)
        query.andWhere(
          // What the row says holds until valid_until; past it the fallback counts (domain/entitlements.ts).
          `exists (select 1 from tenant_entitlements held where held.tenant_id = tenant.id
             and :planId = case when held.valid_until is not null and held.valid_until <= :at
               then held.fallback ->> 'plan_id' else held.plan_id::text end)`,
          { planId: filter.planId, at: now },
        );
      if (after)
        query.andWhere(
          '(tenant.createdAt, tenant.id) < (cast(:createdAt as timestamptz), cast(:id as uuid))',
          after,
        );
      return query.getMany();
    });
  }
}
