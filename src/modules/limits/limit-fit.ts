import { Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import type { Amount } from '../../domain/usage-standing';
import { TenantContext } from '../../platform/database/tenant-context';
import { PlansService } from '../plans/plans.service';
import { LimitValidationView, toLimitCheckView } from './limits.dto';
import { PlanLimitService } from './plan-limit.service';

/** Would this fit into what the tenant of the context has, or into a plan that it could buy? */
@Injectable()
export class LimitFit {
  constructor(
    private readonly planLimits: PlanLimitService,
    private readonly plans: PlansService,
    private readonly tenantContext: TenantContext,
  ) {}

  /**
   * @param wanted metric -> what would be used besides what is used now
   * @throws BillingError unknown_meter, plan_not_found (unknown, inactive or another tenant's), validation_failed
   */
  async validate(wanted: ReadonlyMap<string, Amount>, planId: string | null): Promise<LimitValidationView> {
    const plan = planId === null ? null : await this.planOf(planId);
    const checks = await this.planLimits.wouldFit(this.tenantContext.tenantId, wanted, plan);
    return {
      allowed: checks.every(({ allowed }) => allowed),
      plan_id: planId?.toLowerCase() ?? null,
      metrics: checks.map(toLimitCheckView),
    };
  }

  private async planOf(planId: string): Promise<Parameters<PlanLimitService['wouldFit']>[2]> {
    const plan = await this.plans.findVisible(planId);
    if (!plan) throw new BillingError('plan_not_found');
    const { limits, limitGrace, amount } = plan;
    return { source: amount === 0 ? 'free' : 'subscription', limits, limit_grace: limitGrace };
  }
}
