import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { BillingError } from '../../contracts/errors';
import { addDuration, Duration } from '../../domain/duration';
import { AuditRecorder } from '../audit/audit-recorder';
import { Clock } from '../clock';
import { ClockSync } from '../database/clock-sync';
import { Database } from '../database/database';
import { JobScheduler } from '../queue/job-scheduler';

/** Something that happened because its time had come. */
export interface Fired {
  readonly at: Date;
  /** For instance `invoice.finalize`. */
  readonly what: string;
  readonly object: string;
}

/** Another clock that must go along: Stripe's. */
export interface TimePartner {
  /** When its next work is due; null when nothing is. */
  nextDue(): Promise<Date | null>;
  /** Moves it there, carries out what is due, and waits until the news of it have been told. */
  moveTo(moment: Date): Promise<Fired[]>;
}

export interface Journey {
  readonly from: Date;
  readonly now: Date;
  /** Moments at which time stopped because something was due. */
  readonly steps: number;
  readonly fired: readonly Fired[];
  /** How often each scheduled job ran. */
  readonly jobs: Readonly<Record<string, number>>;
}

/** A part that has not come to rest by then is stuck. */
const SETTLE_MS = 20_000;
/** Due times a few seconds apart are one stop of time for each; more than this is a loop of somebody's. */
const MOST_STEPS = 5000;

/**
 * Moves business time forward, for the sandbox only: the service's clock, Stripe's and all due jobs together, from
 * one due moment to the next, so that everything happens at its own time and in its own order, as if the days had
 * passed (decisions 20).
 */
@Injectable()
export class TimeTravel {
  private readonly stops: (() => Promise<Date | null>)[] = [];
  private readonly workers: { readonly name: string; readonly isQuiet: () => Promise<boolean> }[] = [];
  private partner: TimePartner | null = null;
  private travelling = false;

  constructor(
    private readonly clock: Clock,
    private readonly clockSync: ClockSync,
    private readonly scheduler: JobScheduler,
    private readonly database: Database,
    private readonly audit: AuditRecorder,
  ) {}

  /** A part says when a job of its own has work next; time stops at the minute after, when the job runs. */
  stopAt(next: () => Promise<Date | null>): void {
    this.stops.push(next);
  }

  /** A part says whether it is done with what it was told; time waits for it. */
  waitFor(name: string, isQuiet: () => Promise<boolean>): void {
    this.workers.push({ name, isQuiet });
  }

  takeAlong(partner: TimePartner): void {
    this.partner = partner;
  }

  /**
   * Goes forward by a span.
   * @throws BillingError state_conflict while another journey is under way, or when a part does not come to rest
   */
  async advance(duration: Duration): Promise<Journey> {
    if (this.travelling)
      throw new BillingError('state_conflict', { detail: 'Time is being moved by somebody else now.' });
    this.travelling = true;
    try {
      const journey = await this.travel(addDuration(this.clock.now(), duration));
      await this.note(journey);
      return journey;
    } finally {
      this.travelling = false;
    }
  }

  private note({ from, now, steps }: Journey): Promise<void> {
    return this.database.acrossTenants(() =>
      this.audit.record({
        action: 'SANDBOX_CLOCK_MOVED',
        targetType: 'clock',
        targetId: 'business',
        before: { now: from.toISOString() },
        after: { now: now.toISOString(), steps },
      }),
    );
  }

  private async travel(target: Date): Promise<Journey> {
    const from = this.clock.now();
    const fired: Fired[] = [];
    const jobs: Record<string, number> = {};
    let steps = 0;
    for (let at = from; at < target; steps++) {
      if (steps === MOST_STEPS)
        throw new BillingError('state_conflict', { detail: `Time stopped ${MOST_STEPS} times on its way.` });
      const own = await this.ownNext(at, target);
      at = await this.nextStop(at, own);
      // Our clock first: what Stripe tells of that moment is heard at that moment.
      await this.clockSync.moveTo(at);
      if (this.partner) fired.push(...(await this.partner.moveTo(at)));
      await this.settle();
      // Between two stops of ours no job has work; days that were passed over are made up for.
      if (at < own) continue;
      for (const job of await this.scheduler.runAllDue()) jobs[job] = (jobs[job] ?? 0) + 1;
      await this.settle();
    }
    return { from, now: this.clock.now(), steps, fired, jobs };
  }

  /** When one of our jobs has work next, at the latest the target. */
  private async ownNext(at: Date, target: Date): Promise<Date> {
    const due = (await Promise.all(this.stops.map((next) => next()))).map(atNextMinute);
    const later = due.filter((moment): moment is Date => moment !== null && moment > at && moment < target);
    return later.reduce((first, moment) => (moment < first ? moment : first), target);
  }

  /** The next moment at which anything is due: ours, or Stripe's if that is sooner. */
  private async nextStop(at: Date, own: Date): Promise<Date> {
    const theirs = (await this.partner?.nextDue()) ?? null;
    return theirs && theirs > at && theirs < own ? theirs : own;
  }

  private async settle(): Promise<void> {
    const end = this.clock.monotonicMs() + SETTLE_MS;
    for (const { name, isQuiet } of this.workers)
      while (!(await isQuiet())) {
        if (this.clock.monotonicMs() > end)
          throw new BillingError('state_conflict', { detail: `${name} did not come to rest in time.` });
        await pause(5);
      }
  }
}

/** Scheduled jobs run once a minute: one that is due within a minute runs with the next. */
function atNextMinute(moment: Date | null): Date | null {
  return moment && new Date(Math.ceil(moment.getTime() / 60_000) * 60_000);
}
