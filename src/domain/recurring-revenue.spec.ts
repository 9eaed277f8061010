import { makePlan } from './plan-facts.fixture';
import { monthlyRevenue, Recurring, revenueEffect } from './recurring-revenue';

const pro = makePlan({ id: 'pro', slug: 'pro', amount: 1000 });
const yearly = makePlan({ id: 'pro-y', slug: 'pro-yearly', amount: 10_000, interval: 'year' });
const free = makePlan({ id: 'free', slug: 'free', amount: 0 });
const of = (plan: typeof pro, quantity = 1): Recurring => ({ plan, quantity });

describe('revenueEffect', () => {
  it('rounds once over the whole quantity', () => {
    expect(monthlyRevenue({ plan: yearly, quantity: 3 }).amount).toBe(2500);
    expect(monthlyRevenue({ plan: yearly, quantity: 1 }).amount).toBe(833);
  });

  it.each<[string, Recurring, Recurring, string, number]>([
    ['a first purchase', null, of(pro), 'new', 1000],
    ['from free', of(free), of(pro), 'new', 1000],
    ['more seats', of(pro, 2), of(pro, 5), 'expansion', 3000],
    ['monthly to yearly', of(pro), of(yearly), 'contraction', -167],
    ['the end', of(pro, 2), null, 'churn', -2000],
    ['nothing', of(pro), of(pro), 'none', 0],
  ])('%s', (_name, before, after, kind, amount) => {
    expect(revenueEffect(before, after)).toMatchObject({ kind, amount });
  });

  it('adds no two currencies', () => {
    expect(
      revenueEffect(of(pro), of(makePlan({ id: 'y', slug: 'y', currency: 'jpy', amount: 9 }))),
    ).toBeNull();
    expect(revenueEffect(null, null)).toBeNull();
  });
});
