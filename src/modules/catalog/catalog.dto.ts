import { ApiProperty } from '@nestjs/swagger';
import type { BillingInterval } from '../../domain/period';
import type { RateLimit } from '../../domain/plan-facts';
import type { PlanLimits } from '../../domain/plan-limits';
import type { AnnualSavings, NextPlan, PlanMatrix } from '../../domain/plan-comparison';
import type { Recommendation } from '../../domain/plan-recommendation';
import { RateLimitDto } from '../plans/plan.dto';

const LIMIT_PER_KEY = {
  type: 'object',
  additionalProperties: { type: 'integer', nullable: true },
} as const;

export class AnnualSavingsView implements AnnualSavings {
  /** Minor units per term. */
  amount: number;
  /** With one decimal. */
  percent: number;
  monthly_plan_id: string;
}

/** Why a plan is recommended; the message is for people. */
export class RecommendationReasonView {
  code: Recommendation['reason']['code'];
  message: string;
}

export class IncludedFeatureView {
  feature: string;
  included: boolean;
}

export class RaisedLimitView {
  metric: string;
  /** null = unlimited. */
  from: number | null;
  to: number | null;
}

/** The next plan up, and what it brings. */
export class NextPlanView implements NextPlan {
  plan_id: string;
  name: string;
  amount_difference: number;
  added_features: string[];
  raised_limits: RaisedLimitView[];
}

export class PlanComparisonView {
  /** Every feature of any visible plan, and whether this one has it. */
  features: IncludedFeatureView[];
  next_plan: NextPlanView | null;
}

/** A plan as buyers see it. */
export class OfferedPlanView {
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
  @ApiProperty(LIMIT_PER_KEY)
  limits: PlanLimits;
  @ApiProperty({ type: [String] })
  features: readonly string[];
  @ApiProperty({ type: RateLimitDto, nullable: true })
  rate_limit: RateLimit | null;
  /** Minor units per month, halves up; for comparing only. */
  monthly_equivalent_amount: number;
  /** Against paying the monthly sibling all year; null when nothing is saved. */
  annual_savings: AnnualSavingsView | null;
  recommended: boolean;
  recommendation_reason: RecommendationReasonView | null;
  comparison: PlanComparisonView;
}

export class FeatureRowView {
  feature: string;
  /** Plan id -> whether it has the feature. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'boolean' } })
  plans: Record<string, boolean>;
}

export class LimitRowView {
  metric: string;
  /** Plan id -> its limit; null = unlimited, 0 = not included. */
  @ApiProperty(LIMIT_PER_KEY)
  plans: Record<string, number | null>;
}

/** Feature × plan and limit × plan, ready to draw as a table. */
export class PlanMatrixView implements PlanMatrix {
  features: FeatureRowView[];
  limits: LimitRowView[];
}

/** All plans that the caller may buy, in the order they are shown. Never more than one page. */
export class PlanCatalogView {
  data: OfferedPlanView[];
  comparison: PlanMatrixView;
  @ApiProperty({ type: Boolean, enum: [false] })
  has_more: false;
  @ApiProperty({ type: String, nullable: true, description: 'Always null.' })
  next_cursor: null;
}
