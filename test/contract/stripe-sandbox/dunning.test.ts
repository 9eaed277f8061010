import type Stripe from 'stripe';
import { billingUnderTest, DAY, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

describe('payments that fail in the Stripe sandbox', () => {
  let under: BillingUnderTest;
  let stripe: Stripe;

  beforeEach(async () => {
    under = await billingUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterEach(() => under.close());

  /** A subscription whose card refuses from now on, and the moment of its first failed renewal. */
  async function failing(times = 10, code = 'insufficient_funds') {
    const price = await under.price(2900);
    const made = await under.subscribe([{ price: price.id }]);
    const customer = (await stripe.customers.retrieve(made.customer as string)) as Stripe.Customer;
    const card = customer.invoice_settings.default_payment_method as string;
    await under.control(`/payment_methods/${card}/fail_next`, { times, code });
    return { made, card, due: periodEnd(made) + HOUR };
  }

  it('retries after 3, 5 and 7 days, then ends the subscription', async () => {
    const { made, due } = await failing();
    await under.goTo(due);
    expect(await stripe.subscriptions.retrieve(made.id)).toMatchObject({ status: 'past_due' });
    const invoice = (await under.invoicesOf(made.id))[1]!;
    expect(invoice).toMatchObject({
      status: 'open',
      attempt_count: 1,
      attempted: true,
      next_payment_attempt: due + 3 * DAY,
    });
    const fired = await under.goTo(due + 15 * DAY);
    expect(fired).toEqual([
      { at: due + 3 * DAY, what: 'retry', object: invoice.id },
      { at: due + 8 * DAY, what: 'retry', object: invoice.id },
      { at: due + 15 * DAY, what: 'retry', object: invoice.id },
    ]);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'open',
      attempt_count: 4,
      next_payment_attempt: null,
      auto_advance: false,
    });
    expect(await stripe.subscriptions.retrieve(made.id)).toMatchObject({
      status: 'canceled',
      ended_at: due + 15 * DAY,
      cancellation_details: { reason: 'payment_failed' },
    });
    const failures = (await under.eventTypes(invoice.id)).filter((type) => type === 'invoice.payment_failed');
    expect(failures).toHaveLength(4);
    expect((await stripe.charges.list({ customer: made.customer as string })).data).toHaveLength(5);
  });

  it('does not ask a stolen card again, but goes on when there is another', async () => {
    const { made, due } = await failing(1, 'stolen_card');
    await under.goTo(due + 3 * DAY);
    const invoice = (await under.invoicesOf(made.id))[1]!;
    expect(invoice).toMatchObject({
      status: 'open',
      attempt_count: 1,
      next_payment_attempt: due + 8 * DAY,
    });
    const customer = made.customer as string;
    const good = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: good.id } });
    await under.goTo(due + 8 * DAY);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({ status: 'paid', attempt_count: 2 });
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('active');

    const hopeless = await failing(1, 'lost_card');
    await under.goTo(hopeless.due + 15 * DAY);
    expect((await stripe.subscriptions.retrieve(hopeless.made.id)).status).toBe('canceled');
    const charges = await stripe.charges.list({ customer: hopeless.made.customer as string });
    expect(charges.data.filter(({ paid }) => !paid)).toHaveLength(1);
  });

  it('recovers at the retry that goes through', async () => {
    const { made, due } = await failing(2);
    await under.goTo(due + 3 * DAY);
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('past_due');
    await under.goTo(due + 8 * DAY);
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('active');
    expect((await under.invoicesOf(made.id))[1]).toMatchObject({ status: 'paid', attempt_count: 3 });
  });

  it('recovers when the customer pays by hand with another card, which counts as no attempt', async () => {
    const { made, due } = await failing();
    await under.goTo(due);
    const invoice = (await under.invoicesOf(made.id))[1]!;
    const card = await stripe.paymentMethods.attach('pm_card_mastercard', {
      customer: made.customer as string,
    });
    const paid = await stripe.invoices.pay(invoice.id, { payment_method: card.id });
    expect(paid).toMatchObject({ status: 'paid', attempt_count: 1, next_payment_attempt: null });
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('active');
    expect(await under.goTo(due + 20 * DAY)).toEqual(
      [
        {
          at: periodEnd(await stripe.subscriptions.retrieve(made.id)) - 7 * DAY,
          what: 'upcoming',
          object: made.id,
        },
      ].filter(({ at }) => at <= due + 20 * DAY),
    );
  });

  it('leaves it unpaid, or past due, when the account says so; unpaid drafts stay drafts', async () => {
    await under.control('/settings', { after_retries: 'unpaid', retry_days: [1] });
    const unpaid = await failing();
    await under.goTo(unpaid.due + DAY);
    expect((await stripe.subscriptions.retrieve(unpaid.made.id)).status).toBe('unpaid');
    await under.goTo(unpaid.due + 40 * DAY);
    const third = (await under.invoicesOf(unpaid.made.id))[2];
    expect(third).toMatchObject({ status: 'draft', auto_advance: false });

    await under.control('/settings', { after_retries: 'past_due' });
    const late = await failing();
    await under.goTo(late.due + 2 * DAY);
    expect((await stripe.subscriptions.retrieve(late.made.id)).status).toBe('past_due');
  });

  it('asks for authentication when the bank wants it, and goes on when the payer has passed', async () => {
    const price = await under.price(2900);
    const made = await under.subscribe(
      [{ price: price.id }],
      { trial_period_days: 3 },
      'pm_card_threeDSecure2Required',
    );
    await under.goTo(made.trial_end! + HOUR);
    const invoice = (await under.invoicesOf(made.id))[1]!;
    expect(await under.eventTypes(invoice.id)).toEqual(
      expect.arrayContaining(['invoice.payment_action_required', 'invoice.payment_failed']),
    );
    const open = await stripe.invoices.retrieve(invoice.id, { expand: ['payments'] });
    const intent = open.payments?.data[0]?.payment.payment_intent as string;
    expect((await stripe.paymentIntents.retrieve(intent)).status).toBe('requires_action');
    await under.control(`/payment_intents/${intent}/authenticate`, { result: 'success' });
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('paid');
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('active');
  });

  it('gives a first payment 23 hours', async () => {
    const price = await under.price(2900);
    const made = await under.subscribe([{ price: price.id }], {}, 'pm_card_chargeCustomerFail');
    expect(made.status).toBe('incomplete');
    await under.goTo(made.created + 23 * HOUR - 60);
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('incomplete');
    await under.goTo(made.created + 23 * HOUR);
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('incomplete_expired');
    expect((await stripe.invoices.retrieve(made.latest_invoice as string)).status).toBe('void');
  });

  it('calls an invoice that was sent overdue, and the subscription past due, until it is paid', async () => {
    const price = await under.price(2900);
    const customer = (await stripe.customers.create({ email: 'a@example.com' })).id;
    const made = await stripe.subscriptions.create({
      customer,
      items: [{ price: price.id }],
      collection_method: 'send_invoice',
      days_until_due: 10,
    });
    expect(made.status).toBe('active');
    const invoice = await stripe.invoices.retrieve(made.latest_invoice as string);
    expect(invoice).toMatchObject({ status: 'open', next_payment_attempt: null });
    await under.goTo(invoice.due_date!);
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('past_due');
    expect(await under.eventTypes(invoice.id)).toContain('invoice.overdue');
    await stripe.invoices.pay(invoice.id, { paid_out_of_band: true });
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('active');
  });
});
