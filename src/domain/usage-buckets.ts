/** Parts of a span of time, in UTC: hours, days and calendar months. A bucket holds its start and not its end. */
export const GRANULARITIES = ['hour', 'day', 'month'] as const;
export type Granularity = (typeof GRANULARITIES)[number];

/** The most that one answer shows: a month of hours, a year and more of days, five years. */
export const MOST_BUCKETS: Readonly<Record<Granularity, number>> = { hour: 744, day: 400, month: 60 };

/** The start of the bucket that contains a moment. */
export function bucketOf(at: Date, granularity: Granularity): Date {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  if (granularity === 'month') return new Date(Date.UTC(year, month, 1));
  return new Date(Date.UTC(year, month, day, granularity === 'hour' ? at.getUTCHours() : 0));
}

/** The start of a bucket so many buckets later; counted from a bucket's start, which no month is too short for. */
export function bucketAfter(start: Date, granularity: Granularity, count = 1): Date {
  const [year, month, day] = [start.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate()];
  if (granularity === 'month') return new Date(Date.UTC(year, month + count, 1));
  const hours = granularity === 'hour' ? count : count * 24;
  return new Date(Date.UTC(year, month, day, start.getUTCHours() + hours));
}

/**
 * The starts of the buckets that hold some of the span, the oldest first; one more than the most when there are
 * too many.
 */
export function bucketsOf(from: Date, to: Date, granularity: Granularity): Date[] {
  const buckets: Date[] = [];
  let start = bucketOf(from, granularity);
  while (start.getTime() < to.getTime() && buckets.length <= MOST_BUCKETS[granularity]) {
    buckets.push(start);
    start = bucketAfter(start, granularity);
  }
  return buckets;
}
