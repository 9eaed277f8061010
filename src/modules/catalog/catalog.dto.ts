import type { BillingInterval } from '../../domain/period';
import type { RateLimit } from '../../domain/plan-facts';
import type { PlanLimits } from '../../domain/plan-limits';
import type { NextPlan, PlanMatrix } from '../../domain/plan-comparison';
import type { Recommendation } from '../../domain/plan-recommendation';

/** A plan as buyers see it. */
export interface OfferedPlanView {
  id: string;
  name: string;
  slug: string;
  description: string | null;
  currency: string;
  /** Minor units per interval. */
  amount: number;
  interval: BillingInterval;
  interval_count: number;
  trial_days: number | null;
  manual_invoicing: boolean;
  /** Made for the tenant that asks. */
  is_enterprise: boolean;
  sort_order: number;
  /** Per metric; null = unlimited, not named = not included. */
  limits: PlanLimits;
  features: readonly string[];
  rate_limit: RateLimit | null;
  /** Minor units per month, halves up; for comparing only. */
  monthly_equivalent_amount: number;
  /** Against paying the monthly sibling all year; null when nothing is saved. */
  annual_savings: { amount: number; percent: number; monthly_plan_id: string } | null;
  recommended: boolean;
  recommendation_reason: Recommendation['reason'] | null;
  comparison: {
    /** Every feature of any visible plan, and whether this one has it. */
    features: { feature: string; included: boolean }[];
    next_plan: NextPlan | null;
  };
}

/** All plans that the caller may buy, in the order they are shown. Never more than one page. */
export interface PlanCatalogView {
  data: OfferedPlanView[];
  /** Feature × plan and limit × plan, ready to draw as a table. */
  comparison: PlanMatrix;
  has_more: false;
  next_cursor: null;
}
