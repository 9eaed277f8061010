import * as fc from 'fast-check';
import { calendarMonth, contains, monthlySlice } from './period';
import { ALWAYS_START, MOST_AHEAD_MS, MOST_LATE_MS, placeUsage, usageMonthOf } from './usage-period';

const FLOW = { kind: 'flow', lateUsage: 'next_period' } as const;
const GAUGE = { kind: 'gauge', lateUsage: 'reject' } as const;
const now = new Date('2026-11-21T12:00:00Z');
const anchor = new Date('2026-01-31T08:00:00Z');
const open = monthlySlice(anchor, now);

const place = (at: string | null, meter: Parameters<typeof placeUsage>[4] = FLOW) =>
  placeUsage(at === null ? null : new Date(at), now, open, anchor, meter);

describe('where a usage event counts', () => {
  it('is the open month when it has no time of its own', () => {
    expect(place(null)).toEqual({
      kind: 'counts',
      periodStart: new Date('2026-10-31T08:00:00Z'),
      periodEnd: new Date('2026-11-30T08:00:00Z'),
      isLate: false,
    });
  });

  it('holds the first moment of a month and not its end', () => {
    expect(place('2026-10-31T08:00:00.000Z')).toMatchObject({ periodStart: open.start, isLate: false });
    expect(place('2026-10-31T07:59:59.999Z')).toMatchObject({ periodStart: open.start, isLate: true });
  });

  it('is nowhere for a late event of a meter that refuses them', () => {
    const meter = { kind: 'flow', lateUsage: 'reject' } as const;
    expect(place('2026-10-31T07:59:59.999Z', meter)).toEqual({ kind: 'late_refused' });
    expect(place('2026-10-31T08:00:00.000Z', meter)).toMatchObject({ kind: 'counts', isLate: false });
  });

  it('is the next month for a clock that is there already', () => {
    const justBefore = new Date(open.end.getTime() - 1);
    const ahead = new Date(open.end.getTime() + 60_000);
    expect(placeUsage(ahead, justBefore, open, anchor, FLOW)).toMatchObject({
      periodStart: open.end,
      periodEnd: new Date('2026-12-31T08:00:00Z'),
    });
  });

  it('goes back 35 days and ahead 5 minutes, and not a millisecond more', () => {
    const at = (ms: number): string => new Date(now.getTime() + ms).toISOString();
    expect(place(at(-MOST_LATE_MS)).kind).toBe('counts');
    expect(place(at(-MOST_LATE_MS - 1)).kind).toBe('too_old');
    expect(place(at(MOST_AHEAD_MS)).kind).toBe('counts');
    expect(place(at(MOST_AHEAD_MS + 1)).kind).toBe('in_future');
  });

  it('is the one counter that a gauge has, whatever the time says', () => {
    for (const at of [null, '2026-10-20T00:00:00Z'])
      expect(place(at, GAUGE)).toEqual({
        kind: 'counts',
        periodStart: ALWAYS_START,
        periodEnd: null,
        isLate: false,
      });
  });

  it('is never a period that was over when the event came', () => {
    const moments = fc.date({
      min: new Date('2024-01-01'),
      max: new Date('2030-01-01'),
      noInvalidDate: true,
    });
    const offsets = fc.integer({ min: -MOST_LATE_MS, max: MOST_AHEAD_MS });
    fc.assert(
      fc.property(moments, fc.option(moments), offsets, (at, from, offset) => {
        const month = usageMonthOf(from, at);
        const placed = placeUsage(new Date(at.getTime() + offset), at, month, from, FLOW);
        if (placed.kind !== 'counts' || placed.periodEnd === null) return false;
        const period = { start: placed.periodStart, end: placed.periodEnd };
        return placed.periodEnd > at && (placed.isLate || contains(period, new Date(at.getTime() + offset)));
      }),
    );
  });

  it('without an anchor day is the calendar month', () => {
    expect(usageMonthOf(null, now)).toEqual(calendarMonth(now));
  });
});
