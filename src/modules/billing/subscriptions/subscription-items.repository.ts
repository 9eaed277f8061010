import { Injectable } from '@nestjs/common';
import { In, Not } from 'typeorm';
import { BillingId, PlanId } from '../../../contracts/ids';
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
