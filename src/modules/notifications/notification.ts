import { TenantId } from '../../contracts/ids';

/** Changes of a subscription that people are told of. */
export type SubscriptionNews =
  | 'upgraded'
  | 'downgrade_scheduled'
  | 'downgrade_canceled'
  | 'canceled'
  | 'reactivated'
  | 'paused'
  | 'resumed';

interface SubscriptionNewsContent {
  tenant_name: string;
  plan_name: string | null;
  quantity: number;
  /** null when no end is set. */
  ends_at: string | null;
  /** null when no change waits. */
  changes_at: string | null;
}

interface OwedContent {
  tenant_name: string;
  /** Minor units. */
  amount: number | null;
  currency: string | null;
  grace_until: string | null;
  /** null when no further attempt is planned. */
  next_attempt_at: string | null;
  pay_url: string | null;
}

/** What is told to people, and what its template needs to know. Rendered when it is sent. */
export interface NotificationContents extends Record<SubscriptionNews, SubscriptionNewsContent> {
  payment_failed: OwedContent;
  payment_overdue: OwedContent;
  payment_recovered: { tenant_name: string };
  invoice_upcoming: {
    tenant_name: string;
    amount: number | null;
    currency: string | null;
    due_at: string | null;
  };
  payment_method_removed: { tenant_name: string; last4: string | null; methods_left: number };
  welcome: {
    tenant_name: string;
    /** null when there is no trial. */
    trial_ends_at: string | null;
  };
  receipt: {
    tenant_name: string;
    plan_name: string | null;
    quantity: number;
    /** Minor units per interval, for all of the quantity. */
    amount: number | null;
    currency: string | null;
    interval: string | null;
    interval_count: number | null;
    period_start: string | null;
    period_end: string | null;
    /** null when the subscription ends with its period. */
    renews_at: string | null;
    trial_ends_at: string | null;
  };
  usage_alert: {
    tenant_name: string;
    metric_name: string;
    percent: number;
    severity: 'info' | 'warning' | 'urgent' | 'limit';
    current_usage: Quantity;
    limit: Quantity;
    /** The most that may be used, grace included. */
    grace_limit: Quantity;
    /** When usage starts at 0 again; null for gauges. */
    resets_at: string | null;
  };
  usage_summary: {
    tenant_name: string;
    period_start: string;
    period_end: string;
    metrics: {
      name: string;
      /** Of a gauge it is what it shows at the end. */
      is_gauge: boolean;
      current_usage: Quantity;
      /** null = unlimited. */
      limit: number | null;
    }[];
  };
}

/** Whole where that is safe, else a decimal text. */
export type Quantity = number | string;

export type NotificationType = keyof NotificationContents;

/** One message to one person, with its whole history. */
export interface Notification<Type extends NotificationType = NotificationType> {
  id: string;
  tenantId: TenantId;
  type: Type;
  channel: 'email';
  recipient: string;
  locale: string;
  /** Id of the event that caused it: once per cause and recipient. */
  cause: string;
  content: NotificationContents[Type];
  attempts: number;
}

/** After so many attempts, over about six hours, a person has to look. */
export const MOST_ATTEMPTS = 12;

/** Seconds until the next attempt: 10 s, 30 s, 90 s … at most an hour. */
export function retryDelaySeconds(attempts: number): number {
  return Math.min(10 * 3 ** (attempts - 1), 3600);
}
