import type Stripe from 'stripe';
import {
  instant,
  toCheckoutSnapshot,
  toPriceSnapshot,
  toSubscriptionSnapshot,
  UnexpectedStripeShape,
} from './stripe-translate';

const START = 1_790_000_000;
const END = START + 30 * 86_400;
const at = (seconds: number): Date => new Date(seconds * 1000);

function item(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'si_1',
    object: 'subscription_item',
    quantity: 2,
    current_period_start: START,
    current_period_end: END,
    price: {
      id: 'price_1',
      product: 'prod_1',
      recurring: { interval: 'month', interval_count: 1, meter: null, usage_type: 'licensed' },
    },
    ...fields,
  };
}

function subscription(fields: Record<string, unknown> = {}): Stripe.Subscription {
  return {
    id: 'sub_1',
    object: 'subscription',
    status: 'active',
    created: START - 100,
    customer: 'cus_1',
    billing_mode: { type: 'flexible' },
    billing_cycle_anchor: START,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: { comment: null, feedback: null, reason: null },
    currency: 'usd',
    ended_at: null,
    items: { object: 'list', data: [item()] },
    metadata: { tenant_id: 'hint' },
    pause_collection: null,
    schedule: null,
    trial_end: null,
    ...fields,
  } as unknown as Stripe.Subscription;
}

const withItems = (...data: Record<string, unknown>[]): Stripe.Subscription =>
  subscription({ items: { object: 'list', data } });

describe('a subscription', () => {
  it('is told in our words', () => {
    expect(toSubscriptionSnapshot(subscription())).toEqual({
      id: 'sub_1',
      customerId: 'cus_1',
      status: 'ACTIVE',
      stripeStatus: 'active',
      createdAt: at(START - 100),
      billingMode: 'flexible',
      billingCycleAnchor: at(START),
      periodStart: at(START),
      periodEnd: at(END),
      trialEnd: null,
      cancelAtPeriodEnd: false,
      cancelAt: null,
      canceledAt: null,
      endedAt: null,
      cancellationReason: null,
      pauseMode: null,
      pauseResumesAt: null,
      currency: 'usd',
      scheduleId: null,
      items: [
        {
          id: 'si_1',
          priceId: 'price_1',
          productId: 'prod_1',
          quantity: 2,
          isMetered: false,
          meterId: null,
          periodStart: at(START),
          periodEnd: at(END),
        },
      ],
      metadata: { tenant_id: 'hint' },
    });
  });

  it('may have its references expanded', () => {
    const snapshot = toSubscriptionSnapshot(
      subscription({ customer: { id: 'cus_2', deleted: true }, schedule: { id: 'sub_sched_1' } }),
    );
    expect(snapshot).toMatchObject({ customerId: 'cus_2', scheduleId: 'sub_sched_1' });
  });

  it('spans from the earliest start to the latest end of its items', () => {
    const snapshot = toSubscriptionSnapshot(
      withItems(item(), item({ id: 'si_2', current_period_start: START - 9, current_period_end: END + 9 })),
    );
    expect(snapshot).toMatchObject({ periodStart: at(START - 9), periodEnd: at(END + 9) });
  });

  it('may have metered items, which have a meter and no quantity', () => {
    const metered = item({
      quantity: undefined,
      price: {
        id: 'price_2',
        product: { id: 'prod_2' },
        recurring: { usage_type: 'metered', meter: 'mtr_1' },
      },
    });
    expect(toSubscriptionSnapshot(withItems(metered)).items[0]).toMatchObject({
      quantity: null,
      isMetered: true,
      meterId: 'mtr_1',
      productId: 'prod_2',
    });
  });

  it.each([
    ['paused by its own status', { status: 'paused' }, 'access_stopped'],
    [
      'with its collection paused',
      { pause_collection: { behavior: 'void', resumes_at: null } },
      'access_kept',
    ],
    ['running', {}, null],
  ])('that is %s', (_name, fields, pauseMode) => {
    expect(toSubscriptionSnapshot(subscription(fields)).pauseMode).toBe(pauseMode);
  });

  it('in a status that we do not know has none of ours', () => {
    expect(toSubscriptionSnapshot(subscription({ status: 'hibernating' }))).toMatchObject({
      status: null,
      stripeStatus: 'hibernating',
    });
  });

  it.each([
    ['no items at all', subscription({ items: undefined })],
    ['no list of items', subscription({ items: { object: 'list' } })],
    ['an empty list of items', withItems()],
    ['an item without a period', withItems(item({ current_period_end: undefined }))],
    ['a period end of 0', withItems(item({ current_period_end: 0 }))],
    ['a period end in milliseconds', withItems(item({ current_period_end: END * 1000 }))],
    ['a period that ends before it starts', withItems(item({ current_period_end: START - 1 }))],
    ['an item without a price', withItems(item({ price: undefined }))],
    ['no anchor', subscription({ billing_cycle_anchor: null })],
    ['a senseless trial end', subscription({ trial_end: -5 })],
  ])('with %s is no subscription of our version (F-09)', (_name, broken) => {
    expect(() => toSubscriptionSnapshot(broken)).toThrow(UnexpectedStripeShape);
  });
});

describe('a checkout session', () => {
  const session = (fields: Record<string, unknown> = {}): Stripe.Checkout.Session =>
    ({
      id: 'cs_1',
      status: 'open',
      payment_status: 'unpaid',
      url: 'https://checkout.stripe.com/c/pay/cs_1',
      expires_at: END,
      customer: 'cus_1',
      subscription: null,
      client_reference_id: 'row-1',
      ...fields,
    }) as unknown as Stripe.Checkout.Session;

  it('is told in our words', () => {
    expect(toCheckoutSnapshot(session())).toEqual({
      id: 'cs_1',
      status: 'open',
      paymentStatus: 'unpaid',
      url: 'https://checkout.stripe.com/c/pay/cs_1',
      expiresAt: at(END),
      customerId: 'cus_1',
      subscriptionId: null,
      clientReferenceId: 'row-1',
    });
    expect(
      toCheckoutSnapshot(
        session({
          status: 'complete',
          payment_status: 'no_payment_required',
          subscription: { id: 'sub_1' },
          url: null,
        }),
      ),
    ).toMatchObject({
      status: 'complete',
      paymentStatus: 'no_payment_required',
      subscriptionId: 'sub_1',
      url: null,
    });
  });

  it('in a state that we do not know counts as open and unpaid, the states that give nothing', () => {
    expect(toCheckoutSnapshot(session({ status: 'thinking', payment_status: 'promised' }))).toMatchObject({
      status: 'open',
      paymentStatus: 'unpaid',
    });
    expect(toCheckoutSnapshot(session({ status: null }))).toMatchObject({ status: 'open' });
  });
});

describe('a price', () => {
  const price = (fields: Record<string, unknown> = {}): Stripe.Price =>
    ({
      id: 'price_1',
      active: true,
      currency: 'eur',
      metadata: {},
      product: { id: 'prod_1', active: true, metadata: {} },
      recurring: { interval: 'month', interval_count: 3, usage_type: 'licensed' },
      ...fields,
    }) as unknown as Stripe.Price;

  it('is told in our words', () => {
    expect(toPriceSnapshot(price())).toEqual({
      id: 'price_1',
      productId: 'prod_1',
      active: true,
      currency: 'eur',
      interval: 'month',
      intervalCount: 3,
      isMetered: false,
      ownerTenantId: null,
    });
    expect(toPriceSnapshot(price({ recurring: null }))).toMatchObject({ interval: null, intervalCount: 0 });
    expect(toPriceSnapshot(price({ recurring: { interval: 'decade' } }))).toMatchObject({ interval: null });
  });

  it.each([
    ['is archived itself', { active: false }],
    ['is of an archived product', { product: { id: 'prod_1', active: false, metadata: {} } }],
    ['is of a deleted product', { product: { id: 'prod_1', deleted: true } }],
    ['is of a product that was not looked at', { product: 'prod_1' }],
  ])('is not for sale when it %s', (_name, fields) => {
    expect(toPriceSnapshot(price(fields))).toMatchObject({ active: false, productId: 'prod_1' });
  });

  it('belongs to the tenant that its metadata or its product names', () => {
    expect(toPriceSnapshot(price({ metadata: { tenant_id: 'a' } })).ownerTenantId).toBe('a');
    const product = { id: 'prod_1', active: true, metadata: { tenant_id: 'b' } };
    expect(toPriceSnapshot(price({ product })).ownerTenantId).toBe('b');
    expect(toPriceSnapshot(price({ product, metadata: { tenant_id: 'a' } })).ownerTenantId).toBe('a');
  });
});

describe('a time', () => {
  it.each([undefined, null, '', '1790000000', 0, -1, 1.5, Number.NaN, Infinity, 1e15])(
    'is not %p',
    (value) => {
      expect(() => instant(value, 'created')).toThrow(UnexpectedStripeShape);
    },
  );
});
