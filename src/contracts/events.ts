/**
 * Every event we tell machines, on one page. `data` is a full snapshot of the aggregate after the fact,
 * `previous` holds only what changed. Consumers order and deduplicate by (tenant_id, sequence) or id.
 */
export const EVENT_TYPES = [
  'tenant.created',
  'tenant.updated',
  'tenant.deletion_scheduled',
  'tenant.deletion_canceled',
  'trial.started',
  'trial.converted',
  'subscription.changed',
  'subscription.created',
  'subscription.upgraded',
  'subscription.downgrade_scheduled',
  'subscription.downgrade_canceled',
  'subscription.downgraded',
  'subscription.cancelled',
  'subscription.reactivated',
  'subscription.ended',
  'subscription.paused',
  'subscription.resumed',
  'payment.failed',
  'payment.recovered',
  'payment.overdue',
  'payment_method.attached',
  'payment_method.detached',
  'invoice.upcoming',
  'invoice.finalized',
  'invoice.paid',
  'usage.threshold_reached',
  'usage.limit_reached',
  'usage.period_closed',
  'plan.updated',
  'api_key.issued',
  'api_key.revoked',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** Bumped only when the meaning of an existing field changes. */
export const EVENT_API_VERSION = '2026-11-01';

/** What travels on SNS, SQS and outbound webhooks, in this spelling. */
export interface EventEnvelope {
  id: string;
  type: EventType;
  tenant_id: string;
  /** Counts per tenant from 1 without gaps. */
  sequence: number;
  /** ISO 8601 UTC, business time. */
  occurred_at: string;
  api_version: string;
  data: Record<string, unknown>;
  previous: Record<string, unknown> | null;
}
