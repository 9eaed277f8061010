import fc from 'fast-check';
import {
  annualSavings,
  comparePlans,
  differencesToNextPlan,
  familyOf,
  findMonthlySibling,
  priceStep,
} from './plan-comparison';
import { makePlan } from './plan-facts.fixture';

const starter = makePlan({
  id: 'starter',
  slug: 'starter-monthly',
  amount: 1000,
  limits: { seats: 3, campaigns: 5, api_calls: null },
  features: ['reports'],
  sortOrder: 1,
});
const pro = makePlan({
  id: 'pro',
  slug: 'pro-monthly',
  amount: 3000,
  limits: { seats: 10, campaigns: 2 },
  features: ['reports', 'sso'],
  sortOrder: 2,
});
const proYearly = makePlan({
  ...pro,
  id: 'pro-y',
  slug: 'pro-yearly',
  amount: 30000,
  interval: 'year',
  sortOrder: 3,
});

describe('familyOf', () => {
  it.each([
    ['pro-monthly', 'pro'],
    ['pro-yearly', 'pro'],
    ['pro-annual', 'pro'],
    ['pro-month', 'pro'],
    ['pro-year', 'pro'],
    ['pro', 'pro'],
    ['new-year-special', 'new-year-special'],
  ])('of %s is %s', (slug, family) => {
    expect(familyOf({ slug, metadata: null })).toBe(family);
  });

  it('is what the metadata says, if it says something', () => {
    expect(familyOf({ slug: 'gold-yearly', metadata: { family: 'pro' } })).toBe('pro');
    expect(familyOf({ slug: 'gold-yearly', metadata: { family: '' } })).toBe('gold');
    expect(familyOf({ slug: 'gold-yearly', metadata: { family: 7 } })).toBe('gold');
  });
});

describe('annualSavings', () => {
  it('compares with twelve months of the sibling', () => {
    expect(annualSavings(proYearly, pro)).toEqual({ amount: 6000, percent: 16.7 });
  });

  it('compares two years with twenty-four months', () => {
    expect(annualSavings({ ...proYearly, intervalCount: 2, amount: 54000 }, pro)).toEqual({
      amount: 18000,
      percent: 25,
    });
  });

  it.each([
    ['without a sibling', proYearly, null],
    ['for a plan paid by the month', pro, pro],
    ['in another currency', { ...proYearly, currency: 'usd' }, pro],
    ['when the year costs as much', { ...proYearly, amount: 36000 }, pro],
    ['when the year costs more', { ...proYearly, amount: 36001 }, pro],
    ['against a free sibling', { ...proYearly, amount: 0 }, { ...pro, amount: 0 }],
    ['against a quarterly price', proYearly, { ...pro, intervalCount: 3 }],
  ])('is null %s', (_why, yearly, sibling) => {
    expect(annualSavings(yearly, sibling)).toBeNull();
  });

  it('never claims more than the whole price', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1e9 }), fc.nat({ max: 1e9 }), (yearly, monthly) => {
        const savings = annualSavings({ ...proYearly, amount: yearly }, { ...pro, amount: monthly });
        if (savings === null) return expect(yearly).toBeGreaterThanOrEqual(12 * monthly);
        expect(savings.amount).toBe(12 * monthly - yearly);
        expect(savings.percent).toBeLessThanOrEqual(100);
      }),
    );
  });
});

describe('findMonthlySibling', () => {
  it('finds the monthly plan of the family', () => {
    expect(findMonthlySibling(proYearly, [starter, proYearly, pro])).toBe(pro);
  });

  it('prefers the family to the product', () => {
    const sameProduct = makePlan({ id: 'other', stripeProductId: 'prod_1', sortOrder: -1 });
    const yearly = { ...proYearly, stripeProductId: 'prod_1' };
    expect(findMonthlySibling(yearly, [sameProduct, pro])).toBe(pro);
    expect(findMonthlySibling(yearly, [sameProduct, starter])).toBe(sameProduct);
  });

  it('does not take two plans without a product for one product', () => {
    expect(findMonthlySibling(proYearly, [starter])).toBeNull();
  });

  it.each([
    ['another currency', { ...pro, currency: 'usd' }],
    ['another rhythm', { ...pro, intervalCount: 2 }],
    ['another year', { ...pro, interval: 'year' as const }],
    ['itself', { ...pro, id: proYearly.id }],
  ])('does not take %s', (_what, other) => {
    expect(findMonthlySibling(proYearly, [other])).toBeNull();
  });

  it('has none for a plan that is paid by the month itself', () => {
    expect(findMonthlySibling(pro, [{ ...pro, id: 'twin' }])).toBeNull();
  });
});

describe('comparePlans', () => {
  it('is a matrix of features and limits, in the order plans are shown', () => {
    expect(comparePlans([pro, starter])).toEqual({
      features: [
        { feature: 'reports', plans: { starter: true, pro: true } },
        { feature: 'sso', plans: { starter: false, pro: true } },
      ],
      limits: [
        { metric: 'campaigns', plans: { starter: 5, pro: 2 } },
        { metric: 'seats', plans: { starter: 3, pro: 10 } },
        { metric: 'api_calls', plans: { starter: null, pro: 0 } },
      ],
    });
  });

  it('is empty for no plans', () => {
    expect(comparePlans([])).toEqual({ features: [], limits: [] });
  });
});

describe('differencesToNextPlan', () => {
  it('says what the next plan costs more and adds', () => {
    expect(differencesToNextPlan(starter, [proYearly, pro, starter])).toEqual({
      plan_id: 'pro',
      name: 'pro',
      amount_difference: 2000,
      added_features: ['sso'],
      raised_limits: [{ metric: 'seats', from: 3, to: 10 }],
    });
  });

  it('is null at the top, and never leaves the interval or the currency', () => {
    const dollars = { ...pro, id: 'usd', currency: 'usd', amount: 9000 };
    expect(differencesToNextPlan(pro, [starter, pro, proYearly, dollars])).toBeNull();
  });

  it('takes the plan shown first when two cost the same', () => {
    const twin = { ...pro, id: 'a-twin', sortOrder: 1 };
    expect(differencesToNextPlan(starter, [pro, twin])?.plan_id).toBe('a-twin');
  });

  it('climbs every price of a list to its top', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: 1e6 }), { minLength: 1, maxLength: 12 }), (prices) => {
        const plans = prices.map((amount) => makePlan({ id: `p${amount}`, amount }));
        const ladder = [...prices].sort((a, b) => a - b);
        for (const [step, amount] of ladder.entries()) {
          const next = differencesToNextPlan(makePlan({ id: `p${amount}`, amount }), plans);
          const above = ladder[step + 1];
          expect(next?.amount_difference ?? null).toBe(above === undefined ? null : above - amount);
        }
      }),
    );
  });
});

describe('priceStep', () => {
  it.each([
    ['up', starter, pro],
    ['down', pro, starter],
    ['level', pro, proYearly], // cheaper per month, and still the same plan
    ['down', proYearly, starter],
    ['level', starter, { ...pro, currency: 'usd' }],
    ['level', starter, { ...pro, amount: 1000 }],
  ])('is %s', (step, from, to) => {
    expect(priceStep(from, to)).toBe(step);
  });
});
