import type Stripe from 'stripe';
import { billingUnderTest, DAY, firstItem, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

describe('pauses and trials of the Stripe sandbox', () => {
  let under: BillingUnderTest;
  let stripe: Stripe;

  beforeEach(async () => {
    under = await billingUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterEach(() => under.close());

  const tenDays = (amount: number) =>
    under.price(amount, { recurring: { interval: 'day', interval_count: 10 } });

  describe('pause_collection', () => {
    it.each([
      ['keep_as_draft', 'draft'],
      ['void', 'void'],
      ['mark_uncollectible', 'uncollectible'],
    ] as const)('%s: the status stays, invoices become %s', async (behavior, status) => {
      const price = await tenDays(1000);
      const made = await under.subscribe([{ price: price.id }]);
      const resumesAt = under.now() + 15 * DAY;
      const paused = await stripe.subscriptions.update(made.id, {
        pause_collection: { behavior, resumes_at: resumesAt },
      });
      expect(paused).toMatchObject({
        status: 'active',
        pause_collection: { behavior, resumes_at: resumesAt },
      });
      await under.goTo(periodEnd(made) + 2 * HOUR);
      expect((await under.invoicesOf(made.id))[1]).toMatchObject({ status });
      expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('active');
      await under.goTo(resumesAt);
      expect((await stripe.subscriptions.retrieve(made.id)).pause_collection).toBeNull();
      await under.goTo(periodEnd(made) + 10 * DAY + 2 * HOUR);
      expect((await under.invoicesOf(made.id))[2]).toMatchObject({ status: 'paid' });
    });
  });

  describe('pause and resume', () => {
    it('stands still, credits unused time, and begins a new cycle when resumed', async () => {
      const price = await tenDays(1000);
      const made = await under.subscribe([{ price: price.id }]);
      await under.goTo(firstItem(made).current_period_start + 5 * DAY);
      const paused = await stripe.subscriptions.pause(made.id);
      expect(paused).toMatchObject({
        status: 'paused',
        status_details: { paused: { type: 'subscription', subscription: { type: 'pause_requested' } } },
      });
      expect(await under.goTo(under.now() + 20 * DAY)).toEqual([]);
      expect(await under.invoicesOf(made.id)).toHaveLength(1);
      const resumed = await stripe.subscriptions.resume(made.id);
      expect(resumed.status).toBe('active');
      expect(resumed).not.toHaveProperty('status_details');
      expect(firstItem(resumed).current_period_start).toBe(resumed.billing_cycle_anchor);
      const invoice = (await under.invoicesOf(made.id))[1]!;
      expect(invoice.status).toBe('paid');
      expect(Math.abs(invoice.total - 500)).toBeLessThanOrEqual(1);
      const types = await under.eventTypes(made.id);
      expect(types).toEqual(
        expect.arrayContaining(['customer.subscription.paused', 'customer.subscription.resumed']),
      );
    });

    it('bills at once, or not at all, as asked', async () => {
      const price = await tenDays(1000);
      const one = await under.subscribe([{ price: price.id }]);
      const two = await under.subscribe([{ price: price.id }]);
      await under.goTo(firstItem(two).current_period_start + 5 * DAY);
      await stripe.subscriptions.pause(one.id, { invoicing_behavior: 'invoice' });
      const credit = (await under.invoicesOf(one.id))[1]!;
      expect(credit.status).toBe('paid');
      expect(await stripe.customers.retrieve(one.customer as string)).toMatchObject({
        balance: credit.total,
      });
      await stripe.subscriptions.pause(two.id, { bill_for: { unused_time_from: { type: 'none' } } });
      expect((await stripe.invoiceItems.list({ customer: two.customer as string })).data).toEqual([]);
    });

    it('keeps the cycle with billing_cycle_anchor unchanged, and debits the rest of it', async () => {
      const price = await tenDays(1000);
      const made = await under.subscribe([{ price: price.id }]);
      await stripe.subscriptions.pause(made.id, { bill_for: { unused_time_from: { type: 'none' } } });
      await under.goTo(made.billing_cycle_anchor + 14 * DAY);
      const resumed = await stripe.subscriptions.resume(made.id, {
        billing_cycle_anchor: { type: 'unchanged' },
        proration_behavior: 'always_invoice',
        proration_date: made.billing_cycle_anchor + 14 * DAY,
      });
      expect(resumed.billing_cycle_anchor).toBe(made.billing_cycle_anchor);
      expect(periodEnd(resumed)).toBe(made.billing_cycle_anchor + 20 * DAY);
      expect((await under.invoicesOf(made.id))[1]).toMatchObject({ total: 600, status: 'paid' });
    });

    it('stays paused until paid with resume_on_payment_success, for 23 hours at most', async () => {
      const price = await tenDays(1000);
      const made = await under.subscribe([{ price: price.id }], {}, 'pm_card_visa');
      await stripe.subscriptions.pause(made.id, { bill_for: { unused_time_from: { type: 'none' } } });
      const customer = made.customer as string;
      const bad = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer });
      await stripe.subscriptions.update(made.id, { default_payment_method: bad.id });
      const waiting = await stripe.subscriptions.resume(made.id, {
        payment_behavior: 'resume_on_payment_success',
      });
      expect(waiting.status).toBe('paused');
      await under.goTo(under.now() + 24 * HOUR);
      expect((await stripe.invoices.retrieve(waiting.latest_invoice as string)).status).toBe('void');
      expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('paused');

      const again = await stripe.subscriptions.resume(made.id, {
        payment_behavior: 'resume_on_payment_success',
      });
      const good = await stripe.paymentMethods.attach('pm_card_visa', { customer });
      await stripe.invoices.pay(again.latest_invoice as string, { payment_method: good.id });
      expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('active');
    });

    it('is refused where Stripe refuses it', async () => {
      const price = await tenDays(1000);
      const classic = await under.subscribe([{ price: price.id }], { billing_mode: { type: 'classic' } });
      await expect(stripe.subscriptions.pause(classic.id)).rejects.toThrow(/flexible/);
      const made = await under.subscribe([{ price: price.id }]);
      await expect(stripe.subscriptions.resume(made.id)).rejects.toThrow(/paused/);
      await stripe.subscriptionSchedules.create({ from_subscription: made.id });
      await expect(stripe.subscriptions.pause(made.id)).rejects.toThrow(/schedule/);
    });
  });

  describe('trials', () => {
    async function trial(missing: 'create_invoice' | 'cancel' | 'pause', card = false) {
      const price = await under.price(2900);
      const customer = card ? await under.payer() : (await stripe.customers.create({ name: 'No card' })).id;
      return stripe.subscriptions.create({
        customer,
        items: [{ price: price.id }],
        trial_period_days: 14,
        trial_settings: { end_behavior: { missing_payment_method: missing } },
      });
    }

    it('say three days before that they end, and become paid', async () => {
      const made = await trial('create_invoice', true);
      const end = made.trial_end!;
      const fired = await under.goTo(end);
      expect(fired).toEqual([
        { at: end - 3 * DAY, what: 'trial_will_end', object: made.id },
        { at: end, what: 'trial_end', object: made.id },
      ]);
      expect(await stripe.subscriptions.retrieve(made.id)).toMatchObject({
        status: 'active',
        trial_end: end,
        billing_cycle_anchor: end,
      });
      expect((await under.invoicesOf(made.id))[1]).toMatchObject({ status: 'draft', total: 2900 });
      await under.goTo(end + HOUR);
      expect((await under.invoicesOf(made.id))[1]).toMatchObject({ status: 'paid' });
      expect(await under.eventTypes(made.id)).toContain('customer.subscription.trial_will_end');
    });

    it('without a card: bill all the same, cancel, or pause', async () => {
      const billed = await trial('create_invoice');
      const canceled = await trial('cancel');
      const paused = await trial('pause');
      await under.goTo(paused.trial_end! + HOUR);
      expect((await stripe.subscriptions.retrieve(billed.id)).status).toBe('past_due');
      expect((await stripe.subscriptions.retrieve(canceled.id)).status).toBe('canceled');
      const standing = await stripe.subscriptions.retrieve(paused.id);
      expect(standing).toMatchObject({
        status: 'paused',
        status_details: { paused: { subscription: { type: 'trial_end_without_payment_method' } } },
      });
      await stripe.paymentMethods
        .attach('pm_card_visa', { customer: paused.customer as string })
        .then(({ id }) => stripe.subscriptions.update(paused.id, { default_payment_method: id }));
      expect((await stripe.subscriptions.resume(paused.id)).status).toBe('active');
      expect((await under.invoicesOf(paused.id)).at(-1)).toMatchObject({ total: 2900, status: 'paid' });
    });

    it('end early at once: billed from now, without credit for the free time', async () => {
      const made = await trial('create_invoice', true);
      await under.goTo(under.now() + 5 * DAY);
      const dear = await under.price(4900);
      const changed = await stripe.subscriptions.update(made.id, {
        trial_end: 'now',
        items: [{ id: firstItem(made).id, price: dear.id }],
        proration_behavior: 'always_invoice',
        expand: ['latest_invoice'],
      });
      expect(changed.status).toBe('active');
      expect(changed.billing_cycle_anchor).toBe(firstItem(changed).current_period_start);
      expect(changed.latest_invoice).toMatchObject({ total: 4900, status: 'paid' });
    });

    it('get longer, and cost nothing when the plan changes within', async () => {
      const made = await trial('create_invoice', true);
      const end = made.trial_end! + 7 * DAY;
      const longer = await stripe.subscriptions.update(made.id, { trial_end: end });
      expect(longer).toMatchObject({ status: 'trialing', trial_end: end, billing_cycle_anchor: end });
      const dear = await under.price(4900);
      await stripe.subscriptions.update(made.id, { items: [{ id: firstItem(made).id, price: dear.id }] });
      expect((await stripe.invoiceItems.list({ customer: made.customer as string })).data).toEqual([]);
      await under.goTo(end + HOUR);
      expect((await under.invoicesOf(made.id)).at(-1)).toMatchObject({ total: 4900, status: 'paid' });
    });
  });
});
