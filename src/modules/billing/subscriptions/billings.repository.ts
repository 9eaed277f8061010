import { Injectable } from '@nestjs/common';
import { IsNull, Not } from 'typeorm';
import { BillingId, PlanId, StripeSubscriptionId, TenantId } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { uuidV7 } from '../../../platform/crypto';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { BillingEntity } from './billing.entity';

/** What a subscription's row says, apart from which row it is. */
export type BillingFields = Omit<
  BillingEntity,
  'tenantId' | 'id' | 'isLive' | 'version' | 'createdAt' | 'updatedAt'
>;

/** Nothing bought, nothing chosen. */
export const NOTHING_BOUGHT: BillingFields = {
  planId: null,
  status: 'NONE',
  stripeSubscriptionId: null,
  stripeStatus: null,
  stripeCreatedAt: null,
  billingMode: null,
  currentPeriodStart: null,
  currentPeriodEnd: null,
  billingCycleAnchor: null,
  trialEnd: null,
  cancelAtPeriodEnd: false,
  cancelAt: null,
  canceledAt: null,
  endedAt: null,
  cancellationReason: null,
  cancelReason: null,
  cancelFeedback: null,
  pausedAt: null,
  pauseResumesAt: null,
  pendingPlanId: null,
  pendingChangeAt: null,
  stripeScheduleId: null,
  quantity: 1,
  currency: null,
  syncedAt: null,
  syncCount: 0,
};

/** The subscriptions of the tenant in context. */
@Injectable()
export class BillingsRepository extends TenantRepository<BillingEntity> {
  constructor(
    database: Database,
    context: TenantContext,
    private readonly clock: Clock,
  ) {
    super(BillingEntity, database, context);
  }

  live(): Promise<BillingEntity | null> {
    return this.findOne({ isLive: true });
  }

  byStripeId(stripeSubscriptionId: StripeSubscriptionId): Promise<BillingEntity | null> {
    return this.findOne({ stripeSubscriptionId });
  }

  /** All that ever came from Stripe, the newest first. */
  fromStripe(): Promise<BillingEntity[]> {
    return this.find({ stripeSubscriptionId: Not(IsNull()) }, { stripeCreatedAt: 'DESC' });
  }

  async addRow(fields: BillingFields, isLive: boolean): Promise<BillingEntity> {
    const now = this.clock.now();
    const row = {
      ...fields,
      id: uuidV7(this.clock.realNow().getTime()) as BillingId,
      isLive,
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
    await this.add(row);
    return { ...row, tenantId: this.context.tenantId };
  }

  /** Writes the row as it was read; false when somebody changed it since. */
  async change(
    row: BillingEntity,
    changes: Partial<BillingFields> & { isLive?: boolean },
  ): Promise<BillingEntity | null> {
    const written = { ...changes, version: row.version + 1, updatedAt: this.clock.now() };
    const affected = await this.update({ id: row.id, version: row.version }, written);
    return affected === 1 ? { ...row, ...written } : null;
  }

  /** Notes that Stripe was asked and nothing had changed. */
  async touch(row: BillingEntity): Promise<void> {
    await this.update({ id: row.id }, { syncedAt: this.clock.now(), syncCount: row.syncCount + 1 });
  }

  /** Subscriptions of Stripe's that have not ended, as far as we know. */
  async runningAcrossTenants(): Promise<{ tenantId: TenantId; id: StripeSubscriptionId }[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<
        { tenant_id: TenantId; stripe_subscription_id: StripeSubscriptionId }[]
      >(
        `select tenant_id, stripe_subscription_id from billings
         where stripe_subscription_id is not null and ended_at is null`,
      );
      return rows.map((row) => ({ tenantId: row.tenant_id, id: row.stripe_subscription_id }));
    });
  }

  /** Whose live subscription this is; null for none. */
  async tenantOfLiveAcrossTenants(id: string): Promise<TenantId | null> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ tenant_id: TenantId }[]>(
        `select tenant_id from billings where id = $1 and is_live`,
        [id],
      );
      return rows[0]?.tenant_id ?? null;
    });
  }

  /** How many tenants have their live subscription on the plan, or will have. */
  async countOnPlanAcrossTenants(planId: PlanId): Promise<{ free: number; paid: number }> {
    return this.acrossTenants(async (manager) => {
      const [row] = await manager.query<{ free: string; paid: string }[]>(
        `select count(*) filter (where status = 'FREE') as free,
                count(*) filter (where status <> 'FREE') as paid
         from billings
         where is_live and (plan_id = $1 or pending_plan_id = $1)
           and status not in ('NONE', 'CANCELED', 'INCOMPLETE_EXPIRED')`,
        [planId],
      );
      return { free: Number(row?.free ?? 0), paid: Number(row?.paid ?? 0) };
    });
  }

  /** Tenants that chose this free plan. */
  async freeTenantsOnAcrossTenants(planId: PlanId): Promise<string[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ tenant_id: string }[]>(
        `select tenant_id from billings where is_live and status = 'FREE' and plan_id = $1`,
        [planId],
      );
      return rows.map((row) => row.tenant_id);
    });
  }
}
