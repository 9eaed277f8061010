import fc from 'fast-check';
import { addInterval, calendarMonth, contains, intervalMonths, monthlySlice } from './period';

const at = (text: string): Date => new Date(text);
const instants = fc.date({
  min: at('2000-01-01T00:00:00Z'),
  max: at('2060-01-01T00:00:00Z'),
  noInvalidDate: true,
});
const MONTHS_IN_40_YEARS = 480;

describe('monthlySlice', () => {
  it.each([
    ['2026-01-31', '2026-02-10', '2026-01-31', '2026-02-28'],
    ['2026-01-31', '2026-02-28', '2026-02-28', '2026-03-31'],
    ['2026-01-31', '2026-03-30', '2026-02-28', '2026-03-31'],
    ['2026-01-31', '2026-03-31', '2026-03-31', '2026-04-30'],
    ['2024-02-29', '2025-03-01', '2025-02-28', '2025-03-29'],
    ['2024-02-29', '2028-02-29', '2028-02-29', '2028-03-29'],
    ['2026-11-15', '2026-11-15', '2026-11-15', '2026-12-15'],
    ['2025-06-15', '2026-06-14', '2026-05-15', '2026-06-15'], // paid by the year, counted by the month
    ['2026-05-10', '2026-04-20', '2026-04-10', '2026-05-10'], // before the anchor
  ])('anchored at %s, the slice of %s is %s to %s', (anchor, now, start, end) => {
    expect(monthlySlice(at(anchor), at(now))).toEqual({ start: at(start), end: at(end) });
  });

  it('keeps the time of day of the anchor', () => {
    const slice = monthlySlice(at('2026-01-31T13:14:15.016Z'), at('2026-02-28T13:14:15.015Z'));
    expect(slice).toEqual({ start: at('2026-01-31T13:14:15.016Z'), end: at('2026-02-28T13:14:15.016Z') });
  });

  it('always contains now', () => {
    fc.assert(
      fc.property(instants, instants, (anchor, now) => {
        expect(contains(monthlySlice(anchor, now), now)).toBe(true);
      }),
    );
  });

  it('is one and the same for every moment of it', () => {
    fc.assert(
      fc.property(
        instants,
        instants,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (anchor, now, share) => {
          const slice = monthlySlice(anchor, now);
          const length = slice.end.getTime() - slice.start.getTime();
          const other = new Date(slice.start.getTime() + Math.floor(length * share));
          expect(monthlySlice(anchor, other)).toEqual(slice);
        },
      ),
    );
  });

  it('follows on without gap, overlap or drift for 40 years', () => {
    fc.assert(
      fc.property(instants, (anchor) => {
        let now = anchor;
        for (let month = 0; month < MONTHS_IN_40_YEARS; month += 1) {
          const slice = monthlySlice(anchor, now);
          expect(slice.start).toEqual(now);
          expect(slice.end.getTime()).toBeGreaterThan(slice.start.getTime());
          const lastDay = new Date(
            Date.UTC(slice.start.getUTCFullYear(), slice.start.getUTCMonth() + 1, 0),
          ).getUTCDate();
          expect(slice.start.getUTCDate()).toBe(Math.min(anchor.getUTCDate(), lastDay));
          now = slice.end;
        }
        expect(now).toEqual(addInterval(anchor, 'year', 40));
      }),
      { numRuns: 30 },
    );
  });

  it('refuses what is no date', () => {
    expect(() => monthlySlice(at('nonsense'), at('2026-01-01'))).toThrow(RangeError);
    expect(() => monthlySlice(at('2026-01-01'), at('nonsense'))).toThrow(RangeError);
  });
});

describe('calendarMonth', () => {
  it('runs from the first to the first, in UTC', () => {
    expect(calendarMonth(at('2026-12-31T23:59:59.999Z'))).toEqual({
      start: at('2026-12-01'),
      end: at('2027-01-01'),
    });
    expect(calendarMonth(at('2027-01-01T00:00:00.000Z')).start).toEqual(at('2027-01-01'));
  });

  it('is the slice of an anchor on any first of a month', () => {
    fc.assert(
      fc.property(instants, (now) => {
        expect(calendarMonth(now)).toEqual(monthlySlice(at('2020-01-01'), now));
      }),
    );
  });
});

describe('addInterval', () => {
  it.each([
    ['2026-01-31', 'month', 1, '2026-02-28'],
    ['2026-01-31', 'month', 2, '2026-03-31'],
    ['2026-03-31', 'month', -1, '2026-02-28'],
    ['2024-02-29', 'year', 1, '2025-02-28'],
    ['2024-02-29', 'year', 4, '2028-02-29'],
    ['2026-12-15', 'month', 1, '2027-01-15'],
  ] as const)('%s plus %s × %d is %s', (date, interval, count, expected) => {
    expect(addInterval(at(date), interval, count)).toEqual(at(expected));
  });

  it('leaves the date it was given alone', () => {
    const date = at('2026-01-31');
    addInterval(date, 'month', 1);
    expect(date).toEqual(at('2026-01-31'));
  });

  it('counts months only in whole', () => {
    expect(() => addInterval(at('2026-01-31'), 'month', 0.5)).toThrow(RangeError);
    expect(intervalMonths('year', 2)).toBe(24);
  });
});

describe('contains', () => {
  it('holds its start and not its end', () => {
    const period = { start: at('2026-01-01'), end: at('2026-02-01') };
    expect(contains(period, period.start)).toBe(true);
    expect(contains(period, period.end)).toBe(false);
  });
});
