import { Injectable, OnModuleInit } from '@nestjs/common';
import { hostname } from 'node:os';
import { JobName, JOBS, Schedule } from '../../contracts/jobs';
import { Clock } from '../clock';
import { Lifecycle } from '../lifecycle';
import { Logger } from '../logger';
import { JobRunner } from './job-runner';
import { ClaimedSlot, JobSlotsRepository } from './job-slots.repository';

const TICK_MS = 1000;
const LEASE_MS = 60_000;
const RETRY_MS = 30_000;
/** After a long downtime at most this many missed slots are made up, oldest first. */
const MOST_CATCH_UP = 400;
const SLOT_MS: Record<Schedule['every'], number> = {
  minute: 60_000,
  five_minutes: 300_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/**
 * Runs scheduled jobs once per slot over all replicas: a slot is a row, its primary key the lock (C.6). The
 * schedule needs no Redis, and a slot missed while everything was down is found from the series.
 */
@Injectable()
export class JobScheduler implements OnModuleInit {
  private readonly logger = new Logger('scheduler');
  private readonly owner = `${hostname()}:${process.pid}`;
  private readonly running = new Map<JobName, Promise<void>>();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly slots: JobSlotsRepository,
    private readonly runner: JobRunner,
    private readonly clock: Clock,
    private readonly lifecycle: Lifecycle,
  ) {}

  onModuleInit(): void {
    this.lifecycle.inBackground('job scheduler', () => this.start());
    this.lifecycle.onShutdown('workers', 'job scheduler', async () => {
      if (this.timer) clearInterval(this.timer);
      await Promise.all(this.running.values());
    });
  }

  private start(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
    this.tick();
  }

  private tick(): void {
    for (const [name, entry] of Object.entries(JOBS) as [JobName, (typeof JOBS)[JobName]][]) {
      if (!entry.schedule || this.running.has(name) || this.lifecycle.isStopping) continue;
      const work = this.runDue(name, entry.schedule)
        .then(() => undefined)
        .catch((error) => this.logger.error('scheduler.failed', error, { job: name }))
        .finally(() => this.running.delete(name));
      this.running.set(name, work);
    }
  }

  /** Runs everything that is due now, one job after another, and waits for it. @returns the jobs that ran */
  async runAllDue(): Promise<JobName[]> {
    const ran: JobName[] = [];
    for (const [name, { schedule }] of Object.entries(JOBS) as [JobName, (typeof JOBS)[JobName]][]) {
      if (!schedule) continue;
      await this.running.get(name);
      const work = this.runDue(name, schedule);
      const ended = work.then(
        () => undefined,
        () => undefined,
      );
      this.running.set(
        name,
        ended.finally(() => this.running.delete(name)),
      );
      if ((await work) > 0) ran.push(name);
    }
    return ran;
  }

  /**
   * Runs the slots of one job that are due now, in their order. It stops at one that fails or that another
   * replica holds: what is due counts from the newest finished slot, so a later one would hide it for ever.
   * @returns how many were finished
   */
  async runDue(name: JobName, schedule: Schedule): Promise<number> {
    let finished = 0;
    let previous = await this.slots.newestDone(name);
    for (const slot of dueSlots(schedule, this.clock.now(), previous)) {
      const claimed = await this.slots.claim(name, slot, this.owner, LEASE_MS);
      if (!claimed || !(await this.runClaimed(name, claimed, previous))) break;
      previous = slot;
      finished += 1;
    }
    return finished;
  }

  /** @returns whether the slot is finished now */
  private async runClaimed(name: JobName, claimed: ClaimedSlot, previous: Date | null): Promise<boolean> {
    const renewal = setInterval(() => {
      this.slots.renew(claimed, LEASE_MS).catch(() => undefined);
    }, LEASE_MS / 3);
    try {
      await this.runner.run(name, {}, { slot: claimed.slot, fence: claimed.fence, previous });
      return await this.slots.finish(claimed);
    } catch (error) {
      await this.slots.fail(claimed, error instanceof Error ? error.message : 'unknown', RETRY_MS);
      return false;
    } finally {
      clearInterval(renewal);
    }
  }
}

/**
 * The slots that should have been run by now: the newest one, or all since the last one that was done.
 * Slots are whole minutes, fives of them, hours or days of UTC, so a skewed clock cannot invent one.
 */
export function dueSlots(schedule: Schedule, now: Date, newestDone: Date | null): Date[] {
  const length = SLOT_MS[schedule.every];
  const current = Math.floor(now.getTime() / length) * length;
  if (newestDone !== null && newestDone.getTime() >= current) return [];
  if (schedule.catchUp === 'newest' || newestDone === null) return [new Date(current)];
  const first = Math.max(newestDone.getTime() + length, current - (MOST_CATCH_UP - 1) * length);
  const slots: Date[] = [];
  for (let slot = first; slot <= current; slot += length) slots.push(new Date(slot));
  return slots;
}
