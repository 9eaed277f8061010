import { Inject, Injectable } from '@nestjs/common';
import Stripe from 'stripe';
import { CONFIG } from '../platform/config/config.module';
import type { Config } from '../platform/config/env';
import { Clock } from '../platform/clock';
import { Database } from '../platform/database/database';
import { withDeadline } from '../platform/lifecycle';
import { Logger } from '../platform/logger';
import { Metrics } from '../platform/metrics';
import { asUnavailable, StripeFailure, toStripeFailure } from './stripe-failures';

/** The version our code, our types and our webhook endpoints are written for; raised on purpose only. */
export const STRIPE_API_VERSION = '2026-10-28.endive';

export interface StripeCallOptions {
  /** Derived from our own operation, so that a retry after a crash is the same call to Stripe (F-24). */
  idempotencyKey?: string;
  /** Milliseconds for the call with all its retries; the configured budget when left out. */
  budgetMs?: number;
}

type Send<T> = (stripe: Stripe, options: Stripe.RequestOptions) => Promise<T>;

/**
 * Every call to Stripe goes through here: pinned version, budget, safe retries, measure, one log line
 * without parameters, failures sorted. Never inside a transaction: a slow answer would hold its locks.
 */
@Injectable()
export class StripeClient {
  private readonly logger = new Logger('stripe');
  private readonly stripe: Stripe;
  private readonly budgetMs: number;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    private readonly database: Database,
  ) {
    this.budgetMs = config.stripe.timeoutMs;
    this.stripe = new Stripe(config.stripe.secretKey, {
      apiVersion: STRIPE_API_VERSION,
      // The SDK retries lost connections, 409s and 5xx with the same key and backoff.
      maxNetworkRetries: 2,
      timeout: Math.min(this.budgetMs, 8000),
      telemetry: false,
      appInfo: { name: 'tenant-billing' },
      ...(config.stripe.apiBase ? hostOf(config.stripe.apiBase) : {}),
    });
  }

  /**
   * Carries out one operation.
   * @param operation name for metrics and logs, for instance `customers.create`
   * @throws BillingError stripe_unavailable when the outcome is unknown or Stripe asks us to wait
   * @throws StripeFailure of kind `refused` when Stripe understood and said no
   */
  async call<T>(operation: string, send: Send<T>, options: StripeCallOptions = {}): Promise<T> {
    if (this.database.isInTransaction) throw new Error(`${operation} called inside a transaction`);
    const started = this.clock.monotonicMs();
    const budgetMs = options.budgetMs ?? this.budgetMs;
    try {
      const request = send(this.stripe, {
        ...(options.idempotencyKey ? { idempotencyKey: options.idempotencyKey } : {}),
        timeout: Math.min(budgetMs, 8000),
      });
      const answer = await withDeadline(request, budgetMs, 'stripe did not answer within its budget');
      this.finish(operation, 'ok', started);
      return answer;
    } catch (error) {
      const failure = toStripeFailure(error, operation);
      this.finish(operation, failure.kind, started, failure);
      throw failure.kind === 'refused' ? failure : asUnavailable(failure);
    }
  }

  private finish(operation: string, outcome: string, started: number, failure?: StripeFailure): void {
    const seconds = (this.clock.monotonicMs() - started) / 1000;
    this.metrics.stripeCalls.observe({ operation, outcome }, seconds);
    const fields = { operation, outcome, duration_ms: Math.round(seconds * 1000) };
    if (!failure) this.logger.debug('stripe.called', fields);
    else this.logger.warn('stripe.failed', { ...fields, stripe_code: failure.stripeCode });
  }
}

function hostOf(base: string): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  const url = new URL(base);
  const protocol = url.protocol === 'http:' ? 'http' : 'https';
  return { protocol, host: url.hostname, port: Number(url.port) || (protocol === 'http' ? 80 : 443) };
}
