import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * Every Prometheus metric on one page. Names begin with billing_, carry their unit, and never have a
 * tenant as a label: that would be unbounded, and a leak.
 */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  readonly httpRequests = new Histogram({
    name: 'billing_http_request_duration_seconds',
    help: 'Time from request to answer by route template, method and status',
    labelNames: ['route', 'method', 'status'] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  });

  readonly stripeCalls = new Histogram({
    name: 'billing_stripe_call_duration_seconds',
    help: 'Time of calls to Stripe by operation and outcome',
    labelNames: ['operation', 'outcome'] as const,
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  readonly stripeAttempts = new Counter({
    name: 'billing_stripe_attempts_total',
    help: 'Requests sent to Stripe by operation and outcome (ok, rate_limited, in_use, server_error, connection, timeout, refused, ...); a call may need several',
    labelNames: ['operation', 'outcome'] as const,
    registers: [this.registry],
  });

  readonly stripeCircuit = new Gauge({
    name: 'billing_stripe_circuit_state',
    help: 'Whether Stripe is asked: 0 yes, 1 no, because it did not answer, 0.5 one caller tries again',
    registers: [this.registry],
  });

  readonly stripeUnsettled = new Gauge({
    name: 'billing_stripe_operations_unsettled',
    help: 'Writes to Stripe of which nobody knows yet whether they were carried out',
    registers: [this.registry],
  });

  readonly stripeUnsettledAge = new Gauge({
    name: 'billing_stripe_operations_oldest_unsettled_seconds',
    help: 'Age of the oldest write to Stripe with an unknown outcome; should stay under 60',
    registers: [this.registry],
  });

  readonly stripeSettled = new Counter({
    name: 'billing_stripe_operations_settled_total',
    help: 'Writes that the janitor asked Stripe about again, by result (succeeded, refused, unknown)',
    labelNames: ['kind', 'result'] as const,
    registers: [this.registry],
  });

  readonly stripeDrift = new Counter({
    name: 'billing_stripe_drift_total',
    help: 'What reconciliation found to differ from Stripe (missed_event, stale, missing, absent)',
    labelNames: ['kind'] as const,
    registers: [this.registry],
  });

  readonly usageBatch = new Histogram({
    name: 'billing_usage_commit_duration_seconds',
    help: 'Time in which a batch of usage events was committed',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2],
    registers: [this.registry],
  });

  readonly usageEvents = new Counter({
    name: 'billing_usage_events_total',
    help: 'Usage events by what became of them (recorded, duplicate, conflict, limit_exceeded, invalid, ...)',
    labelNames: ['status'] as const,
    registers: [this.registry],
  });

  readonly usageShed = new Counter({
    name: 'billing_usage_shed_total',
    help: 'Requests refused with 503 because the ledger had too much waiting',
    registers: [this.registry],
  });

  private readonly limitDecisions = new Counter({
    name: 'billing_limit_decisions_total',
    help: 'Answers to "may this be used?" by reason (ok, within_grace, unlimited, limit_exceeded, ...)',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });

  readonly usageDrift = new Counter({
    name: 'billing_usage_drift_total',
    help: 'Counters that differed from the ledger and were repaired',
    registers: [this.registry],
  });

  readonly referralEvents = new Counter({
    name: 'billing_referral_events_total',
    help: 'Messages of the referral queue by result (recorded, duplicate, limit_exceeded, unreadable, failed, ...)',
    labelNames: ['result'] as const,
    registers: [this.registry],
  });

  readonly usageRefusalsDropped = new Counter({
    name: 'billing_usage_refusals_dropped_total',
    help: 'Refused usage events of which nobody can read later why: more than could be noted',
    registers: [this.registry],
  });

  readonly webhookEvents = new Counter({
    name: 'billing_webhook_events_total',
    help: 'Stripe events by type and result (received, duplicate, ignored, processed, retried, dead, refused)',
    labelNames: ['type', 'result'] as const,
    registers: [this.registry],
  });

  readonly webhookOldestAge = new Gauge({
    name: 'billing_webhook_oldest_unprocessed_seconds',
    help: 'Age of the oldest Stripe event that waits to be processed',
    registers: [this.registry],
  });

  readonly checkouts = new Counter({
    name: 'billing_checkouts_total',
    help: 'Checkout sessions by result (opened, reused, completed, expired, free)',
    labelNames: ['result'] as const,
    registers: [this.registry],
  });

  readonly subscriptionChanges = new Counter({
    name: 'billing_subscription_changes_total',
    help: 'Changes of subscriptions by event type',
    labelNames: ['type'] as const,
    registers: [this.registry],
  });

  readonly jobs = new Histogram({
    name: 'billing_job_duration_seconds',
    help: 'Time of background jobs by job and outcome',
    labelNames: ['job', 'outcome'] as const,
    buckets: [0.01, 0.1, 0.5, 1, 5, 30, 120],
    registers: [this.registry],
  });

  readonly outboxPending = new Gauge({
    name: 'billing_outbox_pending_events',
    help: 'Committed events that are not published yet',
    registers: [this.registry],
  });

  readonly outboxPublished = new Counter({
    name: 'billing_outbox_events_total',
    help: 'Outbox events by result (published, failed, parked)',
    labelNames: ['result'] as const,
    registers: [this.registry],
  });

  readonly notifications = new Counter({
    name: 'billing_notifications_total',
    help: 'Notifications by type and result (sent, retried, failed)',
    labelNames: ['type', 'result'] as const,
    registers: [this.registry],
  });

  readonly planCache = new Counter({
    name: 'billing_plan_cache_total',
    help: 'Reads of the plan cache by result (hit, miss, unavailable)',
    labelNames: ['result'] as const,
    registers: [this.registry],
  });

  readonly planSync = new Counter({
    name: 'billing_plan_sync_plans_total',
    help: 'Plans handled by the Stripe sync by result (created, updated, unchanged, deactivated, skipped)',
    labelNames: ['result'] as const,
    registers: [this.registry],
  });

  readonly alarms = new Counter({
    name: 'billing_alarms_total',
    help: 'Things an operator should look at, by kind',
    labelNames: ['kind'] as const,
    registers: [this.registry],
  });

  private readonly decisionSeries = new Map<string, { inc(): void }>();

  countLimitDecision(reason: string): void {
    let series = this.decisionSeries.get(reason);
    if (!series) {
      series = this.limitDecisions.labels({ reason });
      this.decisionSeries.set(reason, series);
    }
    series.inc();
  }

  private readonly httpSeries = new Map<string, { observe(seconds: number): void }>();

  /** Finds the series by one text instead of hashing its labels for each request. */
  observeHttp(route: string, method: string, status: number, seconds: number): void {
    const key = `${status} ${method} ${route}`;
    let series = this.httpSeries.get(key);
    if (!series) {
      series = this.httpRequests.labels({ route, method, status: String(status) });
      this.httpSeries.set(key, series);
    }
    series.observe(seconds);
  }

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'billing_process_' });
  }
}
