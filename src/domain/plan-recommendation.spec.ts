import fc from 'fast-check';
import { PlanFacts } from './plan-facts';
import { makePlan } from './plan-facts.fixture';
import { covers } from './plan-limits';
import { RECOMMENDED_HEADROOM, recommendPlan } from './plan-recommendation';

const free = makePlan({ id: 'free', amount: 0, limits: { seats: 2 }, sortOrder: 1 });
const starter = makePlan({ id: 'starter', amount: 1000, limits: { seats: 10 }, sortOrder: 2 });
const pro = makePlan({ id: 'pro', amount: 3000, limits: { seats: 50, campaigns: 10 }, sortOrder: 3 });
const plans = [pro, free, starter];

describe('recommendPlan with projected usage', () => {
  it.each([
    [{ seats: 1 }, 'free'],
    [{ seats: 2 }, 'starter'], // 2 × 1.2 is more than 2
    [{ seats: 8 }, 'starter'],
    [{ seats: 9 }, 'pro'],
    [{ seats: 1, campaigns: 1 }, 'pro'],
    [{}, 'free'],
  ])('for %j recommends the cheapest that covers it with headroom: %s', (usage, id) => {
    expect(recommendPlan(plans, usage)).toMatchObject({ plan_id: id, reason: { code: 'projected_usage' } });
  });

  it('says so when none covers it, and names the one that carries it furthest', () => {
    const wide = makePlan({ id: 'wide', amount: 2000, limits: { seats: 60, campaigns: 1 } });
    expect(recommendPlan([...plans, wide], { seats: 100, campaigns: 10 })).toMatchObject({
      plan_id: 'pro', // stops at half of the usage; wide stops at a tenth
      reason: { code: 'largest', message: expect.stringContaining('No plan covers') },
    });
  });

  it('names the cheapest when all stop equally early', () => {
    expect(recommendPlan([pro, starter], { unicorns: 5 })).toMatchObject({
      plan_id: 'starter',
      reason: { code: 'largest' },
    });
  });

  it('compares prices per month, and takes the shorter term at the same price', () => {
    const yearly = makePlan({ ...starter, id: 'starter-y', interval: 'year', amount: 12000, sortOrder: 0 });
    expect(recommendPlan([yearly, starter], { seats: 5 })?.plan_id).toBe('starter');
    expect(recommendPlan([{ ...yearly, amount: 9000 }, starter], { seats: 5 })?.plan_id).toBe('starter-y');
  });

  it('does not take 100 yen for less than 10 euros', () => {
    const yen = makePlan({ id: 'yen', currency: 'jpy', amount: 100, limits: { seats: 1000 } });
    expect(recommendPlan([yen, ...plans], { seats: 5 })?.plan_id).toBe('starter');
    expect(recommendPlan([yen, ...plans], { seats: 5 }, 'jpy')?.plan_id).toBe('yen');
  });

  it('is null when there is no plan', () => {
    expect(recommendPlan([], { seats: 5 })).toBeNull();
  });

  it('covers whenever it claims to, at the lowest price, and whatever the order of plans', () => {
    const anyPlans = fc
      .array(fc.record({ amount: fc.nat({ max: 50 }), seats: fc.option(fc.nat({ max: 20 })) }), {
        maxLength: 8,
      })
      .map((rows) =>
        rows.map(({ amount, seats }, n) => makePlan({ id: `p${n}`, amount, limits: { seats } })),
      );
    fc.assert(
      fc.property(anyPlans, fc.nat({ max: 25 }), (some: PlanFacts[], seats) => {
        const recommended = recommendPlan(some, { seats });
        const covering = some.filter((plan) => covers(plan.limits, { seats }, RECOMMENDED_HEADROOM));
        expect(recommended?.reason.code === 'projected_usage').toBe(covering.length > 0);
        if (covering.length > 0) {
          const chosen = covering.find((plan) => plan.id === recommended?.plan_id);
          expect(chosen?.amount).toBe(Math.min(...covering.map((plan) => plan.amount)));
        }
        expect(recommendPlan([...some].reverse(), { seats })).toEqual(recommended);
      }),
    );
  });
});

describe('recommendPlan without usage', () => {
  it('recommends the plan marked popular, the one shown first if several are', () => {
    const marked = (id: string, sortOrder: number): PlanFacts =>
      makePlan({ id, sortOrder, metadata: { popular: 'true' } });
    expect(recommendPlan([free, marked('b', 5), marked('a', 4)], null)).toMatchObject({
      plan_id: 'a',
      reason: { code: 'popular' },
    });
  });

  it('recommends none when none is marked', () => {
    expect(recommendPlan([{ ...pro, metadata: { popular: 'false' } }, starter], null)).toBeNull();
  });
});
