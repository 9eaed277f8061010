import { setTimeout as pause } from 'node:timers/promises';
import type { JobName, Schedule } from '../../src/contracts/jobs';
import { Clock } from '../../src/platform/clock';
import { Lifecycle } from '../../src/platform/lifecycle';
import type { JobRunner } from '../../src/platform/queue/job-runner';
import { JobScheduler } from '../../src/platform/queue/job-scheduler';
import { JobSlotsRepository } from '../../src/platform/queue/job-slots.repository';
import type { JobRun } from '../../src/platform/queue/on-job';
import { seeded } from '../support/random';
import { startTestService, type TestService } from '../support/service';

/** A scheduled job runs once per slot, whoever dies or sleeps: R-25, I11. */
const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1);
const EVERY: Schedule = { every: 'minute', catchUp: 'all' };

let service: TestService;
let slots: JobSlotsRepository;
/** Slots belong to a job's name; each test has names of its own. */
let name: JobName;
let tests = 0;

beforeAll(async () => {
  service = await startTestService({ env: { ROLE: 'api' } });
  slots = service.get(JobSlotsRepository);
});

afterAll(() => service.close());

beforeEach(() => {
  name = `test.${++tests}` as JobName;
});

class SetClock extends Clock {
  at = START;

  override now(): Date {
    return new Date(this.at);
  }
}

interface Replica {
  clock: SetClock;
  scheduler: JobScheduler;
}

function makeReplica(work: (run: JobRun) => Promise<void>): Replica {
  const clock = new SetClock();
  const runner = {
    run: (_name: JobName, _payload: unknown, run: JobRun) => work(run),
  } as unknown as JobRunner;
  return { clock, scheduler: new JobScheduler(slots, runner, clock, new Lifecycle()) };
}

const minute = (index: number): Date => new Date(START + index * MINUTE);
const indexOf = (run: JobRun): number => (run.slot!.getTime() - START) / MINUTE;

async function done(): Promise<number[]> {
  const rows = await service.rows<{ slot: Date }>(
    'select slot from job_slots where job = $1 and done_at is not null order by slot',
    [name],
  );
  return rows.map((row) => (row.slot.getTime() - START) / MINUTE);
}

const endLeases = (): Promise<unknown> =>
  service.rows(`update job_slots set lease_until = now() - interval '1 second' where job = $1`, [name]);

const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, index) => index);

describe('schedulers side by side', () => {
  it('run each slot once between them, though their clocks differ and looks are many', async () => {
    const random = seeded(5);
    const runs: number[] = [];
    const replicas = Array.from({ length: 3 }, () =>
      makeReplica(async (run) => {
        await pause(random() * 2);
        runs.push(indexOf(run));
      }),
    );
    for (let tick = 0; tick <= 40; tick++)
      await Promise.all(
        replicas.map(async ({ clock, scheduler }) => {
          const skew = Math.floor(random() * 10_000) - 5000;
          clock.at = START + tick * MINUTE + (tick === 0 ? 0 : skew);
          for (let look = 0; look < 2; look++) await scheduler.runDue(name, EVERY);
        }),
      );
    const last = Math.max(...runs);
    expect(runs.toSorted((a, b) => a - b)).toEqual(upTo(last));
    expect(last).toBeGreaterThanOrEqual(39);
    expect(await done()).toEqual(upTo(last));
  });

  it('make up all that was missed while none was there, oldest first, or only the newest', async () => {
    const runs: number[] = [];
    const { clock, scheduler } = makeReplica(async (run) => void runs.push(indexOf(run)));
    await scheduler.runDue(name, EVERY);
    clock.at = START + 7.5 * MINUTE;
    await scheduler.runDue(name, EVERY);
    expect(runs).toEqual(upTo(7));
    clock.at = START + 20 * MINUTE;
    await scheduler.runDue(name, { every: 'minute', catchUp: 'newest' });
    expect(runs).toEqual([...upTo(7), 20]);
  });
});

describe('a slot', () => {
  it('whose holder died is taken over when its lease is over, with a higher fence', async () => {
    const dead = await slots.claim(name, minute(0), 'dead', 30_000);
    expect(dead).toMatchObject({ fence: 1 });
    expect(await slots.claim(name, minute(0), 'other', 30_000)).toBeNull();
    await endLeases();
    const claims = await Promise.all(upTo(9).map((n) => slots.claim(name, minute(0), `other ${n}`, 30_000)));
    expect(claims.filter((claim) => claim !== null)).toEqual([expect.objectContaining({ fence: 2 })]);
  });

  it("is no longer its first holder's to end, prolong or give back (fencing, F-57)", async () => {
    const slow = (await slots.claim(name, minute(0), 'slow', 1))!;
    await pause(10);
    const quick = (await slots.claim(name, minute(0), 'quick', 30_000))!;
    expect(await slots.renew(slow, 30_000)).toBe(false);
    expect(await slots.finish(slow)).toBe(false);
    expect(await slots.fail(slow, 'too late', 0)).toBe(false);
    expect(await done()).toEqual([]);
    expect(await slots.renew(quick, 30_000)).toBe(true);
    expect(await slots.finish(quick)).toBe(true);
    expect(await slots.finish(quick)).toBe(false);
    expect(await slots.claim(name, minute(0), 'third', 1)).toBeNull();
  });

  it("is its holder's as long as he prolongs the lease", async () => {
    const claim = (await slots.claim(name, minute(0), 'one', 40))!;
    for (let turn = 0; turn < 4; turn++) {
      await pause(20);
      expect(await slots.renew(claim, 400)).toBe(true);
      expect(await slots.claim(name, minute(0), 'two', 40)).toBeNull();
    }
    expect(await slots.finish(claim)).toBe(true);
  });

  it('that failed is tried again after a while, with its reason kept', async () => {
    let fails = true;
    const runs: number[] = [];
    const { scheduler } = makeReplica(async (run) => {
      runs.push(run.fence!);
      if (fails) throw new Error('Stripe is away');
    });
    await scheduler.runDue(name, EVERY);
    await scheduler.runDue(name, EVERY);
    expect(runs).toEqual([1]);
    const [row] = await service.rows<{ error: string }>('select error from job_slots where job = $1', [name]);
    expect(row!.error).toBe('Stripe is away');
    await endLeases();
    fails = false;
    await scheduler.runDue(name, EVERY);
    expect(runs).toEqual([1, 2]);
    expect(await done()).toEqual([0]);
  });

  it('that failed is not lost behind later ones that did not', async () => {
    let broken = 2;
    const { clock, scheduler } = makeReplica(async (run) => {
      if (indexOf(run) === broken) throw new Error('not yet');
    });
    await scheduler.runDue(name, EVERY);
    clock.at = START + 5 * MINUTE;
    await scheduler.runDue(name, EVERY);
    expect(await done()).toEqual([0, 1]);
    broken = -1;
    await endLeases();
    await scheduler.runDue(name, EVERY);
    expect(await done()).toEqual(upTo(5));
  });

  it('that a dead replica holds is not lost behind later ones', async () => {
    const { clock, scheduler } = makeReplica(async () => undefined);
    await scheduler.runDue(name, EVERY);
    await slots.claim(name, minute(1), 'dead', 30_000);
    clock.at = START + 3 * MINUTE;
    await scheduler.runDue(name, EVERY);
    await endLeases();
    await scheduler.runDue(name, EVERY);
    expect(await done()).toEqual(upTo(3));
  });

  it('that another took over while it ran does not count as done by the first', async () => {
    const { scheduler } = makeReplica(async () => {
      await endLeases();
      await slots.claim(name, minute(0), 'thief', 30_000);
    });
    await scheduler.runDue(name, EVERY);
    expect(await done()).toEqual([]);
  });
});
