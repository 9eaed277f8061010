import { Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { PlanId, TenantId } from '../../../contracts/ids';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Plan } from '../../plans/plan';
import { PlanUsage } from '../../plans/plan-usage';
import { BillingsRepository } from './billings.repository';
import { FreePlans } from './free-plans';

/** Answers the plans' question which tenants are on a plan, from the subscriptions. */
@Injectable()
export class SubscriptionPlanUsage extends PlanUsage {
  constructor(
    private readonly billings: BillingsRepository,
    private readonly freePlans: FreePlans,
    private readonly tenantContext: TenantContext,
  ) {
    super();
  }

  async tenantsOnAcrossTenants(planId: PlanId): Promise<number> {
    const { free, paid } = await this.billings.countOnPlanAcrossTenants(planId);
    return free + paid;
  }

  async move(planId: PlanId, replacement: Plan): Promise<void> {
    const { free, paid } = await this.billings.countOnPlanAcrossTenants(planId);
    if (paid > 0)
      throw new BillingError('plan_in_use', {
        detail: 'Tenants pay for this plan in Stripe. Change their subscriptions first.',
        extra: { subscriptions: paid },
      });
    if (free > 0 && replacement.amount > 0)
      throw new BillingError('state_conflict', {
        detail: 'Tenants on a free plan can only be moved to another free plan.',
      });
    for (const tenantId of await this.billings.freeTenantsOnAcrossTenants(planId))
      await this.tenantContext.run(tenantId as TenantId, () => this.freePlans.choose(replacement));
  }
}
