/** The sandbox's time: real time plus an offset that people and tests may move forward. */
export class Clock {
  constructor(private offsetMs = 0) {}

  /** The sandbox's present. Everything but signature timestamps and delivery timers reads this. */
  now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }

  /** The present in whole Unix seconds, the unit of every Stripe timestamp. */
  seconds(): number {
    return Math.floor((Date.now() + this.offsetMs) / 1000);
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
}
