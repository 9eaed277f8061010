import { Injectable } from '@nestjs/common';
import { In, Not } from 'typeorm';
import { BillingId, PlanId, TenantId } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { uuidV7 } from '../../../platform/crypto';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { SubscriptionItemSnapshot } from '../../../stripe/snapshots';
import { SubscriptionItemEntity } from './subscription-item.entity';

/** The priced lines of the tenant's subscriptions. */
@Injectable()
export class SubscriptionItemsRepository extends TenantRepository<SubscriptionItemEntity> {
  constructor(
    database: Database,
    context: TenantContext,
    private readonly clock: Clock,
  ) {
    super(SubscriptionItemEntity, database, context);
  }

  of(billingId: BillingId): Promise<SubscriptionItemEntity[]> {
    return this.find({ billingId }, { stripeSubscriptionItemId: 'ASC' });
  }

  /** Whether the stored lines are what Stripe holds. */
  async areSame(billingId: BillingId, items: SubscriptionItemSnapshot[]): Promise<boolean> {
    const stored = await this.of(billingId);
    const digest = (lines: unknown[][]): string =>
      JSON.stringify(lines.map((line) => JSON.stringify(line)).sort());
    return (
      digest(
        stored.map((row) => [
          row.stripeSubscriptionItemId,
          row.priceId,
          row.quantity,
          row.currentPeriodStart,
          row.currentPeriodEnd,
        ]),
      ) ===
      digest(items.map((item) => [item.id, item.priceId, item.quantity, item.periodStart, item.periodEnd]))
    );
  }

  /** Tenants that have this plan as a line of a live subscription, as their plan or as an add-on. */
  async tenantsWithPlanAcrossTenants(planId: PlanId): Promise<TenantId[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ tenant_id: TenantId }[]>(
        `select distinct i.tenant_id from subscription_items i
         join billings b on b.tenant_id = i.tenant_id and b.id = i.billing_id and b.is_live
         where i.plan_id = $1`,
        [planId],
      );
      return rows.map((row) => row.tenant_id);
    });
  }

  /** Makes the stored lines what Stripe holds: new ones added, known ones changed, gone ones removed. */
  async mirror(
    billingId: BillingId,
    items: SubscriptionItemSnapshot[],
    planOf: (item: SubscriptionItemSnapshot) => PlanId | null,
  ): Promise<void> {
    await this.remove({ billingId, stripeSubscriptionItemId: Not(In(items.map((item) => item.id))) });
    for (const item of items) {
      const fields = {
        billingId,
        planId: planOf(item),
        productId: item.productId,
        priceId: item.priceId,
        quantity: item.quantity,
        isMetered: item.isMetered,
        meterId: item.meterId,
        currentPeriodStart: item.periodStart,
        currentPeriodEnd: item.periodEnd,
      };
      const changed = await this.update({ stripeSubscriptionItemId: item.id }, fields);
      if (changed === 0)
        await this.add({
          ...fields,
          id: uuidV7(this.clock.realNow().getTime()),
          stripeSubscriptionItemId: item.id,
          createdAt: this.clock.now(),
        });
    }
  }
}
