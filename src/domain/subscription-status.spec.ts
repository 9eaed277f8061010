import fc from 'fast-check';
import {
  BILLING_STATUSES,
  BillingStatus,
  LiveCandidate,
  PaymentFact,
  PaymentStatus,
  Standing,
  chooseLive,
  fromStripeStatus,
  givesAccess,
  isLive,
  nextPaymentStatus,
  standing,
} from './subscription-status';

describe('fromStripeStatus', () => {
  it.each([
    ['trialing', 'TRIALING'],
    ['active', 'ACTIVE'],
    ['past_due', 'PAST_DUE'],
    ['paused', 'PAUSED'],
    ['incomplete', 'INCOMPLETE'],
    ['incomplete_expired', 'INCOMPLETE_EXPIRED'],
    ['unpaid', 'UNPAID'],
    ['canceled', 'CANCELED'],
  ])('reads %s as %s', (stripe, ours) => {
    expect(fromStripeStatus(stripe)).toBe(ours);
  });

  it.each(['', 'ACTIVE', 'frozen', 'constructor', '__proto__'])('does not know %j, and says so', (stripe) => {
    expect(fromStripeStatus(stripe)).toBeNull();
  });

  it('sees a paused collection in a good status, and never lets it hide a debt or an end', () => {
    expect(fromStripeStatus('active', { paused: true })).toBe('PAUSED');
    expect(fromStripeStatus('trialing', { paused: true })).toBe('PAUSED');
    expect(fromStripeStatus('past_due', { paused: true })).toBe('PAST_DUE');
    expect(fromStripeStatus('canceled', { paused: true })).toBe('CANCELED');
    expect(fromStripeStatus('frozen', { paused: true })).toBeNull();
  });
});

describe('what a status means', () => {
  const table: [BillingStatus, Standing, boolean, boolean][] = [
    ['NONE', 'canceled', false, false],
    ['FREE', 'active', true, true],
    ['TRIALING', 'trial', true, true],
    ['ACTIVE', 'active', true, true],
    ['PAST_DUE', 'past_due', true, true],
    ['PAUSED', 'canceled', true, false],
    ['INCOMPLETE', 'past_due', false, false],
    ['INCOMPLETE_EXPIRED', 'canceled', false, false],
    ['UNPAID', 'past_due', true, false],
    ['CANCELED', 'canceled', false, false],
  ];

  it.each(table)('%s stands as %s; live: %s, access: %s', (status, stands, live, access) => {
    expect([standing(status), isLive(status), givesAccess(status)]).toEqual([stands, live, access]);
  });

  it('is complete', () => {
    expect([...BILLING_STATUSES].sort()).toEqual(table.map(([status]) => status).sort());
  });

  it.each(BILLING_STATUSES)('of %s depends on how it is paused only when it is paused', (status) => {
    const paused = status === 'PAUSED';
    expect(standing(status, 'access_kept')).toBe(paused ? 'active' : standing(status));
    expect(givesAccess(status, 'access_kept')).toBe(paused || givesAccess(status));
    expect(standing(status, 'access_stopped')).toBe(standing(status));
    expect(givesAccess(status, 'access_stopped')).toBe(givesAccess(status));
  });
});

describe('nextPaymentStatus', () => {
  const facts: PaymentFact[] = [
    'invoice_opened',
    'invoice_paid',
    'payment_failed',
    'grace_ended',
    'invoice_uncollectible',
    'dispute_lost',
    'nothing_owed',
  ];
  // One row per status, one column per fact above.
  const table: [PaymentStatus, ...PaymentStatus[]][] = [
    ['NONE', 'PENDING', 'PAID', 'PAST_DUE', 'NONE', 'FAILED', 'FAILED', 'NONE'],
    ['PENDING', 'PENDING', 'PAID', 'PAST_DUE', 'PENDING', 'FAILED', 'FAILED', 'PAID'],
    ['PAID', 'PENDING', 'PAID', 'PAST_DUE', 'PAID', 'FAILED', 'FAILED', 'PAID'],
    ['PAST_DUE', 'PAST_DUE', 'PAID', 'PAST_DUE', 'OVERDUE', 'FAILED', 'FAILED', 'PAID'],
    ['OVERDUE', 'OVERDUE', 'PAID', 'OVERDUE', 'OVERDUE', 'FAILED', 'FAILED', 'PAID'],
    ['FAILED', 'FAILED', 'PAID', 'FAILED', 'FAILED', 'FAILED', 'FAILED', 'FAILED'],
  ];

  it.each(table)('from %s', (status, ...next) => {
    expect(facts.map((fact) => nextPaymentStatus(status, fact))).toEqual(next);
  });

  it('changes nothing when the same fact is heard twice', () => {
    for (const [status] of table) {
      for (const fact of facts) {
        const once = nextPaymentStatus(status, fact);
        expect(nextPaymentStatus(once, fact)).toBe(once);
      }
    }
  });
});

describe('chooseLive', () => {
  const day = (n: number): Date => new Date(Date.UTC(2026, 0, n));
  const subscription = (
    status: BillingStatus,
    id: string | null = 'sub_a',
    created = day(1),
  ): LiveCandidate => ({
    status,
    stripeSubscriptionId: id,
    createdAt: created,
  });

  it.each<[string, LiveCandidate | null, LiveCandidate, 'current' | 'incoming']>([
    ['the first one', null, subscription('CANCELED'), 'incoming'],
    ['the same one, read again', subscription('ACTIVE'), subscription('CANCELED'), 'incoming'],
    [
      'the living, not the newer',
      subscription('ACTIVE'),
      subscription('CANCELED', 'sub_b', day(9)),
      'current',
    ],
    [
      'the newer of two living',
      subscription('ACTIVE'),
      subscription('TRIALING', 'sub_b', day(9)),
      'incoming',
    ],
    [
      'the newer of two ended',
      subscription('CANCELED', 'sub_a', day(9)),
      subscription('CANCELED', 'sub_b'),
      'current',
    ],
    [
      'the larger id of two of one second',
      subscription('ACTIVE', 'sub_b'),
      subscription('ACTIVE'),
      'current',
    ],
    ['the paid, not the free', subscription('FREE', null, day(9)), subscription('PAST_DUE'), 'incoming'],
    [
      'the free, not the ended',
      subscription('FREE', null),
      subscription('CANCELED', 'sub_b', day(9)),
      'current',
    ],
    [
      'the free, not one nobody paid yet',
      subscription('FREE', null),
      subscription('INCOMPLETE', 'sub_b', day(9)),
      'current',
    ],
    ['the paid, not the unpaid', subscription('UNPAID', 'sub_b', day(9)), subscription('ACTIVE'), 'incoming'],
  ])('takes %s', (_which, current, incoming, expected) => {
    expect(chooseLive(current, incoming)).toBe(expected);
  });

  it('comes to the same one in whatever order subscriptions are met, and however often', () => {
    const met = fc.uniqueArray(
      fc.record({
        status: fc.constantFrom(...BILLING_STATUSES),
        stripeSubscriptionId: fc.option(fc.constantFrom('sub_a', 'sub_b', 'sub_c', 'sub_d', 'sub_e')),
        createdAt: fc.constantFrom(day(1), day(2), day(3)), // few, so that ties are met
      }),
      { minLength: 1, maxLength: 6, selector: (one) => one.stripeSubscriptionId },
    );
    const settle = (order: readonly LiveCandidate[]): LiveCandidate | null =>
      order.reduce<LiveCandidate | null>(
        (current, incoming) => (chooseLive(current, incoming) === 'incoming' ? incoming : current),
        null,
      );
    const shuffled = met.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 })),
    );
    fc.assert(
      fc.property(shuffled, ([all, order]) => {
        const chosen = settle(all);
        expect(settle(order)).toEqual(chosen);
        expect(isLive(chosen?.status ?? 'NONE')).toBe(all.some((one) => isLive(one.status)));
      }),
      { numRuns: 2000 },
    );
  });
});
