import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import Stripe from 'stripe';
import { CONFIG } from '../platform/config/config.module';
import type { Config } from '../platform/config/env';
import { Clock } from '../platform/clock';
import { uuidV7 } from '../platform/crypto';
import { Database } from '../platform/database/database';
import { withDeadline } from '../platform/lifecycle';
import { Logger } from '../platform/logger';
import { Metrics } from '../platform/metrics';
import { RequestContext } from '../platform/request-context';
import { isRead, RateLimitHolds, retryPauseMs } from './call-retries';
import { CircuitBreaker, CircuitState } from './circuit-breaker';
import { asUnavailable, StripeFailure, toStripeFailure } from './stripe-failures';

/** The version our code, our types and our webhook endpoints are written for; raised on purpose only. */
export const STRIPE_API_VERSION = '2026-10-28.endive';

/** A write may have to wait for a bank; a read that takes longer is better asked again. */
const WRITE_ATTEMPT_MS = 8000;
const READ_ATTEMPT_MS = 4000;
/** A shorter attempt that ends without an answer says more of our haste than of Stripe. */
const TELLING_ATTEMPT_MS = 3000;

const CIRCUIT_VALUES: Record<CircuitState, number> = { closed: 0, half_open: 0.5, open: 1 };

export interface StripeCallOptions {
  /** Derived from our own operation, so that a retry after a crash is the same call to Stripe (F-24). */
  idempotencyKey?: string;
  /** Milliseconds for the call with all its retries; the configured budget when left out. */
  budgetMs?: number;
}

type Send<T> = (stripe: Stripe, options: Stripe.RequestOptions) => Promise<T>;

/** One call on its way: what all its attempts share. */
interface Call<T> {
  operation: string;
  send: Send<T>;
  /** Of all attempts of a write; a read takes none. */
  idempotencyKey: string | undefined;
  /** Monotonic milliseconds. */
  endsAt: number;
}

/**
 * Every call to Stripe goes through here: pinned version, budget, safe retries, circuit, measures, one log
 * line without parameters, failures sorted. Never inside a transaction: a slow answer would hold its locks.
 */
@Injectable()
export class StripeClient {
  private readonly logger = new Logger('stripe');
  private readonly stripe: Stripe;
  private readonly budgetMs: number;
  private readonly circuit: CircuitBreaker;
  private readonly holds: RateLimitHolds;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    private readonly database: Database,
    private readonly requestContext: RequestContext,
  ) {
    this.budgetMs = config.stripe.timeoutMs;
    this.circuit = new CircuitBreaker(() => clock.monotonicMs());
    this.holds = new RateLimitHolds(() => clock.monotonicMs());
    this.stripe = new Stripe(config.stripe.secretKey, {
      apiVersion: STRIPE_API_VERSION,
      // Retries are ours: the SDK knows neither budgets nor 429, and would count twice.
      maxNetworkRetries: 0,
      timeout: WRITE_ATTEMPT_MS,
      telemetry: false,
      appInfo: { name: 'tenant-billing' },
      ...(config.stripe.apiBase ? hostOf(config.stripe.apiBase) : {}),
    });
  }

  /**
   * Carries out one operation: all attempts of it under one key, and at an end before the caller gives up.
   * @param operation name for metrics and logs, for instance `customers.create`; its last word says whether it reads
   * @throws BillingError stripe_unavailable when the outcome is unknown or Stripe asks us to wait
   * @throws StripeFailure of kind `refused` when Stripe understood and said no
   */
  async call<T>(operation: string, send: Send<T>, options: StripeCallOptions = {}): Promise<T> {
    if (this.database.isInTransaction) throw new Error(`${operation} called inside a transaction`);
    const started = this.clock.monotonicMs();
    const call: Call<T> = {
      operation,
      send,
      idempotencyKey: isRead(operation) ? undefined : (options.idempotencyKey ?? this.oneTimeKey()),
      endsAt: Math.min(started + (options.budgetMs ?? this.budgetMs), this.requestContext.answerBy),
    };
    try {
      const answer = await this.attemptUntilAnswered(call);
      this.finish(operation, 'ok', started);
      return answer;
    } catch (error) {
      const failure = toStripeFailure(error, operation);
      this.finish(operation, failure.kind, started, failure);
      throw failure.kind === 'refused' ? failure : asUnavailable(failure);
    }
  }

  private async attemptUntilAnswered<T>(call: Call<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      await this.waitForTurn(call);
      const outcome = await this.attempt(call);
      if ('answer' in outcome) return outcome.answer;
      const { failure } = outcome;
      const pauseMs = retryPauseMs(failure, attempt, Math.random());
      if (pauseMs === null || pauseMs >= this.leftOf(call)) throw failure;
      await pause(pauseMs);
    }
  }

  /** Waits while Stripe wants fewer requests; gives up at once where waiting would outlast the caller. */
  private async waitForTurn<T>(call: Call<T>): Promise<void> {
    for (;;) {
      const waitMs = this.holds.waitMs(call.operation);
      if (waitMs >= this.leftOf(call)) throw notSent(call.operation, 'rate_limited', waitMs);
      if (waitMs === 0) break;
      // Those who waited together must not go together.
      await pause(waitMs + Math.random() * 250);
    }
    const closedMs = this.circuit.admit();
    this.showCircuit();
    if (closedMs > 0) throw notSent(call.operation, 'circuit_open', closedMs);
  }

  private async attempt<T>(call: Call<T>): Promise<{ answer: T } | { failure: StripeFailure }> {
    const { operation, idempotencyKey } = call;
    const timeout = Math.max(1, Math.floor(this.timeoutOf(call)));
    try {
      const request = call.send(this.stripe, { ...(idempotencyKey ? { idempotencyKey } : {}), timeout });
      // A list of many pages is several requests, each with a timeout of its own.
      const answer = await withDeadline(request, Math.max(1, this.leftOf(call)), 'no answer in time');
      this.circuit.succeeded();
      this.note(operation, 'ok');
      return { answer };
    } catch (error) {
      const failure = toStripeFailure(error, operation);
      if (!failure.isOutage) this.circuit.succeeded();
      else if (failure.reason === 'timeout' && timeout < TELLING_ATTEMPT_MS) this.circuit.unsure();
      else this.circuit.failed();
      this.holds.note(failure);
      this.note(operation, failure.reason);
      return { failure };
    }
  }

  private timeoutOf<T>(call: Call<T>): number {
    return Math.min(this.leftOf(call), isRead(call.operation) ? READ_ATTEMPT_MS : WRITE_ATTEMPT_MS);
  }

  private leftOf<T>(call: Call<T>): number {
    return call.endsAt - this.clock.monotonicMs();
  }

  /** For writes that do no harm when they are done again later, under another key. */
  private oneTimeKey(): string {
    return `tb_once_${uuidV7(this.clock.realNow().getTime())}`;
  }

  private note(operation: string, outcome: string): void {
    this.metrics.stripeAttempts.inc({ operation, outcome });
    this.showCircuit();
  }

  private showCircuit(): void {
    this.metrics.stripeCircuit.set(CIRCUIT_VALUES[this.circuit.state]);
  }

  private finish(operation: string, outcome: string, started: number, failure?: StripeFailure): void {
    const seconds = (this.clock.monotonicMs() - started) / 1000;
    this.metrics.stripeCalls.observe({ operation, outcome }, seconds);
    const fields = { operation, outcome, duration_ms: Math.round(seconds * 1000) };
    if (!failure) this.logger.debug('stripe.called', fields);
    else
      this.logger.warn('stripe.failed', {
        ...fields,
        stripe_code: failure.stripeCode,
        reason: failure.reason,
      });
  }
}

/** A call that was given up before this attempt of it was sent; an earlier one may have been carried out. */
function notSent(
  operation: string,
  reason: 'rate_limited' | 'circuit_open',
  retryAfterMs: number,
): StripeFailure {
  return new StripeFailure('unknown', null, null, operation, null, { reason, retryAfterMs });
}

function hostOf(base: string): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  const url = new URL(base);
  const protocol = url.protocol === 'http:' ? 'http' : 'https';
  return { protocol, host: url.hostname, port: Number(url.port) || (protocol === 'http' ? 80 : 443) };
}
