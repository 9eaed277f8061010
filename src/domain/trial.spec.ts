import fc from 'fast-check';
import { mayStartTrial, trialState, trialWindow } from './trial';

const start = new Date('2026-11-21T10:00:00Z');
const after = (ms: number): Date => new Date(start.getTime() + ms);
const DAY = 86_400_000;
const trial = { startedAt: start, endsAt: after(14 * DAY), convertedAt: null };

describe('trialWindow', () => {
  it('lasts so many times 24 hours', () => {
    expect(trialWindow(start, 14)).toEqual({ start, end: new Date('2026-12-05T10:00:00Z') });
  });

  it.each([-1, 1.5, 731, Number.NaN])('refuses %s days', (days) => {
    expect(() => trialWindow(start, days)).toThrow(RangeError);
  });
});

describe('trialState', () => {
  it.each([
    ['its first instant', 0, true, 14],
    ['a millisecond later', 1, true, 14],
    ['a day later', DAY, true, 13],
    ['its last millisecond', 14 * DAY - 1, true, 1],
    ['its end', 14 * DAY, false, 0],
    ['before its start', -1, false, 0],
  ])('at %s', (_moment, ms, active, daysLeft) => {
    expect(trialState(trial, after(ms))).toEqual({
      active,
      days_left: daysLeft,
      started_at: trial.startedAt,
      ends_at: trial.endsAt,
    });
  });

  it('is over once converted, whatever time is left', () => {
    expect(trialState({ ...trial, convertedAt: after(DAY) }, after(2 * DAY))).toMatchObject({
      active: false,
      days_left: 0,
    });
  });

  it('is not active for a tenant that never had one', () => {
    expect(trialState({ startedAt: null, endsAt: null, convertedAt: null }, start)).toEqual({
      active: false,
      days_left: 0,
      started_at: null,
      ends_at: null,
    });
  });

  it('has days left exactly while it is active, and never more than it lasts', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 730 }),
        fc.integer({ min: -800 * DAY, max: 800 * DAY }),
        (days, ms) => {
          const { end } = trialWindow(start, days);
          const state = trialState({ startedAt: start, endsAt: end, convertedAt: null }, after(ms));
          expect(state.days_left > 0).toBe(state.active);
          expect(state.days_left).toBeLessThanOrEqual(days);
        },
      ),
    );
  });
});

describe('mayStartTrial', () => {
  it('allows one trial in a life', () => {
    expect(mayStartTrial({ trialStartedAt: null })).toBe(true);
    expect(mayStartTrial({ trialStartedAt: start })).toBe(false);
  });
});
