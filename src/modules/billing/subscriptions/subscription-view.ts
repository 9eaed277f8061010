import type { PauseMode } from '../../../domain/subscription-status';
import { Plan } from '../../plans/plan';
import { BillingEntity } from './billing.entity';
import { PlanSummaryView, SubscriptionSnapshotView } from './subscription.dto';
import { SubscriptionItemEntity } from './subscription-item.entity';

/** A subscription with what hangs on it. */
export interface SubscriptionFacts {
  row: BillingEntity;
  plan: Plan | null;
  items: SubscriptionItemEntity[];
}

/** The full snapshot that events, audit rows and the read route share. */
export function subscriptionSnapshot({ row, plan, items }: SubscriptionFacts): SubscriptionSnapshotView {
  return {
    tenant_id: row.tenantId,
    id: row.id,
    status: row.status,
    plan: plan ? planSummary(plan) : null,
    quantity: row.quantity,
    currency: row.currency,
    current_period_start: iso(row.currentPeriodStart),
    current_period_end: iso(row.currentPeriodEnd),
    trial_end: iso(row.trialEnd),
    cancel_at_period_end: row.cancelAtPeriodEnd,
    cancel_at: iso(row.cancelAt),
    canceled_at: iso(row.canceledAt),
    ended_at: iso(row.endedAt),
    cancellation_reason: row.cancelReason ?? row.cancellationReason,
    cancellation_feedback: row.cancelFeedback,
    paused_at: iso(row.pausedAt),
    pause_resumes_at: iso(row.pauseResumesAt),
    pending_change: row.pendingPlanId
      ? { plan_id: row.pendingPlanId, effective_at: iso(row.pendingChangeAt) }
      : null,
    stripe_subscription_id: row.stripeSubscriptionId,
    billing_mode: row.billingMode,
    items: items.map((item) => ({
      id: item.stripeSubscriptionItemId,
      plan_id: item.planId,
      product_id: item.productId,
      price_id: item.priceId,
      quantity: item.quantity,
      is_metered: item.isMetered,
      meter_id: item.meterId,
      current_period_start: iso(item.currentPeriodStart),
      current_period_end: iso(item.currentPeriodEnd),
    })),
  };
}

/** Which of Stripe's two pauses a paused subscription is in; null for one that is not paused. */
export function pauseModeOf({
  status,
  stripeStatus,
}: Pick<BillingEntity, 'status' | 'stripeStatus'>): PauseMode | null {
  if (status !== 'PAUSED') return null;
  return stripeStatus === 'paused' ? 'access_stopped' : 'access_kept';
}

/** A plan in one line, as it stands inside other views. */
export function planSummary(plan: Plan): PlanSummaryView {
  return {
    id: plan.id,
    name: plan.name,
    slug: plan.slug,
    amount: plan.amount,
    currency: plan.currency,
    interval: plan.interval,
    interval_count: plan.intervalCount,
  };
}

export function iso(date: Date | null): string | null {
  return date ? date.toISOString() : null;
}
