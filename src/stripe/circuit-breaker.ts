/** How many attempts in a row may fail before Stripe is taken to be away. */
const FAILURES_TO_OPEN = 10;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

export type CircuitState = 'closed' | 'open' | 'half_open';

/**
 * Keeps callers from waiting for a Stripe that does not answer. After ten failures in a row nobody asks for a
 * second; then one caller may try, and its outcome decides: closed again, or open for twice as long.
 */
export class CircuitBreaker {
  private failures = 0;
  private pauseMs = FIRST_PAUSE_MS;
  private openUntil: number | null = null;
  private isProbing = false;

  /** @param now monotonic milliseconds */
  constructor(private readonly now: () => number) {}

  get state(): CircuitState {
    if (this.openUntil === null) return 'closed';
    return this.isProbing || this.now() >= this.openUntil ? 'half_open' : 'open';
  }

  /**
   * Asks for a try; each one that is granted must be answered with `succeeded`, `failed` or `unsure`.
   * @returns 0 when it is granted, else the milliseconds after which asking again makes sense
   */
  admit(): number {
    if (this.openUntil === null) return 0;
    const left = this.openUntil - this.now();
    if (left > 0) return Math.ceil(left);
    if (this.isProbing) return FIRST_PAUSE_MS;
    this.isProbing = true;
    return 0;
  }

  /** Stripe answered, be it with a refusal. */
  succeeded(): void {
    this.failures = 0;
    this.pauseMs = FIRST_PAUSE_MS;
    this.openUntil = null;
    this.isProbing = false;
  }

  /** No answer, or one that says that Stripe itself is broken. */
  failed(): void {
    this.failures += 1;
    if (this.isProbing) this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
    else if (this.failures < FAILURES_TO_OPEN || this.openUntil !== null) return;
    this.isProbing = false;
    this.openUntil = this.now() + this.pauseMs;
  }

  /** The try says nothing of Stripe: it was given up before Stripe could answer. */
  unsure(): void {
    this.isProbing = false;
  }
}
