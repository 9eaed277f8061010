import Stripe from 'stripe';
import { startTestService, type TestService, type TestTenant } from '../support/service';

let service: TestService;
let stripe: Stripe;
let plan: { id: string; stripe_product_id: string; stripe_price_id: string };
let tenant: TestTenant;

beforeAll(async () => {
  service = await startTestService();
  const { hostname, port } = new URL(service.stripe.url);
  stripe = new Stripe(service.stripe.secretKey, { host: hostname, port: Number(port), protocol: 'http' });
  plan = await service.makePlan({ amount: 2900 });
});
afterAll(() => service.close());
beforeEach(async () => {
  await service.stripeIsBack();
  tenant = await service.makeTenant();
});

const open = (body: Record<string, unknown>, who = tenant, on: Pick<TestService, 'api'> = service) =>
  on.api('POST', '/v1/billings/subscription/checkout', { key: who.key, body });
const subscription = async (who = tenant) =>
  (await service.api('GET', '/v1/billings/subscription', { key: who.key })).body;
const customersOf = (who: TestTenant) =>
  (service.stripe.objects('customer') as Stripe.Customer[]).filter(
    (customer) => customer.metadata?.tenantId === who.id,
  );
const sessionsOf = (who: TestTenant) =>
  (service.stripe.objects('checkout.session') as Stripe.Checkout.Session[]).filter(
    (session) => session.metadata?.tenantId === who.id,
  );

describe('a paid plan', () => {
  it('opens a hosted session and changes nothing until the webhook says so', async () => {
    const { status, body } = await open({ plan_id: plan.id, user_id: 'user-7' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: expect.stringMatching(/^cs_/), status: 'open', plan_id: plan.id });
    expect(body.url).toContain(service.stripe.url);
    expect(new Date(body.expires_at).getTime()).toBeGreaterThan(Date.now());
    const session = service.stripe.object('checkout.session', body.id) as Stripe.Checkout.Session;
    expect(session.metadata).toEqual({ tenantId: tenant.id, planId: plan.id, userId: 'user-7' });
    expect(await subscription()).toMatchObject({ status: 'NONE', stripe_subscription_id: null });
    expect(
      await service.rows('select 1 from billings where tenant_id = $1 and status <> $2', [tenant.id, 'NONE']),
    ).toEqual([]);
  });

  it('makes the tenant active when the signed webhook arrives: items, trial, audit, events, mail, each once', async () => {
    await service.subscribe(tenant, plan.id);
    await service.settle();
    const active = await subscription();
    expect(active).toMatchObject({
      status: 'ACTIVE',
      plan: { id: plan.id, amount: 2900, currency: 'usd' },
      quantity: 1,
      cancel_at_period_end: false,
      payment_status: 'PAID',
      trial: { active: false },
      next_invoice: { amount: 2900, currency: 'usd' },
      stripe: { status: 'active', stale: false },
      entitlements: { source: 'subscription', plan_id: plan.id },
      billing_mode: 'flexible',
    });
    expect(active.items).toHaveLength(1);
    expect(active.items[0]).toMatchObject({ price_id: plan.stripe_price_id, quantity: 1, is_metered: false });

    await service.settle();
    const events = await service.rows<{ type: string; n: string }>(
      `select type, count(*) as n from outbox where tenant_id = $1 and type like 'subscription.%' group by type order by type`,
      [tenant.id],
    );
    expect(events).toEqual([
      { type: 'subscription.changed', n: '1' },
      { type: 'subscription.created', n: '1' },
    ]);
    const audit = await service.rows<{ action: string }>(
      `select action from audit_logs where tenant_id = $1 order by sequence`,
      [tenant.id],
    );
    const actions = audit.map((row) => row.action);
    for (const action of [
      'STRIPE_CUSTOMER_CREATED',
      'CHECKOUT_OPENED',
      'SUBSCRIPTION_UPDATED',
      'CHECKOUT_COMPLETED',
    ])
      expect(actions.filter((found) => found === action)).toHaveLength(1);
    const mails = await service.rows(
      `select type from notifications where tenant_id = $1 and type = 'receipt'`,
      [tenant.id],
    );
    expect(mails).toHaveLength(1);
    const [row] = await service.rows<{ status: string; trial_converted_at: Date | null }>(
      `select status, trial_converted_at from tenants where id = $1`,
      [tenant.id],
    );
    expect(row).toMatchObject({ status: 'ACTIVE', trial_converted_at: expect.any(Date) });
  });

  it('tells how the checkout stands: open, then complete', async () => {
    const { body } = await open({ plan_id: plan.id });
    const look = async (key = tenant.key) =>
      (await service.api('GET', `/v1/billings/subscription/checkout/${body.id}`, { key })).body;
    expect(await look()).toEqual(body);
    await service.stripe.completeCheckout(body.id, 'success');
    await service.until(async () => (await look()).status === 'complete');
    expect(await look()).toMatchObject({ status: 'complete', url: null });
    const stranger = await service.makeTenant();
    expect(await look(stranger.key)).toMatchObject({ code: 'not_found' });
  });

  it('stays inactive after a decline, and can be paid on the second try', async () => {
    const { body } = await open({ plan_id: plan.id });
    await service.stripe.completeCheckout(body.id, 'decline');
    await service.settle();
    expect(await subscription()).toMatchObject({ status: 'NONE' });
    await service.stripe.completeCheckout(body.id, 'success');
    await service.until(async () => (await subscription()).status === 'ACTIVE');
  });

  it('becomes active only after 3-D Secure was passed', async () => {
    const { body } = await open({ plan_id: plan.id });
    await service.stripe.completeCheckout(body.id, 'requires_action');
    await service.settle();
    expect(await subscription()).toMatchObject({ status: 'NONE' });
    await service.stripe.completeCheckout(body.id, 'success');
    await service.until(async () => (await subscription()).status === 'ACTIVE');
  });

  it('refuses a second subscription and says where to change the first', async () => {
    await service.subscribe(tenant, plan.id);
    const { status, body } = await open({ plan_id: plan.id });
    expect(status).toBe(409);
    expect(body).toMatchObject({
      code: 'subscription_exists',
      upgrade_url: expect.stringContaining('upgrade'),
    });
  });
});

describe('one session per tenant', () => {
  it('hands out the open session again for the same wish', async () => {
    const first = await open({ plan_id: plan.id });
    const second = await open({ plan_id: plan.id });
    expect(second.status).toBe(201);
    expect(second.body).toEqual(first.body);
  });

  it('closes the open session when the wish is another one', async () => {
    const first = await open({ plan_id: plan.id, quantity: 1 });
    const second = await open({ plan_id: plan.id, quantity: 3 });
    expect(second.body.id).not.toBe(first.body.id);
    expect(sessionsOf(tenant).filter((session) => session.status === 'open')).toHaveLength(1);
    const { body } = await service.api('GET', `/v1/billings/subscription/checkout/${first.body.id}`, {
      key: tenant.key,
    });
    expect(body).toMatchObject({ status: 'expired', url: null });
  });

  it('makes one customer and one open session out of 200 concurrent checkouts over two replicas', async () => {
    const replica = await service.replica();
    try {
      const before = service.stripe.requests().length;
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, at) =>
          open({ plan_id: plan.id }, tenant, at % 2 ? replica : service),
        ),
      );
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
      expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
      expect(customersOf(tenant)).toHaveLength(1);
      expect(sessionsOf(tenant)).toHaveLength(1);
      const writes = service.stripe
        .requests()
        .slice(before)
        .filter((request) => request.method === 'POST');
      expect(writes.map((request) => request.path).sort()).toEqual([
        '/v1/checkout/sessions',
        '/v1/customers',
      ]);
      expect(await subscription()).toMatchObject({ status: 'NONE' });
    } finally {
      await replica.stop();
    }
  });

  it('survives calls that Stripe executed but never answered', async () => {
    service.stripe.setFaults({ cut_after_execute: 0.5, seed: 11 });
    for (let attempt = 0; attempt < 10; attempt++) {
      const { status } = await open({ plan_id: plan.id });
      if (status === 201) break;
      expect(status).toBe(503);
    }
    await service.stripeIsBack();
    expect((await open({ plan_id: plan.id })).status).toBe(201);
    expect(customersOf(tenant)).toHaveLength(1);
    expect(sessionsOf(tenant).filter((session) => session.status === 'open')).toHaveLength(1);
  });

  it('is not stuck on a failure that Stripe repeats under its key for a day', async () => {
    service.stripe.setFaults({ status: { '500': 1 } });
    expect((await open({ plan_id: plan.id })).status).toBe(503);
    await service.stripeIsBack();
    expect((await open({ plan_id: plan.id })).status).toBe(201);
    // The same for the session, once the customer is there.
    service.stripe.setFaults({ status: { '500': 1 } });
    expect((await open({ plan_id: plan.id, quantity: 2 })).status).toBe(503);
    await service.stripeIsBack();
    expect((await open({ plan_id: plan.id, quantity: 2 })).status).toBe(201);
    expect(customersOf(tenant)).toHaveLength(1);
    expect(sessionsOf(tenant).filter((session) => session.status === 'open')).toHaveLength(1);
  });

  it('answers 503 while Stripe is down, leaves nothing half-done, and goes on afterwards', async () => {
    service.stripe.setFaults({ outage: true });
    const refused = await open({ plan_id: plan.id });
    expect(refused.status).toBe(503);
    expect(refused.body.code).toBe('stripe_unavailable');
    expect(refused.headers.get('retry-after')).toBeTruthy();
    expect((await service.api('GET', '/v1/billings/subscription', { key: tenant.key })).status).toBe(200);
    await service.stripeIsBack();
    expect((await open({ plan_id: plan.id })).status).toBe(201);
    expect(customersOf(tenant)).toHaveLength(1);
  });

  it('resumes a session whose maker died, under the same key', async () => {
    const { body } = await open({ plan_id: plan.id });
    // As if the process had died after Stripe made the session and before we wrote its id down.
    await service.rows(
      `update checkout_sessions set state = 'creating', stripe_session_id = null, url = null, locked_until = 'epoch'
       where tenant_id = $1`,
      [tenant.id],
    );
    const again = await open({ plan_id: plan.id });
    expect(again.status).toBe(201);
    expect(again.body.id).toBe(body.id);
    expect(sessionsOf(tenant)).toHaveLength(1);
  });
});

describe('a free plan', () => {
  it('is in force at once, without Stripe, and says so', async () => {
    const free = await service.makePlan({ amount: 0, limits: { campaigns: 1 } });
    const before = service.stripe.requests().length;
    const { status, body } = await open({ plan_id: free.id });
    expect(status).toBe(201);
    expect(body).toEqual({ id: null, url: null, expires_at: null, status: 'active', plan_id: free.id });
    expect(service.stripe.requests().length).toBe(before);
    expect(await subscription()).toMatchObject({
      status: 'FREE',
      plan: { id: free.id },
      stripe: { status: null },
    });
    const changed = await service.rows(
      `select 1 from outbox where tenant_id = $1 and type = 'subscription.changed'`,
      [tenant.id],
    );
    expect(changed).toHaveLength(1);
    expect((await open({ plan_id: free.id })).status).toBe(201);
  });

  it('can be left for a paid one by checkout', async () => {
    const free = await service.makePlan({ amount: 0 });
    await open({ plan_id: free.id });
    expect(await service.subscribe(tenant, plan.id)).toMatchObject({
      status: 'ACTIVE',
      plan: { id: plan.id },
    });
  });
});

describe('a plan paid by invoice', () => {
  it('starts one subscription without a page, however often it is asked for, active when Stripe says so', async () => {
    const invoiced = await service.makePlan({
      tenant_id: tenant.id,
      manual_invoicing: true,
      days_until_due: 14,
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => open({ plan_id: invoiced.id })));
    for (const answer of answers) expect([201, 409]).toContain(answer.status);
    expect(answers.find((answer) => answer.status === 201)!.body).toEqual({
      id: null,
      url: null,
      expires_at: null,
      status: 'invoiced',
      plan_id: invoiced.id,
    });
    await service.until(async () => (await subscription()).status === 'ACTIVE');
    const started = (service.stripe.objects('subscription') as Stripe.Subscription[]).filter(
      (found) => found.metadata.tenantId === tenant.id,
    );
    expect(started).toHaveLength(1);
    expect(started[0]).toMatchObject({ collection_method: 'send_invoice', days_until_due: 14 });
    const stranger = await service.makeTenant();
    expect((await open({ plan_id: invoiced.id }, stranger)).status).toBe(404);
  });
});

describe('codes', () => {
  const refusal = async (coupon: string) => {
    const { status, body } = await open({ plan_id: plan.id, coupon });
    expect(status).toBe(422);
    expect(body.code).toBe('coupon_invalid');
    return body.reason;
  };

  it('takes a promotion code off the first invoice', async () => {
    const coupon = await stripe.coupons.create({ percent_off: 50, duration: 'once' });
    await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id }, code: 'HALF' });
    const { status, body } = await open({ plan_id: plan.id, coupon: 'HALF' });
    expect(status).toBe(201);
    const session = service.stripe.object('checkout.session', body.id) as Stripe.Checkout.Session;
    expect(session.amount_total).toBe(1450);
  });

  it('says why a code is refused: unknown, expired, exhausted, not for this plan', async () => {
    expect(await refusal('NOSUCH')).toBe('unknown');
    const coupon = await stripe.coupons.create({ percent_off: 10, duration: 'once' });
    const soon = Math.floor(Date.now() / 1000) + 2;
    await stripe.promotionCodes.create({
      promotion: { type: 'coupon', coupon: coupon.id },
      code: 'OLD',
      expires_at: soon,
    });
    const other = await stripe.products.create({ name: 'Other' });
    const foreign = await stripe.coupons.create({
      percent_off: 10,
      duration: 'once',
      applies_to: { products: [other.id] },
    });
    expect(await refusal(foreign.id)).toBe('not_for_this_plan');
    const once = await stripe.coupons.create({ percent_off: 10, duration: 'once', max_redemptions: 1 });
    const lucky = await service.makeTenant();
    const first = await open({ plan_id: plan.id, coupon: once.id }, lucky);
    await service.stripe.completeCheckout(first.body.id, 'success');
    expect(await refusal(once.id)).toBe('exhausted');
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, soon * 1000 - Date.now() + 50)));
    expect(await refusal('OLD')).toBe('expired');
  });
});

describe('several items', () => {
  it('recognises a metered price and sends it without a quantity', async () => {
    const meter = await stripe.billing.meters.create({
      display_name: 'Calls',
      event_name: `calls_${Date.now()}`,
      default_aggregation: { formula: 'sum' },
    });
    const product = await stripe.products.create({ name: 'Calls' });
    const metered = await stripe.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount: 1,
      recurring: { interval: 'month', usage_type: 'metered', meter: meter.id },
    });
    const seats = await stripe.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount: 500,
      recurring: { interval: 'month' },
    });
    const wish = { plan_id: plan.id, items: [{ price_id: metered.id }, { price_id: seats.id, quantity: 4 }] };
    const { status, body } = await open(wish);
    expect(status).toBe(201);
    await service.stripe.completeCheckout(body.id, 'success');
    await service.until(async () => (await subscription()).status === 'ACTIVE');
    const { items } = await subscription();
    expect(items).toHaveLength(3);
    expect(items.find((item: { price_id: string }) => item.price_id === metered.id)).toMatchObject({
      is_metered: true,
      quantity: null,
      meter_id: meter.id,
    });
    expect(items.find((item: { price_id: string }) => item.price_id === seats.id)).toMatchObject({
      quantity: 4,
    });

    const other = await service.makeTenant();
    const refused = await open({ plan_id: plan.id, items: [{ price_id: metered.id, quantity: 2 }] }, other);
    expect(refused.status).toBe(400);
  });

  it('refuses mixed currencies and intervals, doubled and foreign prices', async () => {
    const yearly = await service.makePlan({ interval: 'year', amount: 29000 });
    const euros = await service.makePlan({ currency: 'eur' });
    const stranger = await service.makeTenant();
    const theirs = await service.makePlan({ tenant_id: stranger.id });
    const attempt = async (item: Record<string, unknown>) => {
      const { status, body } = await open({ plan_id: plan.id, items: [item] });
      return `${status} ${body.code}`;
    };
    expect(await attempt({ plan_id: yearly.id })).toBe('422 checkout_items_invalid');
    expect(await attempt({ plan_id: euros.id })).toBe('422 checkout_items_invalid');
    expect(await attempt({ plan_id: plan.id })).toBe('422 checkout_items_invalid');
    expect(await attempt({ plan_id: theirs.id })).toBe('404 plan_not_found');
    expect(await attempt({ price_id: theirs.stripe_price_id })).toBe('404 price_not_found');
    expect(await attempt({ price_id: 'price_nosuch' })).toBe('404 price_not_found');
    expect(await attempt({})).toBe('400 validation_failed');
  });
});

describe('what may not be bought', () => {
  it('does not find inactive, unknown and foreign enterprise plans', async () => {
    const stranger = await service.makeTenant();
    const theirs = await service.makePlan({ tenant_id: stranger.id });
    const gone = await service.makePlan();
    await service.admin('DELETE', `/v1/admin/plans/${gone.id}`);
    for (const planId of [theirs.id, gone.id, '01890000-0000-7000-8000-000000000000']) {
      const { status, body } = await open({ plan_id: planId });
      expect({ status, code: body.code }).toEqual({ status: 404, code: 'plan_not_found' });
    }
    expect((await open({ plan_id: theirs.id }, stranger)).status).toBe(201);
  });

  it('sends people back only to allowed origins', async () => {
    const attempt = (success_url: string) => open({ plan_id: plan.id, success_url });
    expect((await attempt('https://app.example.test/done?id={CHECKOUT_SESSION_ID}')).status).toBe(201);
    for (const url of [
      'https://evil.example/done',
      'https://app.example.test.evil.example/',
      'https://app.example.test@evil.example/',
      'javascript:alert(1)',
      '//evil.example',
      'https://user:pass@app.example.test/',
      'ftp://app.example.test/',
      'https://app.example.test:8443/',
    ]) {
      const { status, body } = await attempt(url);
      expect({ url, status, code: body.code }).toEqual({ url, status: 422, code: 'redirect_not_allowed' });
    }
  });
});

describe('bad input changes nothing and says what is wrong', () => {
  const cases: [string, unknown, string][] = [
    ['no body', undefined, '/plan_id'],
    ['no plan', {}, '/plan_id'],
    ['plan id is no UUID', { plan_id: 'pro' }, '/plan_id'],
    ['plan id is a number', { plan_id: 7 }, '/plan_id'],
    ['quantity 0', { quantity: 0 }, '/quantity'],
    ['quantity negative', { quantity: -1 }, '/quantity'],
    ['quantity fraction', { quantity: 1.5 }, '/quantity'],
    ['quantity text', { quantity: '1' }, '/quantity'],
    ['quantity huge', { quantity: 1e9 }, '/quantity'],
    ['a price of my choosing', { amount: 1 }, '/amount'],
    ['a currency of my choosing', { currency: 'jpy' }, '/currency'],
    ['a trial of my choosing', { trial_end: 1 }, '/trial_end'],
    ['a discount of my choosing', { discounts: [] }, '/discounts'],
    ['another tenant', { tenantId: 'x' }, '/tenantId'],
    ['coupon with odd characters', { coupon: '../../customers' }, '/coupon'],
    ['coupon empty', { coupon: '' }, '/coupon'],
    ['items not a list', { items: 'x' }, '/items'],
    ['items empty', { items: [] }, '/items'],
    ['items too many', { items: Array.from({ length: 20 }, () => ({ price_id: 'price_a' })) }, '/items'],
    ['item with a bad price id', { items: [{ price_id: 'plan_x' }] }, '/items/0/price_id'],
    ['item with an unknown field', { items: [{ price_id: 'price_a', amount: 1 }] }, '/items/0/amount'],
    ['success_url a number', { success_url: 5 }, '/success_url'],
    [
      'success_url very long',
      { success_url: `https://app.example.test/${'a'.repeat(3000)}` },
      '/success_url',
    ],
    ['user_id with spaces', { user_id: 'a b' }, '/user_id'],
  ];

  it.each(cases)('%s', async (_name, body, pointer) => {
    const complete = body && typeof body === 'object' && Object.keys(body).length > 0 && !('plan_id' in body);
    const answer = await open(
      (complete ? { plan_id: plan.id, ...(body as object) } : body) as Record<string, unknown>,
    );
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'validation_failed' });
    if (body !== undefined)
      expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
    expect(sessionsOf(tenant)).toEqual([]);
  });
});

describe('idempotency', () => {
  it('replays the first answer byte for byte and refuses another body', async () => {
    const request = (body: unknown) =>
      service.api('POST', '/v1/billings/subscription/checkout', {
        key: tenant.key,
        body,
        headers: { 'idempotency-key': 'checkout-1' },
      });
    const first = await request({ plan_id: plan.id });
    const again = await request({ plan_id: plan.id });
    expect(again.text).toBe(first.text);
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await request({ plan_id: plan.id, quantity: 2 })).body.code).toBe('idempotency_key_reused');
  });
});
