import { Injectable } from '@nestjs/common';
import type { BillingStatus } from '../../../domain/subscription-status';
import { PlansService } from '../../plans/plans.service';
import { Billed, BilledLine, BilledLines } from '../../usage/reading/billed-lines';
import { BillingsRepository } from './billings.repository';
import { SubscriptionItemsRepository } from './subscription-items.repository';

/** Statuses in which Stripe writes invoices that are to be paid. */
const CHARGED: ReadonlySet<BillingStatus> = new Set<BillingStatus>(['ACTIVE', 'PAST_DUE']);

/** Answers usage's question what a tenant is billed for, from its subscription. */
@Injectable()
export class SubscriptionBilledLines extends BilledLines {
  constructor(
    private readonly billings: BillingsRepository,
    private readonly items: SubscriptionItemsRepository,
    private readonly plans: PlansService,
  ) {
    super();
  }

  async ofTenant(): Promise<Billed | null> {
    const row = await this.billings.live();
    if (!row || row.stripeSubscriptionId === null) return null;
    const lines: BilledLine[] = [];
    for (const { planId, quantity, isMetered } of await this.items.of(row.id))
      lines.push({
        plan: planId === null ? null : await this.plans.find(planId),
        quantity: quantity ?? 0,
        isMetered,
      });
    return { currency: row.currency, isCharged: CHARGED.has(row.status), lines };
  }
}
