import Stripe from 'stripe';
import { BillingError } from '../contracts/errors';

/**
 * What a failed call to Stripe means for us.
 * retry: it was not executed and may be sent again · unknown: it may have been executed, ask again with the
 * same key · refused: it was understood and will never work as it is.
 */
export type FailureKind = 'retry' | 'unknown' | 'refused';

/** A failed call, without Stripe's types, headers or parameters. */
export class StripeFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    /** Stripe's own code, for instance `resource_missing`; null when there was no answer. */
    readonly stripeCode: string | null,
    /** The parameter that Stripe blames. */
    readonly parameter: string | null,
    readonly operation: string,
    cause: unknown,
    /** A 5xx that Stripe has stored under our key: the same key gets it again for a day (F-25). */
    readonly isStored: boolean = false,
  ) {
    super(`stripe ${operation} failed: ${kind}${stripeCode ? ` (${stripeCode})` : ''}`, { cause });
    this.name = 'StripeFailure';
  }

  get isMissing(): boolean {
    return this.stripeCode === 'resource_missing';
  }
}

/**
 * Sorts a thrown thing into the three kinds. 409 `idempotency_key_in_use` means that our first attempt still
 * runs (F-26); a 5xx may have been executed, and v1 replays it for the same key (F-25).
 */
export function toStripeFailure(error: unknown, operation: string): StripeFailure {
  if (error instanceof StripeFailure) return error;
  if (!(error instanceof Stripe.errors.StripeError))
    return new StripeFailure('unknown', null, null, operation, error);
  const code = error.code ?? null;
  const isStored = (error.statusCode ?? 0) >= 500 && error.headers?.['idempotent-replayed'] === 'true';
  const fail = (kind: FailureKind): StripeFailure =>
    new StripeFailure(kind, code, error.param ?? null, operation, error, isStored);
  if (error instanceof Stripe.errors.StripeConnectionError) return fail('unknown');
  if (error instanceof Stripe.errors.StripeRateLimitError || error.statusCode === 429) return fail('retry');
  if (error.statusCode === 409) return fail('unknown');
  if ((error.statusCode ?? 500) >= 500) return fail('unknown');
  return fail('refused');
}

/** Whether an error means that this key will never bring anything but the failure stored under it. */
export function isStoredFailure(error: unknown): boolean {
  return error instanceof BillingError && error.cause instanceof StripeFailure && error.cause.isStored;
}

/** The answer to our caller when Stripe cannot be reached: 503, never a guess. */
export function asUnavailable(failure: StripeFailure): BillingError {
  return new BillingError('stripe_unavailable', { retryAfter: 5, cause: failure });
}
