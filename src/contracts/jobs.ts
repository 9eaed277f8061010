/**
 * Every background job on one page. A job carries ids, looks again and may run twice:
 * the truth is a row in Postgres, the Bull message is only a pointer to it.
 */
export interface JobPayloads {
  /** Process one inbox event of Stripe. */
  'stripe-events.process': { event_id: string };
  /** Pull Products and Prices into plans; hourly, and on demand with a run id. */
  'stripe-sync.plans': { run_id?: string };
  /** Take up a pull of the plans that was asked for and lost on its way through Redis. */
  'stripe-sync.plans_asked': Record<string, never>;
  /** Ask Stripe again about writes whose outcome nobody knows. */
  'stripe-operations.settle': Record<string, never>;
  /** Ask Stripe again about checkout sessions whose making was interrupted. */
  'checkout.settle': Record<string, never>;
  /** Look for events of Stripe's that never arrived; on demand with a run id. */
  'stripe-sync.events': { run_id?: string };
  /** Compare every subscription with Stripe's; on demand with a run id. */
  'stripe-sync.subscriptions': { run_id?: string };
  /** Carry out changes of subscriptions whose day has come. */
  'tenants.scheduled_changes': Record<string, never>;
  /** Write OVERDUE where the grace after a failed payment is over. */
  'tenants.payment_grace': Record<string, never>;
  /** Send one due notification. */
  'notifications.send': { notification_id: string };
  /** Keep what every counter was at the end of the day, compare all with the ledger, look for missed alerts. */
  'usage.rollup': Record<string, never>;
  /** Archive the usage months that have ended. */
  'usage.close': Record<string, never>;
  /** Compare counters that were changed lately with the ledger. */
  'usage.audit': Record<string, never>;
  /** Find levels of limits that were reached and not told. */
  'usage.alerts': Record<string, never>;
  /** Give back what reservations held whose time is over. */
  'usage.reservation_expiry': Record<string, never>;
  /** Delete old usage events and what is kept around them for a time only. */
  'usage.retention': Record<string, never>;
  /** Delete expired idempotency records, finished slots and published outbox rows. */
  'maintenance.retention': Record<string, never>;
}

export type JobName = keyof JobPayloads;

export const QUEUES = [
  'stripe-events',
  'stripe-sync',
  'tenants',
  'usage',
  'notifications',
  'maintenance',
] as const;
export type QueueName = (typeof QUEUES)[number];

/** How often a scheduled job is due. A slot is the start of such an interval in business time. */
export interface Schedule {
  every: 'ten_seconds' | 'minute' | 'five_minutes' | 'hour' | 'day';
  /** How many missed slots are run after downtime; jobs that look at "now" need only the newest. */
  catchUp: 'newest' | 'all';
}

interface JobEntry {
  queue: QueueName;
  schedule?: Schedule;
  /** How many run at once in one process. */
  concurrency: number;
}

export const JOBS: Record<JobName, JobEntry> = {
  'stripe-events.process': { queue: 'stripe-events', concurrency: 8 },
  'stripe-sync.plans': {
    queue: 'stripe-sync',
    schedule: { every: 'hour', catchUp: 'newest' },
    concurrency: 1,
  },
  'stripe-operations.settle': {
    queue: 'maintenance',
    schedule: { every: 'ten_seconds', catchUp: 'newest' },
    concurrency: 1,
  },
  'checkout.settle': {
    queue: 'maintenance',
    schedule: { every: 'ten_seconds', catchUp: 'newest' },
    concurrency: 1,
  },
  'stripe-sync.events': {
    queue: 'stripe-sync',
    schedule: { every: 'five_minutes', catchUp: 'newest' },
    concurrency: 1,
  },
  'stripe-sync.subscriptions': {
    queue: 'stripe-sync',
    schedule: { every: 'day', catchUp: 'newest' },
    concurrency: 1,
  },
  'stripe-sync.plans_asked': {
    queue: 'stripe-sync',
    schedule: { every: 'ten_seconds', catchUp: 'newest' },
    concurrency: 1,
  },
  // All days count: each has its row.
  'usage.rollup': { queue: 'usage', schedule: { every: 'day', catchUp: 'all' }, concurrency: 1 },
  'usage.close': { queue: 'usage', schedule: { every: 'minute', catchUp: 'newest' }, concurrency: 1 },
  'usage.audit': { queue: 'usage', schedule: { every: 'five_minutes', catchUp: 'newest' }, concurrency: 1 },
  'usage.alerts': { queue: 'usage', schedule: { every: 'five_minutes', catchUp: 'newest' }, concurrency: 1 },
  'usage.reservation_expiry': {
    queue: 'usage',
    schedule: { every: 'minute', catchUp: 'newest' },
    concurrency: 1,
  },
  'usage.retention': { queue: 'usage', schedule: { every: 'day', catchUp: 'newest' }, concurrency: 1 },
  'tenants.scheduled_changes': {
    queue: 'tenants',
    schedule: { every: 'minute', catchUp: 'newest' },
    concurrency: 1,
  },
  'tenants.payment_grace': {
    queue: 'tenants',
    schedule: { every: 'minute', catchUp: 'newest' },
    concurrency: 1,
  },
  'notifications.send': { queue: 'notifications', concurrency: 4 },
  'maintenance.retention': {
    queue: 'maintenance',
    schedule: { every: 'hour', catchUp: 'newest' },
    concurrency: 1,
  },
};
