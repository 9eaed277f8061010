import { StripeFailure } from './stripe-failures';

/** Attempts of one call when there was no usable answer. */
const MOST_ATTEMPTS = 5;
/** Being told to wait is an answer: the call's budget ends that sooner than a count. */
const MOST_WAITS = 12;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2000;
const SHORTEST_PAUSE_MS = 10;

/** Operations that change nothing and so may always be asked again; `createPreview` is a POST that keeps nothing. */
const READS: ReadonlySet<string> = new Set(['retrieve', 'list', 'search', 'createPreview', 'listLineItems']);

/** Whether an operation, named like `customers.create`, only reads. */
export function isRead(operation: string): boolean {
  return READS.has(operation.split('.').at(-1) ?? '');
}

/**
 * How long to wait before the same request is sent again under the same key; null when that is of no use.
 * Full jitter: callers that failed together must not come back together
 * (docs.stripe.com/error-low-level, docs.stripe.com/rate-limits).
 * @param attempt how many attempts were made, from 1
 * @param random 0 to 1
 */
export function retryPauseMs(failure: StripeFailure, attempt: number, random: number): number | null {
  if (failure.kind === 'refused' || failure.isStored || failure.advice === 'do_not_retry') return null;
  const isToldToWait = failure.reason === 'rate_limited' || failure.reason === 'in_use';
  if (attempt >= (isToldToWait ? MOST_WAITS : MOST_ATTEMPTS)) return null;
  const ceiling = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 10), LONGEST_PAUSE_MS);
  const jittered = Math.max(SHORTEST_PAUSE_MS, Math.round(random * ceiling));
  return failure.retryAfterMs === null ? jittered : failure.retryAfterMs + jittered;
}

/**
 * Who has to wait when Stripe says 429: everybody when the account's limit is reached, else the callers of
 * the same operation (`Stripe-Rate-Limited-Reason`: global-rate, global-concurrency, endpoint-rate,
 * endpoint-concurrency, resource-specific; docs.stripe.com/rate-limits).
 */
export class RateLimitHolds {
  private readonly until = new Map<string, number>();

  /** @param now monotonic milliseconds */
  constructor(private readonly now: () => number) {}

  note(failure: StripeFailure): void {
    if (failure.reason !== 'rate_limited' || failure.retryAfterMs === null) return;
    // One object is too busy: the others have nothing to do with it.
    if (failure.rateLimit === 'resource-specific') return;
    const who = failure.rateLimit?.startsWith('endpoint') ? failure.operation : '*';
    const end = this.now() + failure.retryAfterMs;
    if (end > (this.until.get(who) ?? 0)) this.until.set(who, end);
  }

  /** Milliseconds that this operation has to wait; 0 when it may go. */
  waitMs(operation: string): number {
    const end = Math.max(this.until.get('*') ?? 0, this.until.get(operation) ?? 0);
    return Math.max(0, Math.ceil(end - this.now()));
  }
}
