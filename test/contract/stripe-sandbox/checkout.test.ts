import type Stripe from 'stripe';
import { monthlyPrice, openCheckout, sandboxUnderTest, type SandboxUnderTest } from './harness';

describe('checkout', () => {
  let under: SandboxUnderTest;
  let stripe: Stripe;

  beforeAll(async () => {
    under = await sandboxUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterAll(() => under.close());

  const complete = (id: string, outcome: 'success' | 'decline' | 'requires_action' = 'success') =>
    under.sandbox.completeCheckout(id, outcome);
  const typesSince = (count: number) =>
    (under.sandbox.objects('event') as Stripe.Event[]).slice(count).map(({ type }) => type);
  const eventCount = () => under.sandbox.objects('event').length;

  it('makes the subscription only after payment, with the events of a purchase in order', async () => {
    const price = await monthlyPrice(stripe);
    const customer = await stripe.customers.create({ email: 'buyer@example.com' });
    const session = await openCheckout(stripe, price.id, {
      customer: customer.id,
      client_reference_id: 'tenant-1',
      metadata: { tenant: 't1' },
      subscription_data: { metadata: { tenant: 't1' }, description: 'Growth plan' },
    });
    expect(session).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      subscription: null,
      invoice: null,
      amount_total: 2900,
    });
    expect(session.url).toBe(`${under.sandbox.url}/c/pay/${session.id}`);
    expect((await stripe.subscriptions.list({ customer: customer.id, status: 'all' })).data).toEqual([]);

    const before = eventCount();
    expect((await complete(session.id)).status).toBe('complete');
    expect(typesSince(before)).toEqual([
      'payment_method.attached',
      'customer.subscription.created',
      'customer.updated',
      'invoice.created',
      'invoice.finalized',
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice_payment.paid',
      'invoice.paid',
      'invoice.payment_succeeded',
      'checkout.session.completed',
    ]);

    const done = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['subscription', 'invoice', 'line_items'],
    });
    expect(done).toMatchObject({
      status: 'complete',
      payment_status: 'paid',
      url: null,
      metadata: { tenant: 't1' },
    });
    expect(done.subscription).toMatchObject({
      status: 'active',
      description: 'Growth plan',
      metadata: { tenant: 't1' },
    });
    expect(done.invoice).toMatchObject({ status: 'paid', amount_paid: 2900 });
    expect(done.line_items?.data[0]).toMatchObject({ quantity: 1, amount_total: 2900 });
    const subscription = done.subscription as Stripe.Subscription;
    const card = await stripe.paymentMethods.retrieve(subscription.default_payment_method as string);
    expect(card.customer).toBe(customer.id);
  });

  it('makes the customer when there was none', async () => {
    const price = await monthlyPrice(stripe);
    const session = await openCheckout(stripe, price.id, { customer_email: 'new@example.com' });
    await complete(session.id);
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['customer'] });
    expect(done.customer).toMatchObject({ email: 'new@example.com' });
    expect(done.customer_details).toMatchObject({ email: 'new@example.com' });
  });

  it('stays open after a decline, answers with the card error, and can be paid then', async () => {
    const price = await monthlyPrice(stripe);
    const session = await openCheckout(stripe, price.id);
    const before = eventCount();
    const response = await fetch(`${under.sandbox.url}/_sandbox/checkout/sessions/${session.id}/complete`, {
      method: 'POST',
      body: JSON.stringify({ outcome: 'decline' }),
    });
    expect(response.status).toBe(402);
    expect(await response.json()).toMatchObject({
      error: { code: 'card_declined', decline_code: 'generic_decline' },
    });
    expect(typesSince(before)).toEqual([
      'payment_intent.created',
      'charge.failed',
      'payment_intent.payment_failed',
    ]);
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('open');

    await complete(session.id);
    const intents = (under.sandbox.objects('payment_intent') as Stripe.PaymentIntent[]).slice(-1);
    expect(intents[0]).toMatchObject({ status: 'succeeded', last_payment_error: null });
    expect(typesSince(before).filter((type) => type === 'payment_intent.created')).toHaveLength(1);
  });

  it('waits for 3-D Secure and is complete when it was passed', async () => {
    const price = await monthlyPrice(stripe);
    const session = await openCheckout(stripe, price.id);
    expect(await complete(session.id, 'requires_action')).toMatchObject({
      status: 'open',
      requires_action: true,
    });
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('open');
    expect(await complete(session.id, 'success')).toMatchObject({
      status: 'complete',
      requires_action: false,
    });
    const done = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['subscription.default_payment_method'],
    });
    const card = (done.subscription as Stripe.Subscription).default_payment_method as Stripe.PaymentMethod;
    expect(card.card?.last4).toBe('3220');
  });

  it('starts a trial without charging, and saves the card', async () => {
    const price = await monthlyPrice(stripe);
    const session = await openCheckout(stripe, price.id, { subscription_data: { trial_period_days: 14 } });
    expect(session).toMatchObject({ amount_total: 0, payment_status: 'no_payment_required' });
    const before = eventCount();
    await complete(session.id);
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['subscription', 'invoice'] });
    const subscription = done.subscription as Stripe.Subscription;
    expect(subscription.status).toBe('trialing');
    expect((subscription.trial_end as number) - (subscription.trial_start as number)).toBe(14 * 86_400);
    expect(subscription.default_payment_method).not.toBeNull();
    expect(done.invoice).toMatchObject({ status: 'paid', total: 0 });
    expect(done.payment_status).toBe('no_payment_required');
    expect(typesSince(before)).toEqual(expect.arrayContaining(['setup_intent.succeeded', 'invoice.paid']));
    expect(typesSince(before)).not.toContain('charge.succeeded');
  });

  it('takes discounts off each line, and shows them on the invoice', async () => {
    const product = (await stripe.products.create({ name: 'Covered' })).id;
    const recurring = { interval: 'month' as const };
    const covered = await stripe.prices.create({ product, currency: 'usd', unit_amount: 3333, recurring });
    const other = await monthlyPrice(stripe, 1000, 'Not covered');
    const coupon = await stripe.coupons.create({
      percent_off: 50,
      duration: 'repeating',
      duration_in_months: 3,
      applies_to: { products: [product] },
    });
    const code = await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id } });
    const session = await openCheckout(stripe, covered.id, {
      line_items: [
        { price: covered.id, quantity: 1 },
        { price: other.id, quantity: 2 },
      ],
      discounts: [{ promotion_code: code.id }],
    });
    // Half of 33.33 is 16.665: half up to the cent.
    expect(session).toMatchObject({
      amount_subtotal: 5333,
      amount_total: 5333 - 1667,
      total_details: { amount_discount: 1667 },
    });
    await complete(session.id);
    const done = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['invoice', 'subscription.discounts'],
    });
    const invoice = done.invoice as Stripe.Invoice;
    expect(invoice).toMatchObject({
      subtotal: 5333,
      total: 3666,
      total_discount_amounts: [{ amount: 1667 }],
    });
    const discounted = invoice.lines.data.map((line) =>
      (line.discount_amounts ?? []).map(({ amount }) => amount),
    );
    expect(discounted).toEqual([[1667], []]);
    const [discount] = (done.subscription as Stripe.Subscription).discounts as Stripe.Discount[];
    expect(discount).toMatchObject({
      source: { coupon: coupon.id },
      promotion_code: code.id,
      checkout_session: session.id,
    });
    expect((await stripe.promotionCodes.retrieve(code.id)).times_redeemed).toBe(1);
    expect((await stripe.coupons.retrieve(coupon.id)).times_redeemed).toBe(1);
  });

  it('sells metered prices beside licensed ones without a quantity or a line for them', async () => {
    const price = await monthlyPrice(stripe);
    const meter = await stripe.billing.meters.create({
      display_name: 'm',
      event_name: 'checkout_m',
      default_aggregation: { formula: 'sum' },
    });
    const metered = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 2,
      product_data: { name: 'Calls' },
      recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    });
    const session = await openCheckout(stripe, price.id, {
      line_items: [{ price: price.id, quantity: 1 }, { price: metered.id }],
    });
    await complete(session.id);
    const done = await stripe.checkout.sessions.retrieve(session.id, {
      expand: ['subscription', 'invoice', 'line_items'],
    });
    expect(done.line_items?.data.map(({ quantity, amount_total }) => [quantity, amount_total])).toEqual([
      [1, 2900],
      [null, 0],
    ]);
    const items = (done.subscription as Stripe.Subscription).items.data;
    expect(items.map((item) => item.quantity)).toEqual([1, undefined]);
    expect((done.invoice as Stripe.Invoice).lines.data).toHaveLength(1);

    const onlyUsage = await openCheckout(stripe, metered.id, { line_items: [{ price: metered.id }] });
    await complete(onlyUsage.id);
    const usage = await stripe.checkout.sessions.retrieve(onlyUsage.id, { expand: ['subscription'] });
    expect(usage).toMatchObject({ invoice: null, subscription: { status: 'active', latest_invoice: null } });
  });

  it('takes one payment, or saves a card, in the other modes', async () => {
    const price = await stripe.prices.create({
      currency: 'usd',
      unit_amount: 4900,
      product_data: { name: 'Set-up' },
    });
    const pay = await openCheckout(stripe, price.id, {
      mode: 'payment',
      payment_intent_data: { metadata: { order: '7' } },
    });
    await complete(pay.id);
    const paid = await stripe.checkout.sessions.retrieve(pay.id, { expand: ['payment_intent'] });
    expect(paid).toMatchObject({
      status: 'complete',
      payment_status: 'paid',
      subscription: null,
      customer: null,
    });
    expect(paid.payment_intent).toMatchObject({
      status: 'succeeded',
      amount: 4900,
      metadata: { order: '7' },
    });

    const customer = await stripe.customers.create({ email: 'save@example.com' });
    const save = await stripe.checkout.sessions.create({
      mode: 'setup',
      currency: 'usd',
      customer: customer.id,
      success_url: 'https://shop.example/ok',
    });
    await complete(save.id);
    const saved = await stripe.checkout.sessions.retrieve(save.id, { expand: ['setup_intent'] });
    expect(saved.setup_intent).toMatchObject({ status: 'succeeded', customer: customer.id });
    expect((await stripe.customers.listPaymentMethods(customer.id)).data).toHaveLength(1);
  });

  it('is completed exactly once, whoever is first', async () => {
    const price = await monthlyPrice(stripe);
    const session = await openCheckout(stripe, price.id, { customer_email: 'twice@example.com' });
    const body = JSON.stringify({
      email: 'twice@example.com',
      name: 'T',
      number: '4242424242424242',
      expiry: '12/39',
      cvc: '123',
    });
    const clicks = await Promise.all(
      Array.from({ length: 25 }, async (_unused, index) => {
        if (index % 5 === 0)
          return complete(session.id).then(
            () => 'control',
            () => 'refused',
          );
        if (index % 5 === 1)
          return stripe.checkout.sessions.expire(session.id).then(
            () => 'expired',
            () => 'refused',
          );
        const response = await fetch(`${under.sandbox.url}/c/pay/${session.id}`, { method: 'POST', body });
        return (await response.json()) as object;
      }),
    );
    const made = (under.sandbox.objects('subscription') as Stripe.Subscription[]).filter((row) => {
      const customer = under.sandbox.object('customer', row.customer as string) as Stripe.Customer;
      return customer.email === 'twice@example.com';
    });
    const after = await stripe.checkout.sessions.retrieve(session.id);
    const endings = (under.sandbox.objects('event') as Stripe.Event[]).filter(
      ({ type, data }) =>
        type.startsWith('checkout.session.') && (data.object as { id: string }).id === session.id,
    );
    expect(clicks).toHaveLength(25);
    expect(endings).toHaveLength(1);
    expect(made).toHaveLength(after.status === 'complete' ? 1 : 0);
  });

  it('expires by call or by time, and can not be paid then', async () => {
    const price = await monthlyPrice(stripe);
    const first = await openCheckout(stripe, price.id);
    expect((await stripe.checkout.sessions.expire(first.id)).status).toBe('expired');
    await expect(stripe.checkout.sessions.expire(first.id)).rejects.toMatchObject({ statusCode: 400 });
    await expect(complete(first.id)).rejects.toThrow(/expired/);

    const second = await openCheckout(stripe, price.id, {
      expires_at: Math.floor(under.sandbox.now().getTime() / 1000) + 1860,
    });
    under.sandbox.advance(31 * 60_000 + 1000);
    expect((await stripe.checkout.sessions.retrieve(second.id)).status).toBe('expired');
    expect(typesSince(0).filter((type) => type === 'checkout.session.expired')).toHaveLength(2);
    const page = await fetch(`${under.sandbox.url}/c/pay/${second.id}`);
    expect(page.status).toBe(410);
    expect(await page.text()).toContain('expired');
  });

  it('cancels the payment that was tried when it expires', async () => {
    const session = await openCheckout(stripe, (await monthlyPrice(stripe)).id);
    await complete(session.id, 'decline');
    const before = eventCount();
    await stripe.checkout.sessions.expire(session.id);
    expect(typesSince(before)).toEqual(['payment_intent.canceled', 'checkout.session.expired']);
  });

  it('fails the next charges of a card on demand', async () => {
    const price = await monthlyPrice(stripe);
    const customer = await stripe.customers.create({ name: 'Later trouble' });
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    const told = await fetch(`${under.sandbox.url}/_sandbox/payment_methods/${card.id}/fail_next`, {
      method: 'POST',
      body: JSON.stringify({ times: 1, code: 'insufficient_funds' }),
    });
    expect(told.status).toBe(200);
    const order = { customer: customer.id, items: [{ price: price.id }], default_payment_method: card.id };
    const first = await stripe.subscriptions.create({ ...order, expand: ['latest_invoice.payments'] });
    expect(first.status).toBe('incomplete');
    const payment = (first.latest_invoice as Stripe.Invoice).payments?.data[0]?.payment
      .payment_intent as string;
    const intent = await stripe.paymentIntents.retrieve(payment);
    expect(intent.last_payment_error).toMatchObject({ decline_code: 'insufficient_funds' });
    expect((await stripe.invoices.pay((first.latest_invoice as Stripe.Invoice).id)).status).toBe('paid');
  });

  it('asks for 3-D Secure on an invoice and goes on when it was passed', async () => {
    const price = await monthlyPrice(stripe);
    const customer = await stripe.customers.create({ name: 'Careful bank' });
    const card = await stripe.paymentMethods.attach('pm_card_authenticationRequired', {
      customer: customer.id,
    });
    const subscription = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      default_payment_method: card.id,
      expand: ['latest_invoice.payments'],
    });
    expect(subscription.status).toBe('incomplete');
    const intent = (subscription.latest_invoice as Stripe.Invoice).payments?.data[0]?.payment
      .payment_intent as string;
    expect((await stripe.paymentIntents.retrieve(intent)).status).toBe('requires_action');
    const passed = await fetch(`${under.sandbox.url}/_sandbox/payment_intents/${intent}/authenticate`, {
      method: 'POST',
    });
    expect(await passed.json()).toMatchObject({ status: 'succeeded' });
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('active');
  });
});
