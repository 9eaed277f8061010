import type Stripe from 'stripe';
import { monthlyPrice, openCheckout, sandboxUnderTest, type SandboxUnderTest } from './harness';

describe('the hosted checkout page', () => {
  let under: SandboxUnderTest;
  let stripe: Stripe;

  beforeAll(async () => {
    under = await sandboxUnderTest({ merchantName: 'Cats & <Dogs>' });
    stripe = under.stripe;
  }, 60_000);
  afterAll(() => under.close());

  const card = {
    email: 'payer@example.com',
    name: 'Ada',
    number: '4242 4242 4242 4242',
    expiry: '12 / 39',
    cvc: '123',
  };
  const call = async (session: Stripe.Checkout.Session, path: string, body: object, method = 'POST') => {
    const response = await fetch(`${session.url}${path}`, { method, body: JSON.stringify(body) });
    return (await response.json()) as {
      redirect?: string;
      requires_action?: boolean;
      summary?: string;
      button?: string;
      error?: { message: string; field?: string; code?: string };
    };
  };

  it('shows the order and escapes everything', async () => {
    const price = await monthlyPrice(stripe, 2900, '<img src=x onerror=alert(1)>');
    const session = await openCheckout(stripe, price.id, { line_items: [{ price: price.id, quantity: 3 }] });
    const response = await fetch(session.url as string);
    const page = await response.text();
    expect(response.status).toBe(200);
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(page).not.toContain('<img');
    expect(page).toContain('Cats &amp; &lt;Dogs&gt;');
    expect(page).toContain('$87.00');
    expect(page).toContain('$29.00 each');
    expect(page).toContain('TEST MODE');
    expect(page).toContain('href="https://shop.example/plans"');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page).not.toMatch(/(src|href)="(?!https:\/\/shop\.example)/);
  });

  it('pays, and sends the payer back with the session id', async () => {
    const session = await openCheckout(stripe, (await monthlyPrice(stripe)).id);
    const paid = await call(session, '', card);
    expect(paid.redirect).toBe(`https://shop.example/return?session_id=${session.id}`);
    expect((await stripe.checkout.sessions.retrieve(session.id)).customer_details).toMatchObject({
      email: card.email,
      name: 'Ada',
    });
    expect((await call(session, '', card)).redirect).toBe(paid.redirect);
    const page = await fetch(session.url as string);
    expect(await page.text()).toContain('already complete');
  });

  it.each([
    [{ email: '' }, 'email'],
    [{ email: 'ada' }, 'email'],
    [{ number: '' }, 'number'],
    [{ number: '4242424242424241' }, 'number'],
    [{ expiry: '13/39' }, 'expiry'],
    [{ expiry: '01/20' }, 'expiry'],
    [{ cvc: '1' }, 'cvc'],
    [{ name: ' ' }, 'name'],
  ])('asks again for %j', async (mistake, field) => {
    const session = await openCheckout(stripe, (await monthlyPrice(stripe)).id);
    const refused = await call(session, '', { ...card, ...mistake });
    expect(refused.error).toMatchObject({ field });
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('open');
  });

  it('shows a decline and lets the payer try again', async () => {
    const session = await openCheckout(stripe, (await monthlyPrice(stripe)).id);
    const declined = await call(session, '', { ...card, number: '4000000000009995' });
    expect(declined.error).toMatchObject({
      code: 'card_declined',
      message: expect.stringContaining('insufficient funds'),
    });
    expect((await call(session, '', card)).redirect).toContain(session.id);
  });

  it('goes through 3-D Secure, failed and passed', async () => {
    const session = await openCheckout(stripe, (await monthlyPrice(stripe)).id);
    const careful = { ...card, number: '4000000000003220' };
    expect((await call(session, '/authenticate', { result: 'complete' })).error).toBeDefined();
    expect((await call(session, '', careful)).requires_action).toBe(true);
    expect((await call(session, '/authenticate', { result: 'fail' })).error?.message).toContain(
      'unable to authenticate',
    );
    expect((await call(session, '', careful)).requires_action).toBe(true);
    expect((await call(session, '/authenticate', { result: 'complete' })).redirect).toContain(session.id);
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('complete');
  });

  it('takes and removes a promotion code', async () => {
    const coupon = await stripe.coupons.create({ percent_off: 25, duration: 'forever' });
    await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: coupon.id }, code: 'CATS25' });
    const session = await openCheckout(stripe, (await monthlyPrice(stripe, 4000)).id, {
      allow_promotion_codes: true,
    });
    expect((await call(session, '/promotion_code', { code: 'nope' })).error?.message).toBe(
      'This code is invalid.',
    );
    const applied = await call(session, '/promotion_code', { code: 'cats25' });
    expect(applied.summary).toContain('$30.00');
    expect((await stripe.checkout.sessions.retrieve(session.id)).amount_total).toBe(3000);
    await call(session, '/promotion_code', {}, 'DELETE');
    expect((await stripe.checkout.sessions.retrieve(session.id)).amount_total).toBe(4000);
    await call(session, '/promotion_code', { code: 'CATS25' });
    await call(session, '', card);
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['invoice'] });
    expect(done.invoice).toMatchObject({ amount_paid: 3000 });

    const closed = await openCheckout(stripe, (await monthlyPrice(stripe)).id);
    expect((await call(closed, '/promotion_code', { code: 'CATS25' })).error?.message).toMatch(
      /no promotion codes/,
    );
  });

  it('needs no card when nothing is due and none is asked for', async () => {
    const session = await openCheckout(stripe, (await monthlyPrice(stripe)).id, {
      subscription_data: { trial_period_days: 7 },
      payment_method_collection: 'if_required',
    });
    const page = await (await fetch(session.url as string)).text();
    expect(page).toContain('Start trial');
    expect(page).toContain('7 days free');
    expect(page).not.toContain('cc-number');
    await call(session, '', { email: card.email });
    const done = await stripe.checkout.sessions.retrieve(session.id, { expand: ['subscription'] });
    expect(done.subscription).toMatchObject({ status: 'trialing', default_payment_method: null });
  });

  it('says so when there is no such checkout', async () => {
    const page = await fetch(`${under.sandbox.url}/c/pay/cs_test_nowhere`);
    expect(page.status).toBe(404);
    expect(await page.text()).toContain('Unknown checkout');
  });
});
