import { NotificationContents, Quantity, SubscriptionNews } from './notification';

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

export function subscriptionNewsContent(
  subscription: EventData,
  tenantName: string,
): NotificationContents[SubscriptionNews] {
  const isEnding = subscription.cancel_at_period_end === true;
  return {
    tenant_name: tenantName,
    plan_name: text(object(subscription.plan).name),
    quantity: number(subscription.quantity) ?? 1,
    ends_at: isEnding ? text(subscription.current_period_end) : text(subscription.cancel_at),
    changes_at: text(object(subscription.pending_change).effective_at),
  };
}

/** @param graceUntil the tenant's, since an invoice knows none */
export function paymentFailedContent(
  invoice: EventData,
  tenantName: string,
  graceUntil: Date | null,
): NotificationContents['payment_failed'] {
  return {
    tenant_name: tenantName,
    amount: number(invoice.amount_remaining),
    currency: text(invoice.currency),
    grace_until: graceUntil?.toISOString() ?? null,
    next_attempt_at: text(invoice.next_payment_attempt),
    pay_url: text(invoice.hosted_invoice_url),
  };
}

export function paymentOverdueContent(
  standing: EventData,
  tenantName: string,
): NotificationContents['payment_overdue'] {
  return {
    tenant_name: tenantName,
    amount: number(standing.amount_due),
    currency: text(standing.currency),
    grace_until: null,
    next_attempt_at: null,
    pay_url: text(standing.hosted_invoice_url),
  };
}

export function invoiceUpcomingContent(
  invoice: EventData,
  tenantName: string,
): NotificationContents['invoice_upcoming'] {
  return {
    tenant_name: tenantName,
    amount: number(invoice.amount_due),
    currency: text(invoice.currency),
    due_at: text(invoice.due_at),
  };
}

export function paymentMethodRemovedContent(
  method: EventData,
  tenantName: string,
): NotificationContents['payment_method_removed'] {
  return {
    tenant_name: tenantName,
    last4: text(method.last4),
    methods_left: number(method.payment_methods_left) ?? 0,
  };
}

export function usageAlertContent(alert: EventData, tenantName: string): NotificationContents['usage_alert'] {
  const severities = ['info', 'warning', 'urgent', 'limit'] as const;
  const limit = quantity(alert.limit) ?? 0;
  return {
    tenant_name: tenantName,
    metric_name: text(alert.metric_name) ?? text(alert.metric) ?? '',
    percent: number(alert.percent) ?? 100,
    severity: severities.find((severity) => severity === alert.severity) ?? 'info',
    current_usage: quantity(alert.current_usage) ?? 0,
    limit,
    grace_limit: quantity(alert.grace_limit) ?? limit,
    resets_at: text(object(alert.period).end),
  };
}

/** Whether the tenant wants a mail about this level. */
export function isForMail({ channels }: EventData): boolean {
  return Array.isArray(channels) && channels.includes('email');
}

export function usageSummaryContent(
  closed: EventData,
  tenantName: string,
): NotificationContents['usage_summary'] {
  const period = object(closed.period);
  const metrics = Array.isArray(closed.metrics) ? closed.metrics.map(object) : [];
  return {
    tenant_name: tenantName,
    period_start: text(period.start) ?? '',
    period_end: text(period.end) ?? '',
    metrics: metrics.map((metric) => ({
      name: text(metric.name) ?? text(metric.metric) ?? '',
      is_gauge: metric.kind === 'gauge',
      current_usage: quantity(metric.current_usage) ?? 0,
      limit: number(metric.limit),
    })),
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

function quantity(value: unknown): Quantity | null {
  return typeof value === 'string' ? value : number(value);
}
