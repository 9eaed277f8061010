/** The sandbox's time: real time plus an offset that people and tests may move forward. */
export class Clock {
  /** Where time stands while `at` runs, in milliseconds; null while it flows. */
  private standing: number | null = null;

  constructor(private offsetMs = 0) {}

  /** The sandbox's present. Everything but signature timestamps and delivery timers reads this. */
  now(): Date {
    return new Date(this.milliseconds());
  }

  /** The present in whole Unix seconds, the unit of every Stripe timestamp. */
  seconds(): number {
    return Math.floor(this.milliseconds() / 1000);
  }

  /**
   * Does something at one moment (Unix seconds): what is due is carried out at its own time, and what belongs to a
   * test clock at the time of that clock. `work` does not wait, so nobody else sees the time stand.
   */
  at<R>(seconds: number, work: () => R): R {
    const before = this.standing;
    this.standing = seconds * 1000;
    try {
      return work();
    } finally {
      this.standing = before;
    }
  }

  /** How far the sandbox is ahead of real time, in milliseconds. */
  offset(): number {
    return this.offsetMs;
  }

  /** Moves time forward. Going back is refused, as by Stripe's own test clocks. */
  advance(ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError('The clock only moves forward.');
    this.offsetMs += ms;
  }

  /** Takes up a stored offset (journal) or returns to real time (reset). */
  restore(offsetMs: number): void {
    this.offsetMs = offsetMs;
  }

  private milliseconds(): number {
    return this.standing ?? Date.now() + this.offsetMs;
  }
}
