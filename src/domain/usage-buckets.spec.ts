import fc from 'fast-check';
import { bucketAfter, bucketOf, bucketsOf, GRANULARITIES, MOST_BUCKETS } from './usage-buckets';

const at = (text: string): Date => new Date(text);

it('a bucket begins on the hour, at midnight, on the first, in UTC', () => {
  const moment = at('2026-03-29T03:59:59.999+02:00');
  expect(bucketOf(moment, 'hour')).toEqual(at('2026-03-29T01:00:00Z'));
  expect(bucketOf(moment, 'day')).toEqual(at('2026-03-29T00:00:00Z'));
  expect(bucketOf(moment, 'month')).toEqual(at('2026-03-01T00:00:00Z'));
});

it('buckets cover a span from the first to the last moment, and no more', () => {
  const days = bucketsOf(at('2026-02-27T12:00:00Z'), at('2026-03-02T00:00:00Z'), 'day');
  expect(days.map((day) => day.toISOString().slice(0, 10))).toEqual([
    '2026-02-27',
    '2026-02-28',
    '2026-03-01',
  ]);
  const months = bucketsOf(at('2025-12-31T23:00:00Z'), at('2026-02-01T00:00:00.001Z'), 'month');
  expect(months.map((month) => month.toISOString().slice(0, 7))).toEqual(['2025-12', '2026-01', '2026-02']);
});

it('a moment lies in its bucket, and buckets follow each other without a gap', () => {
  const moments = fc.date({
    min: at('1970-01-01T00:00:00Z'),
    max: at('2100-01-01T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(moments, fc.constantFrom(...GRANULARITIES), (moment, granularity) => {
      const start = bucketOf(moment, granularity);
      const next = bucketAfter(start, granularity);
      expect(start.getTime()).toBeLessThanOrEqual(moment.getTime());
      expect(next.getTime()).toBeGreaterThan(moment.getTime());
      expect(bucketOf(next, granularity)).toEqual(next);
      expect(bucketOf(new Date(next.getTime() - 1), granularity)).toEqual(start);
    }),
  );
});

it('stops one past the most', () => {
  for (const granularity of GRANULARITIES)
    expect(bucketsOf(at('1970-01-01T00:00:00Z'), at('2100-01-01T00:00:00Z'), granularity)).toHaveLength(
      MOST_BUCKETS[granularity] + 1,
    );
});
