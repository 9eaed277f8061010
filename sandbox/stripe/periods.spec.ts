import { intervalsAfter } from './periods';

const seconds = (iso: string) => Date.parse(iso) / 1000;
const after = (iso: string, interval: string, count: number) =>
  new Date(intervalsAfter(seconds(iso), interval, count) * 1000).toISOString();

describe('periods', () => {
  it('keep the anchor day and fall back in shorter months without drifting', () => {
    expect([1, 2, 3].map((count) => after('2026-01-31T10:20:30.000Z', 'month', count))).toEqual([
      '2026-02-28T10:20:30.000Z',
      '2026-03-31T10:20:30.000Z',
      '2026-04-30T10:20:30.000Z',
    ]);
  });

  it('know leap days', () => {
    expect(after('2028-02-29T00:00:00.000Z', 'year', 1)).toBe('2029-02-28T00:00:00.000Z');
    expect(after('2028-02-29T00:00:00.000Z', 'year', 4)).toBe('2032-02-29T00:00:00.000Z');
  });

  it('count days and weeks in seconds', () => {
    expect(after('2026-12-30T23:00:00.000Z', 'week', 1)).toBe('2027-01-06T23:00:00.000Z');
    expect(after('2026-12-31T23:00:00.000Z', 'day', 3)).toBe('2027-01-03T23:00:00.000Z');
  });
});
