import fc from 'fast-check';
import type { Schedule } from '../../contracts/jobs';
import { dueSlots } from './job-scheduler';

const MINUTE = 60_000;
const LENGTH = {
  minute: MINUTE,
  ten_seconds: MINUTE / 6,
  five_minutes: 5 * MINUTE,
  hour: 60 * MINUTE,
  day: 24 * 60 * MINUTE,
} as const;
const schedules = fc.record<Schedule>({
  every: fc.constantFrom('ten_seconds', 'minute', 'five_minutes', 'hour', 'day'),
  catchUp: fc.constantFrom('newest', 'all'),
});
const moments = fc.date({
  min: new Date('2024-01-01T00:00:00Z'),
  max: new Date('2030-01-01T00:00:00Z'),
  noInvalidDate: true,
});

describe('the slots that are due', () => {
  it('is the running one before the first run', () => {
    const now = new Date('2026-11-21T10:59:59.999Z');
    expect(dueSlots({ every: 'hour', catchUp: 'newest' }, now, null)).toEqual([
      new Date('2026-11-21T10:00:00Z'),
    ]);
    expect(dueSlots({ every: 'day', catchUp: 'all' }, now, null)).toEqual([new Date('2026-11-21T00:00:00Z')]);
  });

  it('begin exactly with their minute, hour or day', () => {
    const done = new Date('2026-11-21T10:00:00Z');
    const at = (time: string): Date[] => dueSlots({ every: 'hour', catchUp: 'newest' }, new Date(time), done);
    expect(at('2026-11-21T10:59:59.999Z')).toEqual([]);
    expect(at('2026-11-21T11:00:00.000Z')).toEqual([new Date('2026-11-21T11:00:00Z')]);
  });

  it('are all since the last one, or the newest only', () => {
    const now = new Date('2026-11-21T13:30:00Z');
    const done = new Date('2026-11-21T10:00:00Z');
    expect(dueSlots({ every: 'hour', catchUp: 'all' }, now, done)).toEqual(
      ['11', '12', '13'].map((hour) => new Date(`2026-11-21T${hour}:00:00Z`)),
    );
    expect(dueSlots({ every: 'hour', catchUp: 'newest' }, now, done)).toEqual([
      new Date('2026-11-21T13:00:00Z'),
    ]);
  });

  it('are none when the clock went back behind the last one', () => {
    const done = new Date('2026-11-21T10:00:00Z');
    for (const catchUp of ['newest', 'all'] as const)
      expect(dueSlots({ every: 'hour', catchUp }, new Date('2026-11-20T00:00:00Z'), done)).toEqual([]);
  });

  it('always end with the running slot, are whole, rising, after the last one, and at most 400', () => {
    fc.assert(
      fc.property(schedules, moments, fc.option(moments), (schedule, now, past) => {
        const length = LENGTH[schedule.every];
        const done = past && new Date(Math.floor(past.getTime() / length) * length);
        const slots = dueSlots(schedule, now, done).map((slot) => slot.getTime());
        const current = Math.floor(now.getTime() / length) * length;
        if (done !== null && done.getTime() >= current) return expect(slots).toEqual([]);
        expect(slots.at(-1)).toBe(current);
        expect(slots.length).toBeLessThanOrEqual(400);
        const wrong = slots.filter(
          (slot, index) =>
            slot % length !== 0 ||
            (index > 0 && slot - slots[index - 1]! !== length) ||
            (done !== null && slot <= done.getTime()),
        );
        expect(wrong).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('make one series without gap or repeat, however often and late the scheduler looks', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Schedule['every']>('ten_seconds', 'minute', 'five_minutes', 'hour', 'day'),
        moments,
        fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 20 }),
        (every, start, pausesInTenths) => {
          const length = LENGTH[every];
          let now = start.getTime();
          let done: Date | null = null;
          const run: number[] = [];
          for (const tenths of pausesInTenths) {
            for (const slot of dueSlots({ every, catchUp: 'all' }, new Date(now), done)) {
              run.push(slot.getTime());
              done = slot;
            }
            now += (tenths * length) / 10;
          }
          const gaps = run.filter((slot, index) => index > 0 && slot - run[index - 1]! !== length);
          expect(gaps).toEqual([]);
        },
      ),
    );
  });
});
