import Stripe from 'stripe';
import { accountUnderTest, monthlyPrice, type AccountUnderTest } from './harness';

/** Every answer here is also checked against the schema of its type: see harness. */
describe('Stripe resources through the official package', () => {
  let account: AccountUnderTest;
  let stripe: Stripe;

  beforeAll(async () => {
    account = await accountUnderTest();
    stripe = account.stripe;
  }, 60_000);
  afterAll(() => account.close());

  const unique = (text: string) =>
    `${text}_${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;

  it('keeps customers: create, read, change, list by e-mail, delete', async () => {
    const email = `${unique('ada')}@example.com`;
    const made = await stripe.customers.create({
      email,
      name: 'Ada',
      metadata: { tenant: 't1', plan: 'x' },
      address: { country: 'DE' },
    });
    expect(made).toMatchObject({
      object: 'customer',
      email,
      livemode: false,
      address: { country: 'DE', city: null },
    });

    const changed = await stripe.customers.update(made.id, {
      name: 'Ada L.',
      metadata: { plan: '', seat: '2' },
    });
    expect(changed).toMatchObject({ name: 'Ada L.', metadata: { tenant: 't1', seat: '2' } });
    expect(changed.metadata).not.toHaveProperty('plan');
    expect((await stripe.customers.list({ email })).data.map(({ id }) => id)).toEqual([made.id]);

    expect(await stripe.customers.del(made.id)).toEqual(
      expect.objectContaining({ id: made.id, deleted: true }),
    );
    expect(await stripe.customers.retrieve(made.id)).toMatchObject({ deleted: true });
    expect((await stripe.customers.list({ email })).data).toEqual([]);
    await expect(stripe.customers.update(made.id, { name: 'x' })).rejects.toMatchObject({
      code: 'resource_missing',
    });
  });

  it('keeps products with their default price', async () => {
    const made = await stripe.products.create({
      name: 'Growth',
      metadata: { plan: 'p1' },
      marketing_features: [{ name: 'Fast' }],
      default_price_data: { currency: 'eur', unit_amount: 1900, recurring: { interval: 'year' } },
      expand: ['default_price'],
    });
    expect(made.default_price).toMatchObject({ object: 'price', unit_amount: 1900, currency: 'eur' });
    expect(await stripe.products.update(made.id, { active: false, description: 'old' })).toMatchObject({
      active: false,
    });
    expect((await stripe.products.retrieve(made.id)).description).toBe('old');
    await expect(stripe.products.del(made.id)).rejects.toThrow(/prices/);
    const bare = await stripe.products.create({ name: 'Bare' });
    expect(await stripe.products.del(bare.id)).toMatchObject({ deleted: true });
    expect((await stripe.products.list({ ids: [made.id] })).data).toHaveLength(1);
  });

  it('makes prices of every billing scheme', async () => {
    const product = (await stripe.products.create({ name: 'Scheme' })).id;
    const recurring = { interval: 'month' as const };
    const whole = await stripe.prices.create({
      product,
      currency: 'usd',
      unit_amount: 990,
      recurring,
      nickname: 'n',
    });
    expect(whole).toMatchObject({
      billing_scheme: 'per_unit',
      type: 'recurring',
      unit_amount: 990,
      tiers_mode: null,
    });
    expect(String(whole.unit_amount_decimal)).toBe('990');

    const fraction = await stripe.prices.create({
      product,
      currency: 'usd',
      unit_amount_decimal: Stripe.Decimal.from('0.05'),
      recurring,
    });
    expect(fraction.unit_amount).toBeNull();
    expect(String(fraction.unit_amount_decimal)).toBe('0.05');

    const graduated = await stripe.prices.create({
      product,
      currency: 'usd',
      recurring,
      billing_scheme: 'tiered',
      tiers_mode: 'graduated',
      tiers: [
        { up_to: 10, unit_amount: 100 },
        { up_to: 'inf', unit_amount_decimal: Stripe.Decimal.from('7.5'), flat_amount: 500 },
      ],
      expand: ['tiers'],
    });
    expect(graduated).toMatchObject({
      unit_amount: null,
      unit_amount_decimal: null,
      tiers_mode: 'graduated',
    });
    expect(graduated.tiers?.map(({ up_to: upTo }) => upTo)).toEqual([10, null]);
    expect(await stripe.prices.retrieve(graduated.id)).not.toHaveProperty('tiers');

    const volume = await stripe.prices.create({
      product,
      currency: 'usd',
      recurring,
      billing_scheme: 'tiered',
      tiers_mode: 'volume',
      tiers: [{ up_to: 'inf', unit_amount: 3 }],
    });
    expect(volume.tiers_mode).toBe('volume');

    const packages = await stripe.prices.create({
      product,
      currency: 'usd',
      unit_amount: 500,
      recurring,
      transform_quantity: { divide_by: 100, round: 'up' },
    });
    expect(packages.transform_quantity).toEqual({ divide_by: 100, round: 'up' });

    const meter = await stripe.billing.meters.create({
      display_name: 'API calls',
      event_name: unique('api_calls'),
      default_aggregation: { formula: 'sum' },
    });
    const metered = await stripe.prices.create({
      product,
      currency: 'usd',
      unit_amount: 1,
      recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    });
    expect(metered.recurring).toMatchObject({ usage_type: 'metered', meter: meter.id });
    const oneTime = await stripe.prices.create({ product, currency: 'jpy', unit_amount: 5000 });
    expect(oneTime).toMatchObject({ type: 'one_time', recurring: null, currency: 'jpy' });
    expect((await stripe.prices.list({ product, type: 'one_time' })).data.map(({ id }) => id)).toEqual([
      oneTime.id,
    ]);
  });

  it('changes of a price only what may change, and hands lookup keys on', async () => {
    const key = unique('growth');
    const first = await monthlyPrice(stripe);
    const second = await monthlyPrice(stripe, 3900);
    await stripe.prices.update(first.id, { lookup_key: key, metadata: { a: '1' } });
    await expect(stripe.prices.update(second.id, { lookup_key: key })).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
    });
    await stripe.prices.update(second.id, { lookup_key: key, transfer_lookup_key: true, active: false });
    expect((await stripe.prices.retrieve(first.id)).lookup_key).toBeNull();
    expect(
      (await stripe.prices.list({ lookup_keys: [key], active: false })).data.map(({ id }) => id),
    ).toEqual([second.id]);
    const raw = { unit_amount: 1 } as Stripe.PriceUpdateParams;
    await expect(stripe.prices.update(first.id, raw)).rejects.toMatchObject({
      code: 'parameter_unknown',
      param: 'unit_amount',
    });
  });

  it('keeps meters and turns them off and on', async () => {
    const name = unique('emails');
    const meter = await stripe.billing.meters.create({
      display_name: 'Emails',
      event_name: name,
      default_aggregation: { formula: 'count' },
    });
    expect((await stripe.billing.meters.update(meter.id, { display_name: 'Mails' })).display_name).toBe(
      'Mails',
    );
    expect((await stripe.billing.meters.deactivate(meter.id)).status).toBe('inactive');
    expect((await stripe.billing.meters.reactivate(meter.id)).status).toBe('active');
    expect((await stripe.billing.meters.retrieve(meter.id)).event_name).toBe(name);
    expect(
      (await stripe.billing.meters.list({ status: 'active', limit: 100 })).data.map(({ id }) => id),
    ).toContain(meter.id);
  });

  it('keeps coupons and the codes that stand for them', async () => {
    const percent = await stripe.coupons.create({
      percent_off: 12.5,
      duration: 'repeating',
      duration_in_months: 3,
      name: 'Spring',
    });
    expect(percent).toMatchObject({
      percent_off: 12.5,
      amount_off: null,
      duration_in_months: 3,
      valid: true,
      times_redeemed: 0,
    });
    const product = (await stripe.products.create({ name: 'Only this' })).id;
    const amount = await stripe.coupons.create({
      id: unique('TENOFF'),
      amount_off: 1000,
      currency: 'usd',
      duration: 'once',
      max_redemptions: 5,
      applies_to: { products: [product] },
      expand: ['applies_to'],
    });
    expect(amount.applies_to).toEqual({ products: [product] });
    expect((await stripe.coupons.update(percent.id, { metadata: { a: 'b' } })).metadata).toEqual({ a: 'b' });

    const code = unique('HELLO');
    const promotion = await stripe.promotionCodes.create({
      promotion: { type: 'coupon', coupon: percent.id },
      code,
      max_redemptions: 10,
      restrictions: { first_time_transaction: true, minimum_amount: 500, minimum_amount_currency: 'usd' },
    });
    expect(promotion).toMatchObject({ active: true, promotion: { type: 'coupon', coupon: percent.id } });
    const found = await stripe.promotionCodes.list({ code, expand: ['data.promotion.coupon'] });
    expect(found.data[0]?.promotion.coupon).toMatchObject({ id: percent.id, percent_off: 12.5 });
    expect((await stripe.promotionCodes.update(promotion.id, { active: false })).active).toBe(false);
    expect((await stripe.promotionCodes.list({ code, active: true })).data).toEqual([]);
    expect(await stripe.coupons.del(amount.id)).toMatchObject({ deleted: true });
    await expect(stripe.coupons.retrieve(amount.id)).rejects.toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    });
  });

  it('keeps cards: documented test cards, attach, default, detach', async () => {
    const customer = await stripe.customers.create({ name: 'Card holder' });
    const visa = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    expect(visa).toMatchObject({ customer: customer.id, card: { brand: 'visa', last4: '4242' } });
    const fresh = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_mastercard' } });
    expect(fresh).toMatchObject({ customer: null, card: { brand: 'mastercard', last4: '4444' } });
    await stripe.paymentMethods.attach(fresh.id, { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: visa.id } });
    const listed = await stripe.customers.listPaymentMethods(customer.id, { type: 'card' });
    expect(listed.data.map(({ id }) => id).sort()).toEqual([visa.id, fresh.id].sort());
    expect((await stripe.paymentMethods.detach(visa.id)).customer).toBeNull();
    const after = (await stripe.customers.retrieve(customer.id)) as Stripe.Customer;
    expect(after.invoice_settings.default_payment_method).toBeNull();
    expect((await stripe.paymentMethods.list({ customer: customer.id, type: 'card' })).data).toHaveLength(1);
    await expect(
      stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer: customer.id }),
    ).rejects.toMatchObject({
      type: 'StripeCardError',
      code: 'card_declined',
      statusCode: 402,
    });
  });

  it('saves a card with a setup intent', async () => {
    const customer = await stripe.customers.create({ name: 'Saver' });
    const intent = await stripe.setupIntents.create({
      customer: customer.id,
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    });
    expect(intent.status).toBe('requires_payment_method');
    const done = await stripe.setupIntents.confirm(intent.id, { payment_method: 'pm_card_visa' });
    expect(done.status).toBe('succeeded');
    const card = await stripe.paymentMethods.retrieve(done.payment_method as string);
    expect(card.customer).toBe(customer.id);
    const other = await stripe.setupIntents.create({ customer: customer.id });
    expect((await stripe.setupIntents.cancel(other.id)).status).toBe('canceled');
    expect((await stripe.setupIntents.list({ customer: customer.id })).data).toHaveLength(2);
  });

  async function payingCustomer(card = 'pm_card_visa'): Promise<string> {
    const customer = await stripe.customers.create({ name: 'Payer' });
    const paymentMethod = await stripe.paymentMethods.attach(card, { customer: customer.id });
    await stripe.customers.update(customer.id, {
      invoice_settings: { default_payment_method: paymentMethod.id },
    });
    return customer.id;
  }

  it('starts a subscription by the API and bills its first period', async () => {
    const customer = await payingCustomer();
    const price = await monthlyPrice(stripe, 2900);
    const subscription = await stripe.subscriptions.create({
      customer,
      items: [{ price: price.id, quantity: 3 }],
      metadata: { tenant: 't9' },
      expand: ['latest_invoice.payments', 'latest_invoice.confirmation_secret'],
    });
    expect(subscription).toMatchObject({
      status: 'active',
      billing_mode: { type: 'flexible' },
      metadata: { tenant: 't9' },
    });
    expect(subscription).not.toHaveProperty('current_period_end');
    const item = subscription.items.data[0] as Stripe.SubscriptionItem;
    expect(item.current_period_start).toBe(subscription.billing_cycle_anchor);
    expect(item.current_period_end - item.current_period_start).toBeGreaterThanOrEqual(28 * 86_400);

    const invoice = subscription.latest_invoice as Stripe.Invoice;
    expect(invoice).toMatchObject({
      status: 'paid',
      total: 8700,
      amount_paid: 8700,
      billing_reason: 'subscription_create',
    });
    expect(invoice.parent?.subscription_details).toMatchObject({
      subscription: subscription.id,
      metadata: { tenant: 't9' },
    });
    const intentId = invoice.payments?.data[0]?.payment.payment_intent as string;
    const intent = await stripe.paymentIntents.retrieve(intentId, { expand: ['latest_charge'] });
    expect(intent).toMatchObject({
      status: 'succeeded',
      amount_received: 8700,
      latest_charge: { paid: true },
    });
    expect((await stripe.invoicePayments.list({ invoice: invoice.id })).data[0]).toMatchObject({
      status: 'paid',
      amount_paid: 8700,
    });
    expect((await stripe.invoices.list({ subscription: subscription.id })).data.map(({ id }) => id)).toEqual([
      invoice.id,
    ]);
    expect((await stripe.invoices.listLineItems(invoice.id)).data[0]).toMatchObject({
      amount: 8700,
      quantity: 3,
    });
    expect((await stripe.subscriptionItems.list({ subscription: subscription.id })).data).toHaveLength(1);
    expect((await stripe.charges.list({ customer })).data[0]).toMatchObject({
      amount: 8700,
      status: 'succeeded',
    });
  });

  it('leaves a subscription incomplete when its first payment fails, and activates it when paid', async () => {
    const customer = await payingCustomer('pm_card_chargeCustomerFail');
    const price = await monthlyPrice(stripe);
    const subscription = await stripe.subscriptions.create({ customer, items: [{ price: price.id }] });
    expect(subscription.status).toBe('incomplete');
    const invoiceId = subscription.latest_invoice as string;
    expect(await stripe.invoices.retrieve(invoiceId)).toMatchObject({
      status: 'open',
      attempt_count: 1,
      attempted: true,
    });
    await expect(stripe.invoices.pay(invoiceId)).rejects.toMatchObject({
      type: 'StripeCardError',
      code: 'card_declined',
    });
    const good = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    expect((await stripe.invoices.pay(invoiceId, { payment_method: good.id })).status).toBe('paid');
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
    const before = (await stripe.subscriptions.list({ customer, status: 'all' })).data.length;
    await expect(
      stripe.subscriptions.create({
        customer,
        items: [{ price: price.id }],
        payment_behavior: 'error_if_incomplete',
      }),
    ).rejects.toMatchObject({ statusCode: 402 });
    expect((await stripe.subscriptions.list({ customer, status: 'all' })).data).toHaveLength(before);
  });

  it('gives trials, discounts, cancellation at period end and its withdrawal', async () => {
    const customer = await payingCustomer();
    const price = await monthlyPrice(stripe);
    const coupon = await stripe.coupons.create({ percent_off: 50, duration: 'forever' });
    const subscription = await stripe.subscriptions.create({
      customer,
      items: [{ price: price.id }],
      discounts: [{ coupon: coupon.id }],
      trial_period_days: 14,
      trial_settings: { end_behavior: { missing_payment_method: 'cancel' } },
      expand: ['discounts', 'latest_invoice'],
    });
    expect(subscription.status).toBe('trialing');
    expect(subscription.billing_cycle_anchor).toBe(subscription.trial_end);
    expect(subscription.items.data[0]?.current_period_end).toBe(subscription.trial_end);
    expect(subscription.latest_invoice).toMatchObject({ status: 'paid', total: 0 });
    expect((subscription.discounts[0] as Stripe.Discount).source).toEqual({
      type: 'coupon',
      coupon: coupon.id,
    });
    expect((await stripe.coupons.retrieve(coupon.id)).times_redeemed).toBe(1);

    const ending = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
    expect(ending).toMatchObject({
      status: 'trialing',
      cancel_at_period_end: true,
      cancel_at: subscription.trial_end,
    });
    const staying = await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: false });
    expect(staying).toMatchObject({ cancel_at_period_end: false, cancel_at: null, canceled_at: null });

    const canceled = await stripe.subscriptions.cancel(subscription.id, {
      cancellation_details: { comment: 'bye', feedback: 'unused' },
    });
    expect(canceled).toMatchObject({
      status: 'canceled',
      cancellation_details: { comment: 'bye', feedback: 'unused' },
    });
    expect(canceled.ended_at).not.toBeNull();
    expect((await stripe.subscriptions.list({ customer })).data).toEqual([]);
    await expect(
      stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true }),
    ).rejects.toMatchObject({ statusCode: 400 });
  });

  it('lists events with what changed, by type and time', async () => {
    const customer = await stripe.customers.create({ name: 'Before' });
    await stripe.customers.update(customer.id, { name: 'After' });
    const events = await stripe.events.list({ types: ['customer.created', 'customer.updated'], limit: 100 });
    const mine = events.data.filter((event) => (event.data.object as Stripe.Customer).id === customer.id);
    expect(mine.map(({ type }) => type)).toEqual(['customer.updated', 'customer.created']);
    expect(mine[0]?.data.previous_attributes).toEqual({ name: 'Before' });
    const one = await stripe.events.retrieve(mine[0]!.id);
    expect(one).toMatchObject({ api_version: '2026-10-28.endive', type: 'customer.updated' });
    const later = await stripe.events.list({ created: { gt: one.created + 3600 } });
    expect(later.data).toEqual([]);
  });

  it('keeps webhook endpoints and tells their secret once', async () => {
    const made = await stripe.webhookEndpoints.create({
      url: 'https://hooks.example/stripe',
      enabled_events: ['customer.subscription.updated', 'invoice.paid'],
      api_version: '2026-10-28.endive',
    });
    expect(made.secret).toMatch(/^whsec_/);
    expect(await stripe.webhookEndpoints.retrieve(made.id)).not.toHaveProperty('secret');
    expect((await stripe.webhookEndpoints.update(made.id, { disabled: true })).status).toBe('disabled');
    expect((await stripe.webhookEndpoints.list({ limit: 100 })).data.map(({ id }) => id)).toContain(made.id);
    expect(await stripe.webhookEndpoints.del(made.id)).toMatchObject({ deleted: true });
  });
});
