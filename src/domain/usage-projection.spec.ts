import fc from 'fast-check';
import { projectUsage } from './usage-projection';

const period = { start: new Date('2026-11-01T00:00:00Z'), end: new Date('2026-12-01T00:00:00Z') };
const day = (n: number): Date => new Date(period.start.getTime() + n * 86_400_000);

describe('projectUsage', () => {
  it('lets a flow go on at its pace', () => {
    expect(projectUsage({ used: 50, kind: 'flow', period, now: day(15) })).toBe(100);
    expect(projectUsage({ used: 10, kind: 'flow', period, now: day(3) })).toBe(100);
  });

  it('rounds up, since a limit is reached by a part as well', () => {
    expect(projectUsage({ used: 1, kind: 'flow', period, now: day(7) })).toBe(5);
  });

  it.each(['gauge', 'cap'] as const)('leaves a %s as it is', (kind) => {
    expect(projectUsage({ used: 7, kind, period, now: day(1) })).toBe(7);
  });

  it.each([
    ['in the first instant', day(0)],
    ['before the period', day(-1)],
    ['at its end', day(30)],
    ['after it', day(31)],
  ])('says what is used %s', (_when, now) => {
    expect(projectUsage({ used: 700, kind: 'flow', period, now })).toBe(700);
  });

  it('is a safe integer, never less than what is used already', () => {
    const instants = fc.date({ min: day(0), max: day(30), noInvalidDate: true });
    fc.assert(
      fc.property(fc.maxSafeInteger().map(Math.abs), instants, (used, now) => {
        const projected = projectUsage({ used, kind: 'flow', period, now });
        expect(Number.isSafeInteger(projected)).toBe(true);
        expect(projected).toBeGreaterThanOrEqual(used);
      }),
    );
  });
});
