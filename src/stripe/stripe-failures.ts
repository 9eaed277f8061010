import Stripe from 'stripe';
import { BillingError } from '../contracts/errors';

/**
 * What a failed call to Stripe means for us.
 * retry: it was not executed and may be sent again · unknown: it may have been executed, ask again with the
 * same key · refused: it was understood and will never work as it is.
 */
export type FailureKind = 'retry' | 'unknown' | 'refused';

/** What happened, for metrics and for the decision how to go on. */
export type FailureReason =
  | 'rate_limited'
  /** Our first attempt still runs under this key, or another request holds the object. */
  | 'in_use'
  /** The key was spent on other parameters: what it brought must be looked for. */
  | 'key_spent'
  | 'server_error'
  | 'connection'
  | 'timeout'
  | 'circuit_open'
  | 'refused';

interface FailureDetails {
  /** A 5xx that Stripe has stored under our key: the same key gets it again for a day (F-25). */
  isStored?: boolean;
  reason?: FailureReason;
  /** Milliseconds after which Stripe, or our own circuit, takes another try. */
  retryAfterMs?: number | null;
  /** `Stripe-Rate-Limited-Reason`. */
  rateLimit?: string | null;
  /** What `Stripe-Should-Retry` says. */
  advice?: 'retry' | 'do_not_retry' | null;
}

/** A failed call, without Stripe's types, headers or parameters. */
export class StripeFailure extends Error {
  readonly isStored: boolean;
  readonly reason: FailureReason;
  readonly retryAfterMs: number | null;
  readonly rateLimit: string | null;
  readonly advice: 'retry' | 'do_not_retry' | null;

  constructor(
    readonly kind: FailureKind,
    /** Stripe's own code, for instance `resource_missing`; null when there was no answer. */
    readonly stripeCode: string | null,
    /** The parameter that Stripe blames. */
    readonly parameter: string | null,
    readonly operation: string,
    cause: unknown,
    details: FailureDetails = {},
  ) {
    super(`stripe ${operation} failed: ${kind}${stripeCode ? ` (${stripeCode})` : ''}`, { cause });
    this.name = 'StripeFailure';
    this.isStored = details.isStored ?? false;
    this.reason = details.reason ?? (kind === 'refused' ? 'refused' : 'connection');
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.rateLimit = details.rateLimit ?? null;
    this.advice = details.advice ?? null;
  }

  get isMissing(): boolean {
    return this.stripeCode === 'resource_missing';
  }

  /** Whether it says that Stripe itself is away or broken, not only that this request met with something. */
  get isOutage(): boolean {
    if (this.reason === 'connection' || this.reason === 'timeout') return true;
    return this.reason === 'server_error' && !this.isStored;
  }
}

/**
 * Sorts a thrown thing into the three kinds. 409 `idempotency_key_in_use` means that our first attempt still
 * runs (F-26); a 5xx may have been executed, and v1 replays it for the same key (F-25).
 */
export function toStripeFailure(error: unknown, operation: string): StripeFailure {
  if (error instanceof StripeFailure) return error;
  if (!(error instanceof Stripe.errors.StripeError))
    return new StripeFailure('unknown', null, null, operation, error, { reason: 'timeout' });
  const headers = (error.headers ?? {}) as Record<string, string | undefined>;
  const status = error.statusCode ?? 0;
  const fail = (kind: FailureKind, reason: FailureReason, isStored = false): StripeFailure =>
    new StripeFailure(kind, error.code ?? null, error.param ?? null, operation, error, {
      reason,
      isStored,
      retryAfterMs: retryAfterOf(headers['retry-after']),
      rateLimit: headers['stripe-rate-limited-reason'] ?? null,
      advice: ADVICE[headers['stripe-should-retry'] ?? ''] ?? null,
    });
  if (error instanceof Stripe.errors.StripeConnectionError)
    return fail('unknown', isTimeout(error) ? 'timeout' : 'connection');
  if (error instanceof Stripe.errors.StripeRateLimitError || status === 429)
    return fail('retry', 'rate_limited');
  if (status === 409) return fail('unknown', 'in_use');
  // The key was used with other parameters, by an older version of ours: asking again brings this for a day.
  if (error instanceof Stripe.errors.StripeIdempotencyError) return fail('unknown', 'key_spent', true);
  if (status === 0 || status >= 500)
    return fail('unknown', 'server_error', status >= 500 && headers['idempotent-replayed'] === 'true');
  return fail('refused', 'refused');
}

const ADVICE: Record<string, 'retry' | 'do_not_retry'> = { true: 'retry', false: 'do_not_retry' };
const LONGEST_RETRY_AFTER_MS = 60_000;

/** Retry-After in seconds, as Stripe sends it; null for anything else. */
function retryAfterOf(value: string | undefined): number | null {
  if (value === undefined || !/^\d{1,6}(\.\d{1,3})?$/.test(value)) return null;
  return Math.min(Math.round(Number(value) * 1000), LONGEST_RETRY_AFTER_MS);
}

function isTimeout(error: { detail?: unknown }): boolean {
  const detail = error.detail as { code?: unknown } | string | undefined;
  return typeof detail === 'object' && detail.code === 'ETIMEDOUT';
}

/** Whether an error means that this key will never bring anything but the failure stored under it. */
export function isStoredFailure(error: unknown): boolean {
  return error instanceof BillingError && error.cause instanceof StripeFailure && error.cause.isStored;
}

/** The answer to our caller when Stripe cannot be reached: 503, never a guess. */
export function asUnavailable(failure: StripeFailure): BillingError {
  const seconds = failure.retryAfterMs === null ? 5 : Math.max(1, Math.ceil(failure.retryAfterMs / 1000));
  return new BillingError('stripe_unavailable', { retryAfter: seconds, cause: failure });
}
