import { ApiProperty } from '@nestjs/swagger';
import { BillingStatus, PaymentStatus } from '../../../domain/subscription-status';

/** A plan in one line. */
export class PlanSummaryView {
  id: string;
  name: string;
  slug: string;
  /** Minor units per interval. */
  amount: number;
  currency: string;
  interval: string;
  interval_count: number;
}

export class PendingChangeView {
  plan_id: string;
  effective_at: string | null;
}

export class SubscriptionItemView {
  /** Stripe's subscription item. */
  id: string;
  plan_id: string | null;
  product_id: string;
  price_id: string;
  /** Null for metered prices. */
  quantity: number | null;
  is_metered: boolean;
  meter_id: string | null;
  current_period_start: string | null;
  current_period_end: string | null;
}

/** The subscription itself, as events and audit rows carry it too. */
export class SubscriptionSnapshotView {
  tenant_id: string;
  id: string | null;
  status: BillingStatus;
  plan: PlanSummaryView | null;
  quantity: number;
  currency: string | null;
  current_period_start: string | null;
  current_period_end: string | null;
  trial_end: string | null;
  cancel_at_period_end: boolean;
  cancel_at: string | null;
  canceled_at: string | null;
  ended_at: string | null;
  /** The tenant's own words where it gave some, else Stripe's reason. */
  cancellation_reason: string | null;
  cancellation_feedback: string | null;
  paused_at: string | null;
  /** When the pause ends by itself. */
  pause_resumes_at: string | null;
  pending_change: PendingChangeView | null;
  stripe_subscription_id: string | null;
  billing_mode: string | null;
  items: SubscriptionItemView[];
}

export class UsagePeriodView {
  start: string;
  end: string;
}

export class EntitlementsView {
  /** subscription, trial, free or none. */
  source: string;
  plan_id: string | null;
  /** Per metric; null is unlimited. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer', nullable: true } })
  limits: Record<string, number | null>;
  features: string[];
  period: UsagePeriodView;
}

export class TrialView {
  active: boolean;
  started_at: string | null;
  ends_at: string | null;
  days_left: number;
}

export class UsageSummaryView {
  metric: string;
  used: number;
  limit: number | null;
  percent: number | null;
}

export class NextInvoiceView {
  /** Minor units: the flat part, before discounts, usage and tax. */
  amount: number;
  currency: string;
  due_at: string;
  includes_metered: boolean;
  estimate: boolean;
}

export class StripeStatusView {
  /** As Stripe spells it; null without a subscription in Stripe. */
  status: string | null;
  /** When Stripe said so. */
  as_of: string | null;
  /** Stripe could not be asked within its budget: this is the last we heard. */
  stale: boolean;
}

/** Everything about a tenant's subscription. */
export class SubscriptionView extends SubscriptionSnapshotView {
  entitlements: EntitlementsView;
  trial: TrialView;
  payment_status: PaymentStatus;
  grace_until: string | null;
  usage: UsageSummaryView[];
  next_invoice: NextInvoiceView | null;
  stripe: StripeStatusView;
}
