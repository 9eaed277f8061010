import { makePlan } from './plan-facts.fixture';
import { cheapestFirst, planCovers, upgradePlans } from './upgrade-plans';

const ids = (plans: readonly { id: string }[]): string[] => plans.map(({ id }) => id);
const always = (): boolean => true;

describe('the cheapest plan', () => {
  it('is the one that costs least per month, however often it is paid', () => {
    const plans = [
      makePlan({ id: 'monthly', amount: 1000 }),
      makePlan({ id: 'yearly', amount: 9600, interval: 'year' }),
      makePlan({ id: 'quarterly', amount: 3300, intervalCount: 3 }),
      makePlan({ id: 'free', amount: 0 }),
    ];
    expect(ids(cheapestFirst(plans))).toEqual(['free', 'yearly', 'monthly', 'quarterly']);
  });

  it('of two equal ones is the one shown first', () => {
    const plans = [makePlan({ id: 'b', sortOrder: 2 }), makePlan({ id: 'c' }), makePlan({ id: 'a' })];
    expect(ids(cheapestFirst(plans))).toEqual(['a', 'c', 'b']);
  });
});

describe('a plan covers', () => {
  const plan = makePlan({ id: 'p', limits: { campaigns: 10, seats: null, big: Number.MAX_SAFE_INTEGER } });

  it.each([
    ['campaigns', '10', true],
    ['campaigns', '9.999', true],
    ['campaigns', '10.000000001', false],
    ['seats', '99999999999999999999', true],
    ['emails', '0.1', false],
    ['big', '9007199254740991', true],
    ['big', '9007199254740992', false],
  ])('%s: %s -> %s', (metric, needed, covered) => {
    expect(planCovers(plan, metric, needed)).toBe(covered);
  });
});

describe('upgrades', () => {
  it('are three at most, never the current plan, and only plans that help', () => {
    const plans = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => makePlan({ id }));
    expect(ids(upgradePlans(plans, 'b', ({ id }) => id !== 'a'))).toEqual(['c', 'd', 'e']);
    expect(ids(upgradePlans(plans, null, ({ id }) => id > 'd'))).toEqual(['e', 'f']);
    expect(upgradePlans(plans, null, () => false)).toEqual([]);
  });

  it('in the currency that the tenant pays in come first', () => {
    const plans = [
      makePlan({ id: 'yen', currency: 'jpy' }),
      makePlan({ id: 'own', currency: 'eur' }),
      makePlan({ id: 'euro', currency: 'eur' }),
    ];
    expect(ids(upgradePlans(plans, 'own', always))).toEqual(['euro', 'yen']);
    expect(ids(upgradePlans(plans, 'gone', always))).toEqual(['yen', 'own', 'euro']);
  });
});
