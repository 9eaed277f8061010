import { activeOn, free, ownTrialOf, plan, pro, subscription } from './offers';

/**
 * The pages' pure rules, tried without a browser. Loaded by Jest, not imported: web/ is compiled by its own
 * tsconfig (ES modules, DOM types), which this program's types cannot reach.
 */
interface Money {
  formatMoney(amount: number, currency: string, locale?: string): string;
  currencyDecimals(currency: string): number;
}
interface Families {
  groupPlans(plans: Plan[]): { id: string; isEnterprise: boolean; variants: Plan[] }[];
  variantFor(family: { variants: Plan[] }, rhythm: 'monthly' | 'yearly'): Plan;
}
interface Intents {
  intentFor(planId: string, coupon: string, unsettled: Intent | null): Intent;
}
interface Standings {
  standingOf(given: ReturnType<typeof subscription>): string;
}
type Plan = ReturnType<typeof plan>;
type Intent = { planId: string; coupon: string; idempotencyKey: string };

const { formatMoney, currencyDecimals } = jest.requireActual<Money>('../../web/src/money/money');
const { groupPlans, variantFor } = jest.requireActual<Families>('../../web/src/pricing/plan-families');
const { intentFor } = jest.requireActual<Intents>('../../web/src/checkout/checkout-intent');

const { standingOf } = jest.requireActual<Standings>('../../web/src/api/subscription');

describe('money', () => {
  it.each([
    [2900, 'usd', '$29'],
    [2917, 'USD', '$29.17'],
    [5, 'USD', '$0.05'],
    [0, 'USD', '$0'],
    [123456789, 'USD', '$1,234,567.89'],
    [3000, 'JPY', '¥3,000'],
    [15000, 'KRW', '₩15,000'],
    [1250, 'KWD', 'KWD 1.250'],
    // Stripe counts these two in hundredths although ISO 4217 gives them no decimals.
    [150000, 'ISK', 'ISK 1,500'],
    [1000050, 'UGX', 'UGX 10,000.50'],
    [-500, 'USD', '-$5'],
  ])('writes %i minor units of %s as %s', (amount, currency, text) => {
    expect(formatMoney(amount, currency, 'en-US').replace(/\u00a0/g, ' ')).toBe(text);
  });

  it('knows how many decimals a minor unit stands for', () => {
    expect(['JPY', 'usd', 'BHD'].map(currencyDecimals)).toEqual([0, 2, 3]);
  });
});

describe('plan families', () => {
  // Which variants belong together is the rule; their order inside a family is not.
  const slugs = (plans: Plan[]) =>
    groupPlans(plans).map(({ variants }) => variants.map(({ slug }) => slug).sort());
  const make = (slug: string, fields: Record<string, unknown> = {}) =>
    plan({ id: slug, name: slug, slug, amount: 1000, ...fields });

  it('joins siblings by the link of their saving, whatever their slugs', () => {
    const saving = { amount: 1, percent: 1, monthly_plan_id: 'basic' };
    expect(slugs([make('gold', { interval: 'year', annual_savings: saving }), make('basic')])).toEqual([
      ['basic', 'gold'],
    ]);
  });

  it('joins siblings by slug where the service found no saving', () => {
    expect(slugs([make('pro-monthly'), make('pro-yearly', { interval: 'year' }), make('promo')])).toEqual([
      ['pro-monthly', 'pro-yearly'],
      ['promo'],
    ]);
  });

  it('keeps apart: other currency, enterprise, and two plans of one rhythm', () => {
    expect(slugs([make('pro'), make('pro-yearly', { interval: 'year', currency: 'EUR' })])).toHaveLength(2);
    expect(slugs([make('pro'), make('pro-yearly', { interval: 'year', is_enterprise: true })])).toHaveLength(
      2,
    );
    expect(slugs([make('pro'), make('pro-monthly')])).toHaveLength(2);
  });

  it('sees twelve months as a year', () => {
    const [family] = groupPlans([make('pro'), make('pro-yearly', { interval: 'month', interval_count: 12 })]);
    expect(variantFor(family ?? { variants: [] }, 'yearly').slug).toBe('pro-yearly');
  });

  it('shows a family in the rhythm it has', () => {
    const [family] = groupPlans([make('pro', { interval_count: 3 })]);
    expect(variantFor(family ?? { variants: [] }, 'yearly').slug).toBe('pro');
  });

  it('orders by sort_order, then price, and loses no plan', () => {
    const plans = [
      make('c', { sort_order: 2 }),
      make('b', { sort_order: 1, amount: 9, monthly_equivalent_amount: 9 }),
      make('a', { sort_order: 1 }),
    ];
    expect(slugs(plans)).toEqual([['b'], ['a'], ['c']]);
  });
});

describe('the intent behind a click', () => {
  it('keeps its idempotency key while its outcome is unknown', () => {
    const first = intentFor('plan-pro', '', null);
    expect(intentFor('plan-pro', '', first).idempotencyKey).toBe(first.idempotencyKey);
  });

  it('is another one for another plan, another code, or after a settled one', () => {
    const first = intentFor('plan-pro', '', null);
    const others = [
      intentFor('plan-scale', '', first),
      intentFor('plan-pro', 'SUMMER', first),
      intentFor('plan-pro', '', null),
    ];
    expect(new Set([first, ...others].map(({ idempotencyKey }) => idempotencyKey)).size).toBe(4);
  });
});

describe("a tenant's standing", () => {
  it.each([
    ['nothing yet', subscription(), 'none'],
    ["the service's own trial", ownTrialOf(pro), 'own_trial'],
    ['fallen back to the free plan', subscription({ plan: free }), 'free'],
    ['the free plan, chosen', subscription({ status: 'FREE', plan: free }), 'free'],
    ['paid', activeOn(pro), 'subscribed'],
    ['a trial at Stripe', { ...activeOn(pro), status: 'TRIALING' }, 'subscribed'],
    ['a late payment', { ...activeOn(pro), status: 'PAST_DUE' }, 'subscribed'],
    ['cancelled', { ...activeOn(pro), status: 'CANCELED' }, 'none'],
    ['a first payment that is not through', { ...activeOn(pro), status: 'INCOMPLETE' }, 'none'],
  ])('%s', (_, given, standing) => {
    expect(standingOf(given)).toBe(standing);
  });
});
