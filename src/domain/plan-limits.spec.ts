import fc from 'fast-check';
import {
  BUILT_IN_METRICS,
  PlanLimits,
  compareLimits,
  covers,
  limitOf,
  mergeLimits,
  metricsOf,
  validateLimitGrace,
  validateLimits,
} from './plan-limits';

const known = new Set<string>([...BUILT_IN_METRICS.map((metric) => metric.key), 'gpu/hours~']);
const limit = fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER }));
const limitsOfPlans = fc.dictionary(fc.constantFrom('seats', 'campaigns', 'api_calls', 'gpu'), limit);

describe('built-in metrics', () => {
  it('have the kinds that spec 02 fixes', () => {
    const kinds = Object.fromEntries(BUILT_IN_METRICS.map(({ key, kind }) => [key, kind]));
    expect(kinds).toEqual({
      referred_users: 'flow',
      campaigns: 'gauge',
      seats: 'gauge',
      leaderboard_entries: 'cap',
      email_sends: 'flow',
      api_calls: 'flow',
    });
  });
});

describe('limitOf', () => {
  it('is 0 for a metric the plan does not name, also when objects have such a property', () => {
    expect(limitOf({}, 'seats')).toBe(0);
    expect(limitOf({}, 'constructor')).toBe(0);
    expect(limitOf({ seats: null }, 'seats')).toBeNull();
    expect(limitOf({ seats: 3 }, 'seats')).toBe(3);
  });
});

describe('validateLimitGrace', () => {
  it('accepts percents from 0 to 1000 with up to two decimals', () => {
    expect(
      validateLimitGrace({ seats: 0, campaigns: 12.5, api_calls: 1000, email_sends: 0.07 }, known),
    ).toEqual([]);
    fc.assert(
      fc.property(fc.nat({ max: 100_000 }), (hundredths) => {
        expect(validateLimitGrace({ seats: hundredths / 100 }, known)).toEqual([]);
      }),
    );
  });

  it.each([-1, 1000.01, 12.345, Number.NaN, Number.POSITIVE_INFINITY, '10', null, true, [], {}])(
    'refuses a percent of %p',
    (value) => {
      expect(validateLimitGrace({ seats: value }, known)).toMatchObject([
        { pointer: '/limit_grace/seats', code: 'invalid_percent' },
      ]);
    },
  );

  it('refuses what is no object, and a metric that nobody counts', () => {
    for (const value of [null, [], 10, 'seats'])
      expect(validateLimitGrace(value, known)).toMatchObject([
        { pointer: '/limit_grace', code: 'invalid_type' },
      ]);
    expect(validateLimitGrace({ sheep: 1 }, known)).toMatchObject([
      { pointer: '/limit_grace/sheep', code: 'unknown_metric' },
    ]);
  });
});

describe('validateLimits', () => {
  it('accepts whole numbers from 0 and null', () => {
    expect(validateLimits({ seats: 0, campaigns: null, api_calls: Number.MAX_SAFE_INTEGER }, known)).toEqual(
      [],
    );
  });

  it.each([-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, '5', true, [], {}, undefined])(
    'refuses a limit of %p',
    (value) => {
      expect(validateLimits({ seats: value }, known)).toMatchObject([
        { pointer: '/limits/seats', code: 'invalid_limit' },
      ]);
    },
  );

  it('refuses a metric that nobody counts', () => {
    expect(validateLimits({ sheep: 1, seats: 1 }, known)).toMatchObject([
      { pointer: '/limits/sheep', code: 'unknown_metric' },
    ]);
  });

  it('names every mistake, with pointers escaped as RFC 6901 wants', () => {
    const problems = validateLimits({ 'gpu/hours~': -1, 'a/b~c': 1 }, known);
    expect(problems.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/limits/gpu~1hours~0', 'invalid_limit'],
      ['/limits/a~1b~0c', 'unknown_metric'],
    ]);
  });

  it.each([null, undefined, [], 'seats', 3])('refuses %p instead of limits', (limits) => {
    expect(validateLimits(limits, known)).toMatchObject([{ pointer: '/limits', code: 'invalid_type' }]);
  });
});

describe('covers', () => {
  it.each([
    [{ seats: 12 }, { seats: 10 }, 1.2, true],
    [{ seats: 11 }, { seats: 10 }, 1.2, false],
    [{ seats: null }, { seats: Number.MAX_SAFE_INTEGER }, 1.2, true],
    [{}, { seats: 0 }, 1.2, true],
    [{}, { seats: 1 }, 1, false],
    [{ seats: 100 }, { seats: 10, campaigns: 1 }, 1, false],
    [{ seats: 77 }, { seats: 70 }, 1.1, true], // 70 × 1.1 is 77.00000000000001 in floats
    [{ seats: 10 }, { seats: 9.5 }, 1, true],
    [{ seats: 9 }, { seats: 9.5 }, 1, false],
  ])('limits %j, usage %j, headroom %d: %s', (limits, usage, headroom, covered) => {
    expect(covers(limits, usage, headroom)).toBe(covered);
  });
});

describe('mergeLimits', () => {
  it('is the plan plus each add-on times its quantity, and unlimited wins', () => {
    const merged = mergeLimits({ seats: 5, campaigns: null, api_calls: 10 }, [
      { limits: { seats: 10, campaigns: 3 }, quantity: 2 },
      { limits: { api_calls: null, email_sends: 100 }, quantity: 1 },
    ]);
    expect(merged).toEqual({ seats: 25, campaigns: null, api_calls: null, email_sends: 100 });
  });

  it('brings nothing from an add-on of quantity 0, not even unlimited', () => {
    expect(mergeLimits({ seats: 5 }, [{ limits: { seats: null }, quantity: 0 }])).toEqual({ seats: 5 });
  });

  it('leaves the plan alone', () => {
    const plan = { seats: 5 };
    mergeLimits(plan, [{ limits: { seats: 5 }, quantity: 1 }]);
    expect(plan).toEqual({ seats: 5 });
  });

  it('never takes away, and does not depend on the order of add-ons', () => {
    const addOns = fc.array(fc.record({ limits: limitsOfPlans, quantity: fc.nat({ max: 1000 }) }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(limitsOfPlans, addOns, (plan, bought) => {
        const merged = mergeLimits(plan, bought);
        expect(compareLimits(plan, merged).every(({ direction }) => direction === 'raised')).toBe(true);
        expect(mergeLimits(plan, [...bought].reverse())).toEqual(merged);
        expect(validateLimits(merged, new Set([...known, 'gpu']))).toEqual([]);
      }),
    );
  });
});

describe('compareLimits', () => {
  it('lists what is raised and lowered, built-in metrics first', () => {
    const from: PlanLimits = { gpu: 1, seats: 5, campaigns: null, email_sends: 7 };
    const to: PlanLimits = { seats: null, campaigns: 3, email_sends: 7, api_calls: 10 };
    expect(compareLimits(from, to)).toEqual([
      { metric: 'campaigns', from: null, to: 3, direction: 'lowered' },
      { metric: 'seats', from: 5, to: null, direction: 'raised' },
      { metric: 'api_calls', from: 0, to: 10, direction: 'raised' },
      { metric: 'gpu', from: 1, to: 0, direction: 'lowered' },
    ]);
  });

  it('mirrors itself', () => {
    fc.assert(
      fc.property(limitsOfPlans, limitsOfPlans, (a, b) => {
        const back = compareLimits(b, a).map(({ metric, from, to, direction }) => ({
          metric,
          from: to,
          to: from,
          direction: direction === 'raised' ? 'lowered' : 'raised',
        }));
        expect(back).toEqual(compareLimits(a, b));
      }),
    );
  });
});

describe('metricsOf', () => {
  it('puts built-in metrics in their own order, then meters by key', () => {
    expect(
      metricsOf([
        { zebra: 1, seats: 1 },
        { ant: 1, referred_users: 1, seats: 2 },
      ]),
    ).toEqual(['referred_users', 'seats', 'ant', 'zebra']);
  });
});
