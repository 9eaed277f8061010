import fc from 'fast-check';
import { EntitlementFacts, entitlementsAt, resolveEntitlements } from './entitlements';
import { makePlan } from './plan-facts.fixture';
import { BILLING_STATUSES, BillingStatus, PauseMode, givesAccess } from './subscription-status';

const at = (text: string): Date => new Date(text);
const now = at('2026-11-21T10:00:00Z');
const november = { start: at('2026-11-01'), end: at('2026-12-01') };
const rateLimit = { per_second: 10, burst: 20, per_day: null };
const free = makePlan({ id: 'free', limits: { seats: 1 }, features: ['reports'] });
const trialPlan = makePlan({ id: 'trial', limits: { seats: 5 }, features: ['reports', 'sso'] });
const pro = makePlan({
  id: 'pro',
  limits: { seats: 10, campaigns: null },
  features: ['sso', 'reports'],
  rateLimit,
});
const seatPack = makePlan({ id: 'seat-pack', limits: { seats: 5 }, features: ['invites'] });

const noTrial = { startedAt: null, endsAt: null, convertedAt: null };
const running = {
  startedAt: at('2026-11-20T10:00:00Z'),
  endsAt: at('2026-12-04T10:00:00Z'),
  convertedAt: null,
};
const nobody: EntitlementFacts = {
  tenant: { trial: noTrial },
  billing: null,
  plan: null,
  addOns: [],
  trialPlan,
  freePlan: free,
};
const bought = (status: BillingStatus, pauseMode: PauseMode | null = null): EntitlementFacts => ({
  ...nobody,
  billing: { status, pauseMode, anchor: at('2026-08-31T12:00:00Z') },
  plan: pro,
});
const nothing = {
  source: 'none',
  plan_id: null,
  limits: {},
  limit_grace: {},
  features: [],
  rate_limit: null,
};

describe('resolveEntitlements', () => {
  it('gives a buyer the plan and its add-ons, by the month of the anchor day', () => {
    const facts = { ...bought('ACTIVE'), addOns: [{ plan: seatPack, quantity: 3 }] };
    expect(resolveEntitlements(facts, now)).toEqual({
      source: 'subscription',
      plan_id: 'pro',
      limits: { seats: 25, campaigns: null },
      limit_grace: {},
      features: ['invites', 'reports', 'sso'],
      rate_limit: rateLimit,
      anchor: at('2026-08-31T12:00:00Z'),
      period: { start: at('2026-10-31T12:00:00Z'), end: at('2026-11-30T12:00:00Z') },
      valid_until: null,
      fallback: null,
    });
  });

  it('gives nothing for an add-on of quantity 0, neither limits nor features', () => {
    const facts = { ...bought('ACTIVE'), addOns: [{ plan: seatPack, quantity: 0 }] };
    expect(resolveEntitlements(facts, now)).toEqual(resolveEntitlements(bought('ACTIVE'), now));
  });

  it('gives a trial its plan until its end, and names what comes then', () => {
    expect(resolveEntitlements({ ...nobody, tenant: { trial: running } }, now)).toEqual({
      source: 'trial',
      plan_id: 'trial',
      limits: { seats: 5 },
      limit_grace: {},
      features: ['reports', 'sso'],
      rate_limit: null,
      anchor: null,
      period: november,
      valid_until: running.endsAt,
      fallback: {
        source: 'free',
        plan_id: 'free',
        limits: { seats: 1 },
        limit_grace: {},
        features: ['reports'],
        rate_limit: null,
      },
    });
  });

  it('names nothing to come where no free plan is configured', () => {
    const facts = { ...nobody, tenant: { trial: running }, freePlan: null };
    expect(resolveEntitlements(facts, now)).toMatchObject({ source: 'trial', fallback: null });
  });

  it.each([
    [
      'a purchase during the trial',
      { ...bought('ACTIVE'), tenant: { trial: running } },
      'subscription',
      'pro',
    ],
    [
      'a free plan chosen during the trial',
      { ...bought('FREE'), plan: free, tenant: { trial: running } },
      'trial',
      'trial',
    ],
    [
      'a purchase not yet paid during the trial',
      { ...bought('INCOMPLETE'), tenant: { trial: running } },
      'trial',
      'trial',
    ],
    ['a converted trial', { ...nobody, tenant: { trial: { ...running, convertedAt: now } } }, 'free', 'free'],
    ['a trial that ended now', { ...nobody, tenant: { trial: { ...running, endsAt: now } } }, 'free', 'free'],
    [
      'a trial where no trial plan is configured',
      { ...nobody, trialPlan: null, tenant: { trial: running } },
      'free',
      'free',
    ],
    [
      'a chosen free plan that is not the configured one',
      { ...bought('FREE'), plan: seatPack },
      'free',
      'seat-pack',
    ],
    ['a purchase of a plan we do not know', { ...bought('ACTIVE'), plan: null }, 'subscription', null],
    ['nothing at all', nobody, 'free', 'free'],
    ['nothing at all, without a free plan', { ...nobody, freePlan: null }, 'none', null],
  ])('of %s', (_what, facts, source, planId) => {
    expect(resolveEntitlements(facts, now)).toMatchObject({ source, plan_id: planId });
  });

  const pauses: (PauseMode | null)[] = [null, 'access_kept', 'access_stopped'];
  const combinations = BILLING_STATUSES.flatMap((status) =>
    pauses.map((pauseMode) => [status, pauseMode] as const),
  );

  it.each(combinations)(
    'for %s (pause: %s) follows access, else falls to the free plan or nothing',
    (status, pauseMode) => {
      const facts = { ...bought(status, pauseMode), plan: status === 'FREE' ? free : pro };
      const source = status === 'FREE' ? 'free' : givesAccess(status, pauseMode) ? 'subscription' : 'free';
      expect(resolveEntitlements(facts, now).source).toBe(source);
      if (!givesAccess(status, pauseMode)) {
        expect(resolveEntitlements({ ...facts, freePlan: null }, now)).toMatchObject(nothing);
      }
    },
  );
});

describe('entitlementsAt', () => {
  const onTrial = resolveEntitlements({ ...nobody, tenant: { trial: running } }, now);

  it('is the trial up to its last millisecond and the free plan from its end on, with no job in between', () => {
    const lastMoment = new Date(running.endsAt.getTime() - 1);
    expect(entitlementsAt(onTrial, lastMoment)).toMatchObject({ source: 'trial', limits: { seats: 5 } });
    expect(entitlementsAt(onTrial, running.endsAt)).toEqual({
      source: 'free',
      plan_id: 'free',
      limits: { seats: 1 },
      limit_grace: {},
      features: ['reports'],
      rate_limit: null,
      anchor: null,
      period: { start: at('2026-12-01'), end: at('2027-01-01') },
    });
  });

  it('is nothing after a trial without a fallback', () => {
    expect(entitlementsAt({ ...onTrial, fallback: null }, running.endsAt)).toMatchObject(nothing);
  });

  it('moves on to the month it is asked about, from the true anchor', () => {
    const stored = resolveEntitlements(bought('ACTIVE'), now);
    expect(entitlementsAt(stored, at('2027-03-01')).period).toEqual({
      start: at('2027-02-28T12:00:00Z'),
      end: at('2027-03-31T12:00:00Z'),
    });
  });

  it('reads a stored row as if it were resolved afresh, at every later moment', () => {
    const instants = fc.date({ min: at('2026-11-01'), max: at('2027-03-01'), noInvalidDate: true });
    const facts = fc.record({
      tenant: fc.record({ trial: fc.constantFrom(noTrial, running, { ...running, convertedAt: now }) }),
      billing: fc.option(
        fc.record({
          status: fc.constantFrom(...BILLING_STATUSES),
          pauseMode: fc.constantFrom(...[null, 'access_kept' as const, 'access_stopped' as const]),
          anchor: fc.option(instants),
        }),
      ),
      plan: fc.constantFrom(pro, free, null),
      addOns: fc.constantFrom([], [{ plan: seatPack, quantity: 2 }]),
      trialPlan: fc.constantFrom(trialPlan, null),
      freePlan: fc.constantFrom(free, null),
    });
    fc.assert(
      fc.property(facts, instants, instants, (known, one, other) => {
        const [stored, asked] = one <= other ? [one, other] : [other, one];
        // A trial is resolved again when it starts; before that the row rightly knows nothing of it.
        fc.pre(stored >= running.startedAt);
        const { valid_until: _, fallback: __, ...afresh } = resolveEntitlements(known, asked);
        expect(entitlementsAt(resolveEntitlements(known, stored), asked)).toEqual(afresh);
      }),
      { numRuns: 1000 },
    );
  });
});
