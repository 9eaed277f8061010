import { monthlySlice, calendarMonth, Period } from './period';
import type { MetricKind } from './plan-limits';

/** Gauges and caps are never reset: theirs began with time itself and has no end. */
export const ALWAYS_START = new Date(0);

const DAY_MS = 86_400_000;
/** How far back an event may have happened, and how far ahead a caller's clock may be (spec 02). */
export const MOST_LATE_MS = 35 * DAY_MS;
export const MOST_AHEAD_MS = 5 * 60_000;

/** Where an event counts. */
export type UsagePlacement =
  | {
      readonly kind: 'counts';
      readonly periodStart: Date;
      /** Null for what is never reset. */
      readonly periodEnd: Date | null;
      /** The event's own period is closed, and it was moved to the open one. */
      readonly isLate: boolean;
    }
  | { readonly kind: 'too_old' | 'in_future' | 'late_refused' };

/** The usage month that contains `at`: of the subscription's anchor day, else the calendar month in UTC (decisions 10). */
export function usageMonthOf(anchor: Date | null, at: Date): Period {
  return anchor === null ? calendarMonth(at) : monthlySlice(anchor, at);
}

/**
 * Which period an event counts in. A period is open until its end, by business time and on every replica alike,
 * whether its closing job has run or not; an event of a closed one goes to the open one or is refused, as the
 * meter says (decisions 13).
 * @param at when it happened, as the caller says; null = now
 * @param open the tenant's usage month that contains `now`
 * @param anchor what its months count from
 */
export function placeUsage(
  at: Date | null,
  now: Date,
  open: Period,
  anchor: Date | null,
  meter: { readonly kind: MetricKind; readonly lateUsage: 'next_period' | 'reject' },
): UsagePlacement {
  if (at !== null) {
    if (at.getTime() > now.getTime() + MOST_AHEAD_MS) return { kind: 'in_future' };
    if (at.getTime() < now.getTime() - MOST_LATE_MS) return { kind: 'too_old' };
  }
  if (meter.kind !== 'flow')
    return { kind: 'counts', periodStart: ALWAYS_START, periodEnd: null, isLate: false };
  const isLate = at !== null && at.getTime() < open.start.getTime();
  if (isLate && meter.lateUsage === 'reject') return { kind: 'late_refused' };
  // A clock ahead of ours may be in the next period already: the event counts where it says it belongs.
  const period = at !== null && at >= open.end ? usageMonthOf(anchor, at) : open;
  return { kind: 'counts', periodStart: period.start, periodEnd: period.end, isLate };
}
