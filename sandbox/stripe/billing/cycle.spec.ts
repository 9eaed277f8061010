import fc from 'fast-check';
import type Stripe from 'stripe';
import { useBalance } from './balance';
import { periodContaining } from './cycle';

const every = (interval: Stripe.Price.Recurring.Interval, count = 1): Stripe.Price.Recurring => ({
  interval,
  interval_count: count,
  meter: null,
  trial_period_days: null,
  usage_type: 'licensed',
});
const at = (iso: string) => Date.parse(iso) / 1000;

describe('the billing cycle', () => {
  it('keeps the day of its anchor through shorter months', () => {
    const period = periodContaining(at('2026-01-31T10:00:00Z'), every('month'), at('2026-03-05T00:00:00Z'));
    expect(period).toEqual({ start: at('2026-02-28T10:00:00Z'), end: at('2026-03-31T10:00:00Z') });
  });

  it('begins a period at its very boundary', () => {
    const boundary = at('2026-02-28T10:00:00Z');
    expect(periodContaining(at('2026-01-31T10:00:00Z'), every('month'), boundary).start).toBe(boundary);
    expect(periodContaining(at('2026-01-31T10:00:00Z'), every('month'), boundary - 1).end).toBe(boundary);
  });

  it('reaches back before an anchor in the future', () => {
    const period = periodContaining(at('2026-06-15T00:00:00Z'), every('year'), at('2026-03-01T00:00:00Z'));
    expect(period).toEqual({ start: at('2025-06-15T00:00:00Z'), end: at('2026-06-15T00:00:00Z') });
  });

  it('always contains the moment asked for, and the next period follows without a gap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_500_000_000, max: 2_200_000_000 }),
        fc.integer({ min: 1_500_000_000, max: 2_200_000_000 }),
        fc.constantFrom('day' as const, 'week' as const, 'month' as const, 'year' as const),
        fc.integer({ min: 1, max: 3 }),
        (anchor, moment, interval, count) => {
          const { start, end } = periodContaining(anchor, every(interval, count), moment);
          expect(start <= moment && moment < end).toBe(true);
          expect(periodContaining(anchor, every(interval, count), end).start).toBe(end);
        },
      ),
    );
  });
});

describe("a customer's balance", () => {
  it.each([
    [3000, 0, { due: 3000, ending: 0 }],
    [3000, -1000, { due: 2000, ending: 0 }],
    [3000, -5000, { due: 0, ending: -2000 }],
    [3000, 500, { due: 3500, ending: 0 }],
    [-700, -300, { due: 0, ending: -1000 }],
    [-700, 1000, { due: 0, ending: 300 }],
    [0, 250, { due: 0, ending: 250 }],
  ])('a total of %i meets a balance of %i', (total, balance, use) => {
    expect(useBalance(total, balance)).toEqual(use);
  });
});
