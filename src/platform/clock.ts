import { Injectable } from '@nestjs/common';

/**
 * The only source of time. Business time is the database's clock plus one offset row that all processes
 * share (decisions 20); the sandbox and tests move the offset. Leases, rate limits and signature ages use
 * real time, which nobody moves.
 */
@Injectable()
export class Clock {
  /** Milliseconds to add to this machine's clock to get the database's. */
  private skewMs = 0;
  private offsetMs = 0;

  /** Business time: what periods, trials, schedules and records use. */
  now(): Date {
    return new Date(this.realNow().getTime() + this.offsetMs);
  }

  /** The database's wall clock, never moved. */
  realNow(): Date {
    return new Date(this.machineMs() + this.skewMs);
  }

  /** This machine's own wall clock, uncorrected; only for measuring how far off it is. */
  machineMs(): number {
    return Date.now();
  }

  /** Monotonic milliseconds, for durations only. */
  monotonicMs(): number {
    return performance.now();
  }

  /** Takes over what the database says: its time, and the shared offset of business time. */
  adjust(databaseTime: Date, offsetMs: number, measuredAt: number = this.machineMs()): void {
    this.skewMs = databaseTime.getTime() - measuredAt;
    this.offsetMs = offsetMs;
  }
}
