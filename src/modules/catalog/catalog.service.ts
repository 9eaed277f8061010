import { Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import {
  annualSavings,
  comparePlans,
  differencesToNextPlan,
  findMonthlySibling,
  PlanMatrix,
} from '../../domain/plan-comparison';
import { byShownOrder, monthlyPriceOf } from '../../domain/plan-facts';
import { Recommendation, recommendPlan } from '../../domain/plan-recommendation';
import { TenantContext } from '../../platform/database/tenant-context';
import { Plan } from '../plans/plan';
import { PlansService } from '../plans/plans.service';
import { UsageService } from '../usage/reading/usage.service';
import { OfferedPlanView, PlanCatalogView } from './catalog.dto';

/** What the caller may buy, side by side, with the plan that fits. */
@Injectable()
export class CatalogService {
  constructor(
    private readonly plans: PlansService,
    private readonly usage: UsageService,
    private readonly tenantContext: TenantContext,
  ) {}

  async list(): Promise<PlanCatalogView> {
    const plans = [...(await this.plans.findBuyable())].sort(byShownOrder);
    const recommendation = recommendPlan(plans, await this.projectedUsage());
    const comparison = comparePlans(plans);
    return {
      data: plans.map((plan) => toOffer(plan, plans, comparison, recommendation)),
      comparison,
      has_more: false,
      next_cursor: null,
    };
  }

  /** @throws BillingError not_found, the same for unknown, inactive and other tenants' plans */
  async find(id: string): Promise<OfferedPlanView> {
    const offer = (await this.list()).data.find((plan) => plan.id === id.toLowerCase());
    if (!offer) throw new BillingError('not_found');
    return offer;
  }

  private projectedUsage(): Promise<Record<string, number> | null> {
    return this.tenantContext.tenantIdOrNull ? this.usage.projectedUsage() : Promise.resolve(null);
  }
}

function toOffer(
  plan: Plan,
  plans: readonly Plan[],
  matrix: PlanMatrix,
  recommendation: Recommendation | null,
): OfferedPlanView {
  const sibling = findMonthlySibling(plan, plans);
  const savings = annualSavings(plan, sibling);
  const recommended = recommendation?.plan_id === plan.id;
  return {
    id: plan.id,
    name: plan.name,
    slug: plan.slug,
    description: plan.description,
    currency: plan.currency,
    amount: plan.amount,
    interval: plan.interval,
    interval_count: plan.intervalCount,
    trial_days: plan.trialDays,
    manual_invoicing: plan.manualInvoicing,
    is_enterprise: plan.tenantId !== null,
    sort_order: plan.sortOrder,
    limits: plan.limits,
    features: plan.features,
    rate_limit: plan.rateLimit,
    monthly_equivalent_amount: monthlyPriceOf(plan).amount,
    annual_savings: savings && sibling && { ...savings, monthly_plan_id: sibling.id },
    recommended,
    recommendation_reason: recommended ? recommendation.reason : null,
    comparison: {
      features: matrix.features.map(({ feature, plans: has }) => ({
        feature,
        included: has[plan.id] ?? false,
      })),
      next_plan: differencesToNextPlan(plan, plans),
    },
  };
}
