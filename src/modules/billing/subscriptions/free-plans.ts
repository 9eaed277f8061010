import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { PlanId } from '../../../contracts/ids';
import { isLive } from '../../../domain/subscription-status';
import { BillingError } from '../../../contracts/errors';
import type { Plan } from '../../plans/plan';
import { TenantsService } from '../../tenants/tenants.service';
import { BillingsRepository, NOTHING_BOUGHT } from './billings.repository';
import { SubscriptionChanges } from './subscription-changes';

/** Plans of amount 0 need no Stripe: choosing one is a change of ours, in force when it is committed. */
@Injectable()
export class FreePlans {
  constructor(
    private readonly billings: BillingsRepository,
    private readonly tenants: TenantsService,
    private readonly changes: SubscriptionChanges,
  ) {}

  /** @throws BillingError subscription_exists while a paid subscription runs */
  @Transactional()
  async choose(plan: Plan): Promise<void> {
    await this.tenants.lockCurrent();
    const live = await this.billings.live();
    if (live && live.status !== 'FREE' && isLive(live.status)) throw new BillingError('subscription_exists');
    const before = await this.changes.read(live);
    const fields = {
      ...NOTHING_BOUGHT,
      status: 'FREE' as const,
      planId: plan.id as PlanId,
      currency: plan.currency,
    };
    // A past subscription keeps its row; the free plan gets one of its own.
    const isPast = live !== null && live.stripeSubscriptionId !== null;
    if (isPast) await this.billings.change(live, { isLive: false });
    const after =
      live && !isPast ? await this.billings.change(live, fields) : await this.billings.addRow(fields, true);
    await this.changes.announce(before, after);
  }
}
