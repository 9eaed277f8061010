import fc from 'fast-check';
import { Decimal, addDecimals, compareDecimals, formatDecimal, parseDecimal } from './decimal';
import { EffectiveLimit, LimitFacts, decide, effectiveLimit, isOverLimit, nextExpiry } from './limit';

const NOW = new Date('2026-11-21T12:00:00Z');
const facts = (some: Partial<LimitFacts> = {}): LimitFacts => ({
  source: 'subscription',
  limits: { campaigns: 10, seats: null },
  limit_grace: {},
  overrides: {},
  ...some,
});
const later = (ms: number): string => new Date(NOW.getTime() + ms).toISOString();

describe('the limit that holds', () => {
  it("is the plan's, and 0 for what the plan does not name", () => {
    expect(effectiveLimit(facts(), 'campaigns', NOW, 0)).toEqual({
      limit: 10,
      grace_limit: 10,
      source: 'subscription',
    });
    expect(effectiveLimit(facts(), 'seats', NOW, 10)).toMatchObject({ limit: null, grace_limit: null });
    expect(effectiveLimit(facts(), 'constructor', NOW, 0)).toMatchObject({ limit: 0, grace_limit: 0 });
  });

  it("is an operator's number instead, for metrics that the plan does not name as well", () => {
    const overrides = {
      campaigns: { limit: 3, expires_at: null },
      emails: { limit: null, expires_at: null },
    };
    expect(effectiveLimit(facts({ overrides }), 'campaigns', NOW, 0)).toEqual({
      limit: 3,
      grace_limit: 3,
      source: 'override',
    });
    expect(effectiveLimit(facts({ overrides }), 'emails', NOW, 0)).toMatchObject({
      limit: null,
      source: 'override',
    });
  });

  it('is the plan’s again from the moment at which an override expires', () => {
    const at = (expires_at: string): number | null =>
      effectiveLimit(facts({ overrides: { campaigns: { limit: 99, expires_at } } }), 'campaigns', NOW, 0)
        .limit;
    expect([at(later(1)), at(later(0)), at(later(-1))]).toEqual([99, 10, 10]);
  });

  it('goes with a grace: of the plan, else of the service, rounded down', () => {
    const grace = (limit_grace: Record<string, number>, percent: number): number | null =>
      effectiveLimit(facts({ limit_grace }), 'campaigns', NOW, percent).grace_limit;
    expect(grace({}, 10)).toBe(11);
    expect(grace({}, 9.99)).toBe(10);
    expect(grace({ campaigns: 50 }, 10)).toBe(15);
    expect(grace({ campaigns: 0 }, 10)).toBe(10);
    expect(grace({ seats: 50 }, 0)).toBe(10);
  });

  it('has a grace limit of floor(limit × (1 + percent/100)), exactly', () => {
    const percents = fc.nat({ max: 100_000 }).map((hundredths) => hundredths / 100);
    fc.assert(
      fc.property(fc.maxSafeNat(), percents, (limit, percent) => {
        const { grace_limit } = effectiveLimit(facts({ limits: { m: limit } }), 'm', NOW, percent);
        const exact = (BigInt(limit) * (10_000n + BigInt(Math.round(percent * 100)))) / 10_000n;
        const most = BigInt(Number.MAX_SAFE_INTEGER);
        expect(BigInt(grace_limit!)).toBe(exact > most ? most : exact);
        expect(grace_limit).toBeGreaterThanOrEqual(limit);
      }),
    );
  });
});

describe('the next expiry', () => {
  it('is the earliest one that is still to come', () => {
    const expiring = (...times: (string | null)[]): Date | null =>
      nextExpiry(
        Object.fromEntries(times.map((expires_at, at) => [`m${at}`, { limit: 1, expires_at }])),
        NOW,
      );
    expect(expiring()).toBeNull();
    expect(expiring(null, later(-1), later(0))).toBeNull();
    expect(expiring(later(50), null, later(7), later(-7))).toEqual(new Date(later(7)));
  });
});

/** Decimal texts of any length, as Postgres writes them: trailing zeros too. */
const whole = fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String);
const quantity = fc.oneof(
  fc.nat({ max: 30 }).map(String),
  whole,
  fc.tuple(whole, fc.stringMatching(/^[0-9]{1,9}$/)).map(([a, b]) => `${a}.${b}`),
);
const limits = fc
  .tuple(fc.oneof(fc.nat({ max: 40 }), fc.maxSafeNat()), fc.nat({ max: 20 }))
  .map(([limit, more]): EffectiveLimit & { limit: number; grace_limit: number } => ({
    limit,
    grace_limit: Math.min(limit + more, Number.MAX_SAFE_INTEGER),
    source: 'subscription',
  }));
const decimal = (value: string | number): Decimal => parseDecimal(String(value), 38);
const sum = (...values: string[]): Decimal => values.map(decimal).reduce(addDecimals);

describe('a decision', () => {
  it('never lets usage and reservations past the grace limit, and refuses nothing that fits', () => {
    fc.assert(
      fc.property(limits, quantity, quantity, quantity, (limit, used, reserved, requested) => {
        const fits = compareDecimals(sum(used, reserved, requested), decimal(limit.grace_limit)) <= 0;
        expect(decide(limit, used, reserved, requested).allowed).toBe(fits);
      }),
    );
  });

  it('warns exactly between the limit and the grace limit', () => {
    fc.assert(
      fc.property(limits, quantity, quantity, quantity, (limit, used, reserved, requested) => {
        const isPast = compareDecimals(sum(used, reserved, requested), decimal(limit.limit)) > 0;
        const { allowed, reason } = decide(limit, used, reserved, requested);
        expect(reason === 'within_grace').toBe(allowed && isPast);
        expect(reason === 'ok').toBe(!isPast);
        expect(reason === 'not_in_plan').toBe(!allowed && limit.limit === 0);
      }),
    );
  });

  it('leaves what the limit has left, never below 0', () => {
    fc.assert(
      fc.property(limits, quantity, quantity, (limit, used, reserved) => {
        const taken = sum(used, reserved);
        const left = addDecimals(decimal(limit.limit), { digits: -taken.digits, scale: taken.scale });
        const { remaining } = decide(limit, used, reserved, '1');
        expect(remaining).toBe(left.digits < 0n ? '0' : formatDecimal(left));
      }),
    );
  });

  it('that allows more allows less', () => {
    fc.assert(
      fc.property(limits, quantity, quantity, quantity, quantity, (limit, used, reserved, a, b) => {
        const [less, more] = compareDecimals(decimal(a), decimal(b)) <= 0 ? [a, b] : [b, a];
        if (decide(limit, used, reserved, more).allowed)
          expect(decide(limit, used, reserved, less).allowed).toBe(true);
      }),
    );
  });

  it('without a limit allows everything', () => {
    fc.assert(
      fc.property(quantity, quantity, (used, requested) => {
        const limit = { limit: null, grace_limit: null, source: 'free' } as const;
        expect(decide(limit, used, '0', requested)).toEqual({
          allowed: true,
          reason: 'unlimited',
          remaining: null,
        });
      }),
    );
  });
});

describe('being over the limit', () => {
  it('is using more than it, whatever the grace', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), quantity, (limit, used) => {
        expect(isOverLimit(limit, used)).toBe(compareDecimals(decimal(used), decimal(limit)) > 0);
        expect(isOverLimit(null, used)).toBe(false);
      }),
    );
  });
});
