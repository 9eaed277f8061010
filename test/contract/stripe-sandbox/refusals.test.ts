import Stripe from 'stripe';
import { accountUnderTest, monthlyPrice, type AccountUnderTest } from './harness';

describe('what Stripe refuses', () => {
  let account: AccountUnderTest;
  let stripe: Stripe;

  beforeAll(async () => {
    account = await accountUnderTest();
    stripe = account.stripe;
  }, 60_000);
  afterAll(() => account.close());

  const session = (more: object) =>
    stripe.checkout.sessions.create({
      mode: 'subscription',
      success_url: 'https://shop.example/ok',
      ...more,
    } as Stripe.Checkout.SessionCreateParams);

  it('a parameter it does not know, at any depth', async () => {
    const wrong = { nickname: 'x' } as Stripe.CustomerCreateParams;
    await expect(stripe.customers.create(wrong)).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
      statusCode: 400,
      code: 'parameter_unknown',
      param: 'nickname',
    });
    const deep = { line_items: [{ price: 'price_1', quantity: 1, coupon: 'x' }] };
    await expect(session(deep)).rejects.toMatchObject({
      code: 'parameter_unknown',
      param: 'line_items[0][coupon]',
    });
  });

  it('a missing parameter', async () => {
    await expect(stripe.products.create({} as Stripe.ProductCreateParams)).rejects.toMatchObject({
      code: 'parameter_missing',
      param: 'name',
    });
  });

  it('a wrong enum value, number or empty text', async () => {
    const interval = { interval: 'fortnight' } as unknown as Stripe.PriceCreateParams.Recurring;
    await expect(
      stripe.prices.create({
        currency: 'usd',
        unit_amount: 1,
        product_data: { name: 'x' },
        recurring: interval,
      }),
    ).rejects.toMatchObject({ statusCode: 400, param: 'recurring[interval]' });
    const amount = 'ten' as unknown as number;
    await expect(
      stripe.prices.create({ currency: 'usd', unit_amount: amount, product_data: { name: 'x' } }),
    ).rejects.toMatchObject({ code: 'parameter_invalid_integer', param: 'unit_amount' });
    await expect(stripe.products.create({ name: '' })).rejects.toMatchObject({
      code: 'parameter_invalid_empty',
      param: 'name',
    });
  });

  it('an object that does not exist: 404 in the path, 400 in the body', async () => {
    await expect(stripe.subscriptions.retrieve('sub_nowhere')).rejects.toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      param: 'id',
    });
    await expect(session({ line_items: [{ price: 'price_nowhere', quantity: 1 }] })).rejects.toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      param: 'line_items[0][price]',
    });
  });

  it('checkouts that can not be', async () => {
    const price = await monthlyPrice(stripe);
    const line_items = [{ price: price.id, quantity: 1 }];
    const meter = await stripe.billing.meters.create({
      display_name: 'm',
      event_name: `m_${Date.now()}`,
      default_aggregation: { formula: 'sum' },
    });
    const metered = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 1,
      product_data: { name: 'calls' },
      recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    });
    await expect(session({ line_items: [{ price: metered.id, quantity: 1 }] })).rejects.toThrow(/metered/);
    await expect(session({ line_items: [{ price: price.id }] })).rejects.toThrow(/Quantity is required/);
    await expect(session({ line_items, mode: 'payment' })).rejects.toThrow(/recurring price/);
    await expect(
      session({ line_items, expires_at: Math.floor(Date.now() / 1000) + 60 }),
    ).rejects.toMatchObject({ param: 'expires_at' });
    await expect(
      session({ line_items, expires_at: Math.floor(Date.now() / 1000) + 90_000 }),
    ).rejects.toMatchObject({ param: 'expires_at' });
    await expect(session({ line_items, success_url: 'nowhere' })).rejects.toMatchObject({
      code: 'url_invalid',
    });
    const customer = await stripe.customers.create({ email: 'both@example.com' });
    await expect(
      session({ line_items, customer: customer.id, customer_email: 'x@example.com' }),
    ).rejects.toMatchObject({ statusCode: 400 });
    const coupon = await stripe.coupons.create({ amount_off: 100, currency: 'eur', duration: 'once' });
    await expect(session({ line_items, discounts: [{ coupon: coupon.id }] })).rejects.toMatchObject({
      statusCode: 400,
    });
    await stripe.prices.update(price.id, { active: false });
    await expect(session({ line_items })).rejects.toThrow(/inactive/);
  });

  it('prices, coupons and codes that contradict themselves', async () => {
    await expect(
      stripe.coupons.create({ percent_off: 10, amount_off: 5, currency: 'usd' }),
    ).rejects.toMatchObject({ statusCode: 400 });
    await expect(stripe.coupons.create({ percent_off: 10, duration: 'repeating' })).rejects.toMatchObject({
      statusCode: 400,
    });
    const product_data = { name: 'x' };
    const recurring = { interval: 'month', usage_type: 'metered' } as const;
    await expect(
      stripe.prices.create({ currency: 'usd', unit_amount: 1, product_data, recurring }),
    ).rejects.toThrow(/meter/);
    await expect(stripe.prices.create({ currency: 'xxy', unit_amount: 1, product_data })).rejects.toThrow(
      /currency/i,
    );
    const coupon = await stripe.coupons.create({ percent_off: 10, duration: 'once' });
    const code = `TWICE${Date.now()}`;
    const promotion = { type: 'coupon', coupon: coupon.id } as const;
    await stripe.promotionCodes.create({ promotion, code });
    await expect(stripe.promotionCodes.create({ promotion, code: code.toLowerCase() })).rejects.toThrow(
      /already exists/,
    );
  });

  it('an unknown key', async () => {
    const stranger = new Stripe('sk_test_51StrangerStrangerStranger', {
      ...(process.env.STRIPE_TEST_SECRET_KEY
        ? {}
        : { host: '127.0.0.1', port: portOf(stripe), protocol: 'http' as const }),
      maxNetworkRetries: 0,
    });
    await expect(stranger.customers.list()).rejects.toMatchObject({
      type: 'StripeAuthenticationError',
      statusCode: 401,
    });
  });
});

/** Where a client talks to. */
function portOf(stripe: Stripe): number {
  return Number((stripe as unknown as { getApiField(name: string): string }).getApiField('port'));
}
