import Stripe from 'stripe';
import { FailureKind, StripeFailure, asUnavailable, toStripeFailure } from './stripe-failures';

const { errors } = Stripe;
const raw = (fields: Record<string, unknown>): never =>
  ({
    message: 'No such price: card 4242424242424242',
    headers: { 'request-id': 'req_1' },
    ...fields,
  }) as never;

describe('a failed call to Stripe', () => {
  it.each<[string, unknown, FailureKind]>([
    ['refused parameters', new errors.StripeInvalidRequestError(raw({ statusCode: 400 })), 'refused'],
    ['a missing object', new errors.StripeInvalidRequestError(raw({ statusCode: 404 })), 'refused'],
    ['a wrong key', new errors.StripeAuthenticationError(raw({ statusCode: 401 })), 'refused'],
    ['a declined card', new errors.StripeCardError(raw({ statusCode: 402 })), 'refused'],
    ['a key without the right', new errors.StripePermissionError(raw({ statusCode: 403 })), 'refused'],
    ['too many requests', new errors.StripeRateLimitError(raw({ statusCode: 429 })), 'retry'],
    ['429 under another name', new errors.StripeInvalidRequestError(raw({ statusCode: 429 })), 'retry'],
    [
      'a first attempt that still runs',
      new errors.StripeIdempotencyError(raw({ statusCode: 409 })),
      'unknown',
    ],
    ['a lost connection', new errors.StripeConnectionError(raw({})), 'unknown'],
    ['an error of theirs', new errors.StripeAPIError(raw({ statusCode: 500 })), 'unknown'],
    ['no status at all', new errors.StripeAPIError(raw({})), 'unknown'],
    ['our own deadline', new Error('stripe did not answer within its budget'), 'unknown'],
    ['something that is no error', 'boom', 'unknown'],
  ])('%s is %#', (_name, thrown, kind) => {
    expect(toStripeFailure(thrown, 'prices.retrieve').kind).toBe(kind);
  });

  it("keeps Stripe's code and the blamed parameter", () => {
    const thrown = new errors.StripeInvalidRequestError(
      raw({ statusCode: 404, code: 'resource_missing', param: 'price' }),
    );
    const failure = toStripeFailure(thrown, 'prices.retrieve');
    expect(failure).toMatchObject({
      stripeCode: 'resource_missing',
      parameter: 'price',
      operation: 'prices.retrieve',
      isMissing: true,
    });
  });

  it("says nothing of Stripe's text, which may hold what the customer typed", () => {
    const failure = toStripeFailure(
      new errors.StripeCardError(raw({ statusCode: 402, code: 'card_declined' })),
      'x',
    );
    expect(failure.message).toBe('stripe x failed: refused (card_declined)');
  });

  it('is sorted once', () => {
    const failure = new StripeFailure('refused', null, null, 'a', null);
    expect(toStripeFailure(failure, 'b')).toBe(failure);
  });

  it('that may be sent again is 503 to our caller, with a time', () => {
    const answer = asUnavailable(toStripeFailure(new Error('x'), 'a'));
    expect(answer).toMatchObject({ code: 'stripe_unavailable', status: 503, retryAfter: 5 });
  });
});

describe('what a failure says of how to go on', () => {
  it.each<[string, unknown, Record<string, unknown>]>([
    [
      'how long to wait, and because of which limit',
      new errors.StripeRateLimitError(
        raw({
          statusCode: 429,
          headers: { 'retry-after': '2', 'stripe-rate-limited-reason': 'endpoint-rate' },
        }),
      ),
      { reason: 'rate_limited', retryAfterMs: 2000, rateLimit: 'endpoint-rate', isOutage: false },
    ],
    [
      'that our first attempt still runs',
      new errors.StripeIdempotencyError(raw({ statusCode: 409, code: 'idempotency_key_in_use' })),
      { kind: 'unknown', reason: 'in_use', isStored: false, isOutage: false },
    ],
    [
      'that the key was spent on other parameters',
      new errors.StripeIdempotencyError(raw({ statusCode: 400 })),
      { kind: 'unknown', reason: 'key_spent', isStored: true, isOutage: false },
    ],
    [
      'that Stripe is broken',
      new errors.StripeAPIError(raw({ statusCode: 500 })),
      { reason: 'server_error', isStored: false, isOutage: true },
    ],
    [
      'that an old failure is repeated, which says nothing of Stripe now',
      new errors.StripeAPIError(raw({ statusCode: 500, headers: { 'idempotent-replayed': 'true' } })),
      { reason: 'server_error', isStored: true, isOutage: false },
    ],
    [
      'that Stripe wants no retry',
      new errors.StripeAPIError(raw({ statusCode: 503, headers: { 'stripe-should-retry': 'false' } })),
      { advice: 'do_not_retry' },
    ],
    [
      'that nobody answered in time',
      new errors.StripeConnectionError(raw({ detail: { code: 'ETIMEDOUT' } })),
      { reason: 'timeout', isOutage: true },
    ],
    ['that a connection was lost', new errors.StripeConnectionError(raw({})), { reason: 'connection' }],
  ])('%s', (_name, thrown, said) => {
    expect(toStripeFailure(thrown, 'customers.create')).toMatchObject(said);
  });

  it('tells our caller to come back when Stripe does', () => {
    const failure = toStripeFailure(
      new errors.StripeRateLimitError(raw({ statusCode: 429, headers: { 'retry-after': '17' } })),
      'a',
    );
    expect(asUnavailable(failure).retryAfter).toBe(17);
  });

  it.each(['-1', 'soon', '1e9', '99999999', ''])('reads no nonsense from Retry-After: %j', (value) => {
    const failure = toStripeFailure(
      new errors.StripeRateLimitError(raw({ statusCode: 429, headers: { 'retry-after': value } })),
      'a',
    );
    expect(failure.retryAfterMs).toBeNull();
  });
});
