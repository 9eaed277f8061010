import type Stripe from 'stripe';
import { billingUnderTest, DAY, firstItem, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

describe('changes of a subscription in the Stripe sandbox', () => {
  let under: BillingUnderTest;
  let stripe: Stripe;

  beforeEach(async () => {
    under = await billingUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterEach(() => under.close());

  /** Ten-day periods make round numbers. */
  const tenDays = (amount: number, more: Partial<Stripe.PriceCreateParams> = {}) =>
    under.price(amount, { recurring: { interval: 'day', interval_count: 10 }, ...more });

  const amounts = (invoice: Stripe.Invoice | undefined) => invoice?.lines.data.map(({ amount }) => amount);

  async function halfway(made: Stripe.Subscription): Promise<number> {
    const at = firstItem(made).current_period_start + 5 * DAY;
    await under.goTo(at);
    return at;
  }

  it('credit what was debited and debit the rest, to the second, and bill it with the next renewal', async () => {
    const [small, large] = [await tenDays(1000), await tenDays(3000)];
    const made = await under.subscribe([{ price: small.id }]);
    const at = await halfway(made);
    const changed = await stripe.subscriptions.update(made.id, {
      items: [{ id: firstItem(made).id, price: large.id }],
      proration_date: at,
    });
    expect(periodEnd(changed)).toBe(periodEnd(made));
    expect(await under.invoicesOf(made.id)).toHaveLength(1);
    const pending = (await stripe.invoiceItems.list({ customer: made.customer as string, pending: true }))
      .data;
    expect(pending.map(({ amount, discountable, proration }) => [amount, discountable, proration])).toEqual([
      [1500, false, true],
      [-500, false, true],
    ]);
    expect(pending[1]).toMatchObject({
      description: expect.stringMatching(/^Unused time on Growth after \d+ \w{3} \d{4}$/),
      period: { start: at, end: periodEnd(made) },
      proration_details: {
        credited_items: {
          type: 'invoice_line_items',
          invoice_line_item_details: { invoice: made.latest_invoice },
        },
      },
    });
    await under.goTo(periodEnd(made) + HOUR);
    const renewal = (await under.invoicesOf(made.id))[1];
    expect(amounts(renewal)).toEqual([-500, 1500, 3000]);
    expect(renewal).toMatchObject({ total: 4000, status: 'paid' });
    expect(renewal!.lines.data[0]!.parent?.subscription_item_details).toMatchObject({
      proration: true,
      subscription_item: firstItem(made).id,
    });
  });

  it('are invoiced and charged at once with always_invoice', async () => {
    const [small, large] = [await tenDays(1000), await tenDays(3000)];
    const made = await under.subscribe([{ price: small.id }]);
    const at = await halfway(made);
    const changed = await stripe.subscriptions.update(made.id, {
      items: [{ id: firstItem(made).id, price: large.id }],
      proration_behavior: 'always_invoice',
      proration_date: at,
      expand: ['latest_invoice'],
    });
    expect(changed.latest_invoice).toMatchObject({
      status: 'paid',
      total: 1000,
      billing_reason: 'subscription_update',
    });
    expect(await under.invoicesOf(made.id)).toHaveLength(2);
  });

  it('give one credit per debit: quantities changed twice come out as if each second was paid for', async () => {
    const price = await tenDays(1000);
    const made = await under.subscribe([{ price: price.id, quantity: 3 }]);
    const start = firstItem(made).current_period_start;
    const setTo = async (quantity: number, at: number) => {
      await under.goTo(at);
      await stripe.subscriptions.update(made.id, {
        items: [{ id: firstItem(made).id, quantity }],
        proration_date: at,
      });
    };
    await setTo(5, start + 2 * DAY);
    await setTo(1, start + 6 * DAY);
    await under.goTo(periodEnd(made) + HOUR);
    const renewal = (await under.invoicesOf(made.id))[1];
    expect(amounts(renewal)).toEqual([-2400, 4000, -2000, 400, 1000]);
    // 3 × 2 days + 5 × 4 days + 1 × 4 days = 30 seat-days, of which 30 were paid at the start.
    expect(renewal!.total - 1000).toBe(0);
  });

  it('credit the amount originally debited, after its discount, though the coupon is gone', async () => {
    const price = await tenDays(1000);
    const half = await stripe.coupons.create({ percent_off: 50, duration: 'once' });
    const made = await under.subscribe([{ price: price.id }], { discounts: [{ coupon: half.id }] });
    const at = await halfway(made);
    const other = await tenDays(2000);
    await stripe.subscriptions.update(made.id, {
      items: [{ id: firstItem(made).id, price: other.id }],
      proration_behavior: 'always_invoice',
      proration_date: at,
    });
    expect(amounts((await under.invoicesOf(made.id))[1])).toEqual([-250, 1000]);
  });

  it('take discounts into what is debited', async () => {
    const [small, large] = [await tenDays(1000), await tenDays(3000)];
    const coupon = await stripe.coupons.create({ percent_off: 20, duration: 'forever' });
    const made = await under.subscribe([{ price: small.id }], { discounts: [{ coupon: coupon.id }] });
    const at = await halfway(made);
    await stripe.subscriptions.update(made.id, {
      items: [{ id: firstItem(made).id, price: large.id }],
      proration_behavior: 'always_invoice',
      proration_date: at,
    });
    const invoice = (await under.invoicesOf(made.id))[1]!;
    expect(amounts(invoice)).toEqual([-400, 1200]);
    expect(invoice.total).toBe(800);
  });

  it('make nothing with proration_behavior none', async () => {
    const [small, large] = [await tenDays(1000), await tenDays(3000)];
    const made = await under.subscribe([{ price: small.id }]);
    await halfway(made);
    await stripe.subscriptions.update(made.id, {
      items: [{ id: firstItem(made).id, price: large.id }],
      proration_behavior: 'none',
    });
    await under.goTo(periodEnd(made) + HOUR);
    expect(amounts((await under.invoicesOf(made.id))[1])).toEqual([3000]);
  });

  it('begin a new cycle and bill at once when the interval changes', async () => {
    const monthly = await tenDays(1000);
    const yearly = await under.price(36_500, { recurring: { interval: 'year' } });
    const made = await under.subscribe([{ price: monthly.id }]);
    const at = await halfway(made);
    const changed = await stripe.subscriptions.update(made.id, {
      items: [{ id: firstItem(made).id, price: yearly.id }],
      proration_date: at,
    });
    expect(changed.billing_cycle_anchor).toBeGreaterThanOrEqual(at);
    expect(firstItem(changed).current_period_start).toBe(changed.billing_cycle_anchor);
    const invoice = (await under.invoicesOf(made.id))[1];
    expect(amounts(invoice)).toEqual([-500, 36_500]);
    expect(invoice).toMatchObject({ status: 'paid', total: 36_000 });
  });

  it('begin a new cycle without any credit when the interval changes with proration_behavior none', async () => {
    const monthly = await tenDays(1000);
    const yearly = await under.price(36_500, { recurring: { interval: 'year' } });
    const made = await under.subscribe([{ price: monthly.id }]);
    await halfway(made);
    const changed = await stripe.subscriptions.update(made.id, {
      items: [{ id: firstItem(made).id, price: yearly.id }],
      proration_behavior: 'none',
    });
    expect(changed.billing_cycle_anchor).toBeGreaterThan(made.billing_cycle_anchor);
    expect(amounts((await under.invoicesOf(made.id))[1])).toEqual([36_500]);
  });

  it('credit by the present price in classic billing mode', async () => {
    const price = await tenDays(1000);
    const half = await stripe.coupons.create({ percent_off: 50, duration: 'once' });
    const made = await under.subscribe([{ price: price.id }], {
      discounts: [{ coupon: half.id }],
      billing_mode: { type: 'classic' },
    });
    const at = await halfway(made);
    const other = await tenDays(2000);
    await stripe.subscriptions.update(made.id, {
      items: [{ id: firstItem(made).id, price: other.id }],
      proration_behavior: 'always_invoice',
      proration_date: at,
    });
    expect(amounts((await under.invoicesOf(made.id))[1])).toEqual([-500, 1000]);
  });

  it('change nothing but the discount when only a coupon is given', async () => {
    const price = await tenDays(1000);
    const made = await under.subscribe([{ price: price.id }]);
    await halfway(made);
    const coupon = await stripe.coupons.create({ percent_off: 50, duration: 'forever' });
    const changed = await stripe.subscriptions.update(made.id, { discounts: [{ coupon: coupon.id }] });
    expect(changed.discounts).toHaveLength(1);
    expect((await stripe.invoiceItems.list({ customer: made.customer as string })).data).toEqual([]);
    await under.goTo(periodEnd(made) + HOUR);
    expect((await under.invoicesOf(made.id)).at(-1)).toMatchObject({ subtotal: 1000, total: 500 });
  });

  it('begin a new cycle on demand, and when a free subscription is to be paid', async () => {
    const [free, paid] = [await tenDays(0), await tenDays(1000)];
    const made = await under.subscribe([{ price: free.id }]);
    await halfway(made);
    const upgraded = await stripe.subscriptions.update(made.id, {
      items: [{ id: firstItem(made).id, price: paid.id }],
    });
    expect(upgraded.billing_cycle_anchor).toBeGreaterThan(made.billing_cycle_anchor);
    expect((await under.invoicesOf(made.id)).at(-1)).toMatchObject({ total: 1000, status: 'paid' });
    await under.goTo(upgraded.billing_cycle_anchor + 2 * DAY);
    const reset = await stripe.subscriptions.update(made.id, { billing_cycle_anchor: { type: 'now' } });
    expect(reset.billing_cycle_anchor).toBeGreaterThanOrEqual(upgraded.billing_cycle_anchor + 2 * DAY);
    expect(amounts((await under.invoicesOf(made.id)).at(-1))?.[1]).toBe(1000);
  });

  it('add and remove items, by update and by their own routes', async () => {
    const [base, seat, extra] = [await tenDays(1000), await tenDays(200), await tenDays(500)];
    const made = await under.subscribe([{ price: base.id }]);
    const at = await halfway(made);
    const item = await stripe.subscriptionItems.create({
      subscription: made.id,
      price: seat.id,
      quantity: 4,
      proration_behavior: 'always_invoice',
      proration_date: at,
    });
    expect(item).toMatchObject({ quantity: 4, current_period_end: periodEnd(made) });
    expect((await under.invoicesOf(made.id)).at(-1)?.total).toBe(400);
    const more = await stripe.subscriptionItems.update(item.id, {
      quantity: 6,
      proration_behavior: 'always_invoice',
      proration_date: at,
    });
    expect(more.quantity).toBe(6);
    expect((await under.invoicesOf(made.id)).at(-1)?.total).toBe(200);
    expect(
      await stripe.subscriptionItems.del(item.id, {
        proration_behavior: 'always_invoice',
        proration_date: at,
      }),
    ).toEqual(expect.objectContaining({ id: item.id, deleted: true }));
    const credit = (await under.invoicesOf(made.id)).at(-1);
    expect(credit).toMatchObject({ total: -600, amount_due: 0, ending_balance: -600, status: 'paid' });
    expect(await stripe.customers.retrieve(made.customer as string)).toMatchObject({ balance: -600 });
    const swapped = await stripe.subscriptions.update(made.id, {
      items: [{ price: extra.id }, { id: firstItem(made).id, deleted: true }],
      proration_behavior: 'none',
    });
    expect(swapped.items.data.map(({ price }) => price.id)).toEqual([extra.id]);
    await expect(
      stripe.subscriptions.update(made.id, { items: [{ id: swapped.items.data[0]!.id, deleted: true }] }),
    ).rejects.toThrow(/at least one/);
  });

  it('refuse a proration date outside of the period', async () => {
    const price = await tenDays(1000);
    const made = await under.subscribe([{ price: price.id }]);
    const items = [{ id: firstItem(made).id, quantity: 2 }];
    await expect(
      stripe.subscriptions.update(made.id, { items, proration_date: periodEnd(made) + 1 }),
    ).rejects.toMatchObject({ param: 'proration_date', statusCode: 400 });
  });

  describe('that must be paid', () => {
    async function withRefusingCard() {
      const [small, large] = [await tenDays(1000), await tenDays(3000)];
      const made = await under.subscribe([{ price: small.id }]);
      const customer = (await stripe.customers.retrieve(made.customer as string)) as Stripe.Customer;
      const card = customer.invoice_settings.default_payment_method as string;
      await halfway(made);
      await under.control(`/payment_methods/${card}/fail_next`, { times: 1, code: 'insufficient_funds' });
      const change = (payment_behavior: Stripe.SubscriptionUpdateParams.PaymentBehavior) =>
        stripe.subscriptions.update(made.id, {
          items: [{ id: firstItem(made).id, price: large.id }],
          proration_behavior: 'always_invoice',
          payment_behavior,
        });
      return { made, small, large, change };
    }

    it('allow_incomplete: applied, and past due until paid', async () => {
      const { made, large, change } = await withRefusingCard();
      expect(await change('allow_incomplete')).toMatchObject({ status: 'past_due' });
      const invoice = (await under.invoicesOf(made.id)).at(-1)!;
      expect(invoice).toMatchObject({ status: 'open', attempt_count: 1 });
      await stripe.invoices.pay(invoice.id);
      const after = await stripe.subscriptions.retrieve(made.id);
      expect(after.status).toBe('active');
      expect(firstItem(after).price.id).toBe(large.id);
    });

    it('error_if_incomplete: 402, and nothing of it happened', async () => {
      const { made, small, change } = await withRefusingCard();
      await expect(change('error_if_incomplete')).rejects.toMatchObject({
        type: 'StripeCardError',
        statusCode: 402,
        decline_code: 'insufficient_funds',
      });
      const after = await stripe.subscriptions.retrieve(made.id);
      expect(firstItem(after).price.id).toBe(small.id);
      expect(await under.invoicesOf(made.id)).toHaveLength(1);
      expect((await stripe.invoiceItems.list({ customer: made.customer as string })).data).toEqual([]);
      // The card refused once, as planned; asking again goes through.
      expect((await change('error_if_incomplete')).status).toBe('active');
    });

    it('pending_if_incomplete: waits for 3-D Secure, and applies when the payer has passed', async () => {
      const { made, large, change } = await withRefusingCard();
      const customer = made.customer as string;
      const secure = await stripe.paymentMethods.attach('pm_card_threeDSecure2Required', { customer });
      await stripe.subscriptions.update(made.id, { default_payment_method: secure.id });
      const waiting = await change('pending_if_incomplete');
      expect(waiting.pending_update).not.toBeNull();
      const invoice = await stripe.invoices.retrieve(waiting.latest_invoice as string, {
        expand: ['payments', 'confirmation_secret'],
      });
      expect(invoice.confirmation_secret?.client_secret).toMatch(/_secret_/);
      const intent = invoice.payments?.data[0]?.payment.payment_intent as string;
      expect((await stripe.paymentIntents.retrieve(intent)).status).toBe('requires_action');
      await under.control(`/payment_intents/${intent}/authenticate`, { result: 'success' });
      expect(firstItem(await stripe.subscriptions.retrieve(made.id)).price.id).toBe(large.id);
    });

    it('pending_if_incomplete: another update takes the place of the waiting one', async () => {
      const { made, small, change } = await withRefusingCard();
      const first = await change('pending_if_incomplete');
      const second = await stripe.subscriptions.update(made.id, {
        items: [{ id: firstItem(made).id, quantity: 3 }],
        proration_behavior: 'always_invoice',
      });
      expect(second.pending_update).toBeNull();
      expect(firstItem(second)).toMatchObject({ quantity: 3, price: { id: small.id } });
      expect((await stripe.invoices.retrieve(first.latest_invoice as string)).status).toBe('void');
    });

    it('default_incomplete: applied, past due, and nothing tried', async () => {
      const { made, change } = await withRefusingCard();
      expect(await change('default_incomplete')).toMatchObject({ status: 'past_due' });
      expect((await under.invoicesOf(made.id)).at(-1)).toMatchObject({ status: 'open', attempted: false });
    });

    it('pending_if_incomplete: waits in pending_update, and applies when paid', async () => {
      const { made, small, large, change } = await withRefusingCard();
      const waiting = await change('pending_if_incomplete');
      expect(waiting.status).toBe('active');
      expect(firstItem(waiting).price.id).toBe(small.id);
      expect(waiting.pending_update).toMatchObject({ expires_at: under.now() + 23 * HOUR });
      expect(waiting.pending_update?.subscription_items?.[0]?.price.id).toBe(large.id);
      await stripe.invoices.pay(waiting.latest_invoice as string);
      const after = await stripe.subscriptions.retrieve(made.id);
      expect(after.pending_update).toBeNull();
      expect(firstItem(after).price.id).toBe(large.id);
      expect(await under.eventTypes(made.id)).toContain('customer.subscription.pending_update_applied');
      await under.goTo(periodEnd(made) + HOUR);
      expect(amounts((await under.invoicesOf(made.id)).at(-1))).toEqual([3000]);
    });

    it('pending_if_incomplete: dropped after 23 hours, with its invoice; later credits know nothing of it', async () => {
      const { made, large, change } = await withRefusingCard();
      const waiting = await change('pending_if_incomplete');
      await under.goTo(waiting.pending_update!.expires_at);
      const after = await stripe.subscriptions.retrieve(made.id);
      expect(after.pending_update).toBeNull();
      expect((await stripe.invoices.retrieve(waiting.latest_invoice as string)).status).toBe('void');
      expect(await under.eventTypes(made.id)).toContain('customer.subscription.pending_update_expired');
      const at = firstItem(made).current_period_start + 8 * DAY;
      await under.goTo(at);
      await stripe.subscriptions.update(made.id, {
        items: [{ id: firstItem(made).id, price: large.id }],
        proration_behavior: 'always_invoice',
        proration_date: at,
      });
      expect(amounts((await under.invoicesOf(made.id)).at(-1))).toEqual([-200, 600]);
    });

    it('pending_if_incomplete: applied at once when the card is good', async () => {
      const { made, large } = await withRefusingCard();
      const good = await stripe.paymentMethods.attach('pm_card_mastercard', {
        customer: made.customer as string,
      });
      await stripe.subscriptions.update(made.id, { default_payment_method: good.id });
      const changed = await stripe.subscriptions.update(made.id, {
        items: [{ id: firstItem(made).id, price: large.id }],
        proration_behavior: 'always_invoice',
        payment_behavior: 'pending_if_incomplete',
      });
      expect(changed.pending_update).toBeNull();
      expect(firstItem(changed).price.id).toBe(large.id);
      expect((await under.invoicesOf(made.id)).at(-1)).toMatchObject({ status: 'paid', attempt_count: 1 });
    });
  });

  it('end now: with credit and a last invoice when asked, with neither by default', async () => {
    const price = await tenDays(1000);
    const first = await under.subscribe([{ price: price.id }]);
    const second = await under.subscribe([{ price: price.id }]);
    await halfway(second);
    await stripe.subscriptions.update(first.id, { items: [{ id: firstItem(first).id, quantity: 2 }] });
    expect(await stripe.subscriptions.cancel(first.id)).toMatchObject({ status: 'canceled' });
    expect(
      (await stripe.invoiceItems.list({ customer: first.customer as string, pending: true })).data,
    ).toEqual([]);
    await stripe.subscriptions.cancel(second.id, { prorate: true, invoice_now: true });
    const last = (await under.invoicesOf(second.id)).at(-1)!;
    expect(last.status).toBe('paid');
    expect(Math.abs(last.total + 500)).toBeLessThanOrEqual(1);
    expect(await stripe.customers.retrieve(second.customer as string)).toMatchObject({ balance: last.total });
  });
});
