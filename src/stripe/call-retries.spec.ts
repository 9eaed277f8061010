import fc from 'fast-check';
import { isRead, RateLimitHolds, retryPauseMs } from './call-retries';
import { StripeFailure } from './stripe-failures';

type Details = ConstructorParameters<typeof StripeFailure>[5];
const failure = (kind: 'retry' | 'unknown' | 'refused', details: Details = {}): StripeFailure =>
  new StripeFailure(kind, null, null, 'customers.create', null, details);

describe('a call to Stripe is sent again', () => {
  it.each<[string, StripeFailure, boolean]>([
    ['after a lost connection', failure('unknown', { reason: 'connection' }), true],
    ['after a failure of theirs', failure('unknown', { reason: 'server_error' }), true],
    ['while our first attempt still runs', failure('unknown', { reason: 'in_use' }), true],
    ['after too many requests', failure('retry', { reason: 'rate_limited', retryAfterMs: 1000 }), true],
    ['not after a refusal', failure('refused'), false],
    ['not when the failure is stored', failure('unknown', { reason: 'server_error', isStored: true }), false],
    [
      'not when Stripe says so',
      failure('unknown', { reason: 'server_error', advice: 'do_not_retry' }),
      false,
    ],
  ])('%s', (_name, failed, isSentAgain) => {
    expect(retryPauseMs(failed, 1, 0.5) !== null).toBe(isSentAgain);
  });

  it('five times without an answer, and longer when it is told to wait', () => {
    const attempts = (failed: StripeFailure): number => {
      let attempt = 1;
      while (retryPauseMs(failed, attempt, 0.5) !== null) attempt += 1;
      return attempt;
    };
    expect(attempts(failure('unknown', { reason: 'connection' }))).toBe(5);
    expect(attempts(failure('unknown', { reason: 'in_use' }))).toBe(12);
  });

  it('after a pause between 10 ms and a ceiling that doubles up to 2 s, never before Retry-After', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 11 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: null }),
        (attempt, random, retryAfterMs) => {
          const pause = retryPauseMs(
            failure('retry', { reason: 'rate_limited', retryAfterMs }),
            attempt,
            random,
          )!;
          const ceiling = Math.min(200 * 2 ** (attempt - 1), 2000);
          expect(pause).toBeGreaterThanOrEqual((retryAfterMs ?? 0) + 10);
          expect(pause).toBeLessThanOrEqual((retryAfterMs ?? 0) + ceiling);
        },
      ),
    );
  });
});

it('knows by its name what only reads', () => {
  expect(['customers.list', 'prices.retrieve', 'invoices.createPreview'].every(isRead)).toBe(true);
  expect(['customers.create', 'checkout.sessions.expire', 'subscriptions.cancel'].some(isRead)).toBe(false);
});

describe('who waits after a 429', () => {
  const limited = (rateLimit: string | null): StripeFailure =>
    failure('retry', { reason: 'rate_limited', retryAfterMs: 1000, rateLimit });
  let now = 0;
  const holds = (rateLimit: string | null): [same: number, other: number] => {
    const all = new RateLimitHolds(() => now);
    now = 0;
    all.note(limited(rateLimit));
    now = 400;
    return [all.waitMs('customers.create'), all.waitMs('prices.list')];
  };

  it.each<[string | null, [number, number]]>([
    ['global-rate', [600, 600]],
    ['global-concurrency', [600, 600]],
    ['endpoint-rate', [600, 0]],
    ['endpoint-concurrency', [600, 0]],
    ['resource-specific', [0, 0]],
    [null, [600, 600]],
    ['something-new', [600, 600]],
  ])('because of %s', (reason, waits) => {
    expect(holds(reason)).toEqual(waits);
  });

  it('nobody, once the time is over', () => {
    const all = new RateLimitHolds(() => now);
    now = 0;
    all.note(limited('global-rate'));
    now = 1001;
    expect(all.waitMs('customers.create')).toBe(0);
  });
});
