/** Calendar arithmetic of billing, always in UTC. A period holds its start and not its end. */
export interface Period {
  readonly start: Date;
  readonly end: Date;
}

/** How often a plan is paid. Stripe's daily and weekly prices are not sold as plans. */
export type BillingInterval = 'month' | 'year';

/**
 * The monthly slice that contains `now`, counted from an anchor: usage limits are per month, and a yearly
 * subscription uses monthly slices from its anchor day (decisions 10).
 *
 * Every slice is counted from the anchor itself, never from the slice before, because Stripe clamps an
 * anchor on the 29th to 31st to short months without forgetting it: Jan 31, Feb 28, Mar 31.
 */
export function monthlySlice(anchor: Date, now: Date): Period {
  const calendarMonths =
    (now.getUTCFullYear() - anchor.getUTCFullYear()) * 12 + (now.getUTCMonth() - anchor.getUTCMonth());
  const startsLater = addMonths(anchor, calendarMonths).getTime() > now.getTime();
  const months = startsLater ? calendarMonths - 1 : calendarMonths;
  return { start: addMonths(anchor, months), end: addMonths(anchor, months + 1) };
}

/** The calendar month in UTC that contains `now`: the period of a tenant without an anchor day. */
export function calendarMonth(now: Date): Period {
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth();
  return { start: new Date(Date.UTC(year, month, 1)), end: new Date(Date.UTC(year, month + 1, 1)) };
}

/**
 * `date` plus `count` months or years, at the same time of day, clamped to the end of a short month.
 * Count on from the first date of a series, not from its last: a clamped date has forgotten its day.
 */
export function addInterval(date: Date, interval: BillingInterval, count: number): Date {
  return addMonths(date, intervalMonths(interval, 1) * count);
}

/** How many months an interval covers: a price paid every 2 years covers 24. */
export function intervalMonths(interval: BillingInterval, count: number): number {
  return interval === 'year' ? 12 * count : count;
}

/** Whether `at` lies in the period; its start does, its end belongs to the next one. */
export function contains(period: Period, at: Date): boolean {
  return period.start.getTime() <= at.getTime() && at.getTime() < period.end.getTime();
}

/** `date` plus whole months, at the same time of day, clamped to the end of a short month; always in UTC. */
export function addMonths(date: Date, months: number): Date {
  if (!Number.isSafeInteger(months)) throw new RangeError('months must be a whole number');
  if (Number.isNaN(date.getTime())) throw new RangeError('not a date');
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth() + months;
  // Day 0 of a month is the last day of the month before it.
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const moved = new Date(date.getTime());
  moved.setUTCFullYear(year, month, Math.min(date.getUTCDate(), lastDay));
  return moved;
}
