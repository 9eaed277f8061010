import { NotificationContents } from './notification';

/** The members of events that messages are made of. Events are a contract, but an old one may lack what is new. */
type EventData = Record<string, unknown>;

export function welcomeContent(tenant: EventData): NotificationContents['welcome'] {
  const trial = object(tenant.trial);
  return { tenant_name: text(tenant.name) ?? '', trial_ends_at: text(trial.ends_at) };
}

export function receiptContent(subscription: EventData, tenantName: string): NotificationContents['receipt'] {
  const plan = object(subscription.plan);
  const quantity = number(subscription.quantity) ?? 1;
  const unitAmount = number(plan.amount);
  const periodEnd = text(subscription.current_period_end);
  const isEnding = subscription.cancel_at_period_end === true || text(subscription.cancel_at) !== null;
  return {
    tenant_name: tenantName,
    plan_name: text(plan.name),
    quantity,
    amount: unitAmount === null ? null : unitAmount * quantity,
    currency: text(plan.currency),
    interval: text(plan.interval),
    interval_count: number(plan.interval_count),
    period_start: text(subscription.current_period_start),
    period_end: periodEnd,
    renews_at: isEnding ? null : periodEnd,
    trial_ends_at: subscription.status === 'TRIALING' ? text(subscription.trial_end) : null,
  };
}

function object(value: unknown): EventData {
  return typeof value === 'object' && value !== null ? (value as EventData) : {};
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
