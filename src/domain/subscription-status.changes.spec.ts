import fc from 'fast-check';
import { makePlan } from './plan-facts.fixture';
import {
  BILLING_STATUSES,
  BillingStatus,
  MirroredSubscription,
  SubscriptionEventType,
  describeChange,
  isLive,
} from './subscription-status';

const day = (n: number): Date => new Date(Date.UTC(2026, 0, n));
const starter = makePlan({ id: 'starter', slug: 'starter-monthly', amount: 1000 });
const pro = makePlan({ id: 'pro', slug: 'pro-monthly', amount: 3000 });
const proYearly = makePlan({ id: 'pro-y', slug: 'pro-yearly', amount: 30000, interval: 'year' });
const free = makePlan({ id: 'free', slug: 'free', amount: 0 });

const active: MirroredSubscription = {
  status: 'ACTIVE',
  stripeSubscriptionId: 'sub_1',
  plan: starter,
  quantity: 1,
  currentPeriodStart: day(1),
  currentPeriodEnd: day(31),
  cancelAtPeriodEnd: false,
  cancelAt: null,
  cancellationReason: null,
  endedAt: null,
  pausedAt: null,
  pendingPlanId: null,
  pendingChangeAt: null,
  items: [{ priceId: 'price_1', quantity: 1 }],
};
const none: MirroredSubscription = {
  ...active,
  status: 'NONE',
  stripeSubscriptionId: null,
  plan: null,
  currentPeriodStart: null,
  currentPeriodEnd: null,
  items: [],
};
const onFree: MirroredSubscription = { ...none, status: 'FREE', plan: free };
const canceling = { ...active, cancelAtPeriodEnd: true };
const paused: MirroredSubscription = { ...active, status: 'PAUSED', pausedAt: day(5) };
const canceled: MirroredSubscription = { ...active, status: 'CANCELED', endedAt: day(9) };
const failed: MirroredSubscription = { ...canceled, cancellationReason: 'payment_failed' };

type Change = [string, MirroredSubscription | null, MirroredSubscription, ...SubscriptionEventType[]];

describe('describeChange', () => {
  it.each<Change>([
    ['first purchase', null, active, 'subscription.created'],
    ['purchase after nothing', none, active, 'subscription.created'],
    ['purchase after an end', canceled, { ...active, stripeSubscriptionId: 'sub_2' }, 'subscription.created'],
    ['purchase on top of the free plan', onFree, active, 'subscription.created'],
    ['purchase that waits for its payment', none, { ...active, status: 'INCOMPLETE' }],
    ['its payment', { ...active, status: 'INCOMPLETE' }, active, 'subscription.created'],
    [
      'its payment that never came',
      { ...active, status: 'INCOMPLETE' },
      { ...active, status: 'INCOMPLETE_EXPIRED' },
    ],
    ['free plan chosen', none, onFree],
    [
      'first news of one that is ending already',
      null,
      canceling,
      'subscription.created',
      'subscription.cancelled',
    ],
    ['first news of a paused one', null, paused, 'subscription.created', 'subscription.paused'],
    ['first news of an ended one', null, canceled],
    ['cancelled at the period end', active, canceling, 'subscription.cancelled'],
    ['cancelled at a date', active, { ...active, cancelAt: day(20) }, 'subscription.cancelled'],
    ['cancellation moved to a date', canceling, { ...active, cancelAt: day(20) }],
    ['cancellation taken back', canceling, active, 'subscription.reactivated'],
    ['end that was announced', canceling, { ...canceled, cancelAtPeriodEnd: true }, 'subscription.ended'],
    ['cancelled at once', active, canceled, 'subscription.cancelled', 'subscription.ended'],
    ['given up by Stripe after failed payments', active, failed, 'subscription.ended'],
    ['end, then the free plan', canceling, onFree, 'subscription.ended', 'subscription.downgraded'],
    [
      'replaced by another',
      active,
      { ...active, stripeSubscriptionId: 'sub_2' },
      'subscription.ended',
      'subscription.created',
    ],
    ['paused', active, paused, 'subscription.paused'],
    ['resumed', paused, active, 'subscription.resumed'],
    ['ended while paused', paused, canceled, 'subscription.cancelled', 'subscription.ended'],
    ['dearer plan', active, { ...active, plan: pro }, 'subscription.upgraded'],
    ['cheaper plan', { ...active, plan: pro }, active, 'subscription.downgraded'],
    ['same plan, paid by the year', { ...active, plan: pro }, { ...active, plan: proYearly }],
    [
      'dearer plan and resumed',
      paused,
      { ...active, plan: pro },
      'subscription.upgraded',
      'subscription.resumed',
    ],
    ['payment failed', active, { ...active, status: 'PAST_DUE' }],
    ['renewed', active, { ...active, currentPeriodStart: day(31), currentPeriodEnd: day(60) }],
    ['more seats', active, { ...active, quantity: 2 }],
    ['item added', active, { ...active, items: [...active.items, { priceId: 'price_2', quantity: null }] }],
    [
      'change planned',
      active,
      { ...active, pendingPlanId: 'free', pendingChangeAt: day(31) },
      'subscription.downgrade_scheduled',
    ],
    [
      'planned change taken back',
      { ...active, pendingPlanId: 'free', pendingChangeAt: day(31) },
      active,
      'subscription.downgrade_canceled',
    ],
    [
      'planned change come true',
      { ...active, plan: pro, pendingPlanId: 'starter', pendingChangeAt: day(31) },
      active,
      'subscription.downgraded',
    ],
    [
      'end that makes room for the free plan',
      { ...active, pendingPlanId: 'free' },
      { ...canceling, pendingPlanId: 'free' },
    ],
  ])('%s', (_story, before, after, ...meaning) => {
    expect(describeChange(before, after)).toEqual([...meaning, 'subscription.changed']);
  });

  it('is silent when nothing changed, also when items come in another order and the plan was edited', () => {
    const items = [
      { priceId: 'price_1', quantity: 1 },
      { priceId: 'price_2', quantity: null },
    ];
    const before = { ...active, items };
    const after = { ...active, items: [...items].reverse(), plan: { ...starter, amount: 9999 } };
    expect(describeChange(before, after)).toEqual([]);
  });

  const subscriptions = fc
    .record({
      status: fc.constantFrom<BillingStatus>(...BILLING_STATUSES),
      plan: fc.constantFrom(starter, pro, proYearly, free, null),
      cancelAtPeriodEnd: fc.boolean(),
      cancelAt: fc.constantFrom(null, day(20)),
      cancellationReason: fc.constantFrom(null, 'cancellation_requested', 'payment_failed'),
      quantity: fc.constantFrom(1, 2),
    })
    .map((facts): MirroredSubscription => ({ ...active, ...facts }));
  const isPurchase = ({ status }: MirroredSubscription): boolean => isLive(status) && status !== 'FREE';

  it('begins and ends exactly where a purchase does, once each, with the change told last', () => {
    fc.assert(
      fc.property(subscriptions, subscriptions, (before, after) => {
        const types = describeChange(before, after);
        expect(types.includes('subscription.created')).toBe(!isPurchase(before) && isPurchase(after));
        expect(types.includes('subscription.ended')).toBe(isPurchase(before) && !isPurchase(after));
        expect(new Set(types).size).toBe(types.length);
        if (types.length > 0) expect(types.at(-1)).toBe('subscription.changed');
      }),
      { numRuns: 2000 },
    );
  });

  it('says nothing about a row compared with itself', () => {
    fc.assert(fc.property(subscriptions, (row) => expect(describeChange(row, { ...row })).toEqual([])));
  });

  it('tells each beginning, cancellation and end once, however many steps of the way were seen', () => {
    // A life as Stripe would report it; webhooks may show every step of it, or only some.
    const life = [
      none,
      { ...active, status: 'INCOMPLETE' as const },
      active,
      canceling,
      { ...canceled, cancelAtPeriodEnd: true },
    ];
    const seen = fc.subarray(life.slice(1, -1));
    fc.assert(
      fc.property(seen, (middle) => {
        fc.pre(middle.some((step) => step.status === 'ACTIVE'));
        const steps = [none, ...middle, { ...canceled, cancelAtPeriodEnd: true }];
        const told = steps.flatMap((after, n) => {
          const before = steps[n - 1];
          return before === undefined ? [] : describeChange(before, after);
        });
        for (const once of ['subscription.created', 'subscription.cancelled', 'subscription.ended']) {
          expect(told.filter((type) => type === once)).toEqual([once]);
        }
      }),
    );
  });
});
