import type Stripe from 'stripe';

/** A stretch of time in Unix seconds, the end excluded. */
export interface Period {
  start: number;
  end: number;
}

const DAY = 86_400;

/**
 * The moment `count` intervals after the anchor. Months keep the anchor's day and fall back to the last day of
 * shorter months without drifting: Jan 31 → Feb 28 → Mar 31.
 */
export function intervalsAfter(anchor: number, interval: string, count: number): number {
  if (interval === 'day') return anchor + count * DAY;
  if (interval === 'week') return anchor + count * 7 * DAY;
  const from = new Date(anchor * 1000);
  const months = from.getUTCMonth() + (interval === 'year' ? count * 12 : count);
  const lastDay = new Date(Date.UTC(from.getUTCFullYear(), months + 1, 0)).getUTCDate();
  const time = Date.UTC(
    from.getUTCFullYear(),
    months,
    Math.min(from.getUTCDate(), lastDay),
    from.getUTCHours(),
    from.getUTCMinutes(),
    from.getUTCSeconds(),
  );
  return time / 1000;
}

/** The first billing period of a recurring price that starts at `start`. */
export function firstPeriod(start: number, recurring: Stripe.Price.Recurring): Period {
  return { start, end: intervalsAfter(start, recurring.interval, recurring.interval_count) };
}

/** "every month", "every 3 months": for people. */
export function intervalName(recurring: Stripe.Price.Recurring): string {
  return recurring.interval_count === 1
    ? `every ${recurring.interval}`
    : `every ${recurring.interval_count} ${recurring.interval}s`;
}
