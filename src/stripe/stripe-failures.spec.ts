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
