import type Stripe from 'stripe';
import { billingUnderTest, DAY, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

describe("Stripe's test clocks in the sandbox", () => {
  let under: BillingUnderTest;
  let stripe: Stripe;

  beforeAll(async () => {
    under = await billingUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterAll(() => under.close());

  const START = Date.parse('2030-03-01T12:00:00Z') / 1000;

  async function onClock(): Promise<{ clock: Stripe.TestHelpers.TestClock; made: Stripe.Subscription }> {
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START, name: 'Mine' });
    const customer = await stripe.customers.create({ name: 'On a clock', test_clock: clock.id });
    const { id } = await stripe.paymentMethods.attach('pm_card_visa', { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: id } });
    const price = await under.price(1000);
    const made = await stripe.subscriptions.create({ customer: customer.id, items: [{ price: price.id }] });
    return { clock, made };
  }

  it('stand still, and what lives by them carries their time', async () => {
    const { clock, made } = await onClock();
    expect(clock).toMatchObject({ status: 'ready', frozen_time: START, name: 'Mine' });
    expect(made).toMatchObject({ created: START, billing_cycle_anchor: START, test_clock: clock.id });
    const invoice = await stripe.invoices.retrieve(made.latest_invoice as string);
    expect(invoice).toMatchObject({ created: START, test_clock: clock.id, status: 'paid' });
    expect((await stripe.customers.list({ test_clock: clock.id })).data).toHaveLength(1);
    expect(await stripe.testHelpers.testClocks.retrieve(clock.id)).toMatchObject({ frozen_time: START });
  });

  it('advance their own customers only, up to two intervals', async () => {
    const { clock, made } = await onClock();
    const other = await under.subscribe([{ price: (await under.price(1000)).id }]);
    const to = periodEnd(made) + 2 * HOUR;
    const advanced = await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: to });
    expect(advanced).toMatchObject({ status: 'ready', frozen_time: to });
    const invoices = await under.invoicesOf(made.id);
    expect(invoices).toHaveLength(2);
    expect(invoices[1]).toMatchObject({ status: 'paid', created: periodEnd(made) });
    expect(await under.invoicesOf(other.id)).toHaveLength(1);
    const types = await under.eventTypes(clock.id);
    expect(types.slice(-2)).toEqual(['test_helpers.test_clock.advancing', 'test_helpers.test_clock.ready']);
    await expect(
      stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: to + 70 * DAY }),
    ).rejects.toThrow(/two intervals/);
    await expect(stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: START })).rejects.toThrow(
      /forward/,
    );
  });

  it("do not move with the sandbox's own clock", async () => {
    const { made } = await onClock();
    await under.goTo(Math.max(under.now(), START) + 100 * DAY);
    expect(await under.invoicesOf(made.id)).toHaveLength(1);
  });

  it('take their customers with them when they go', async () => {
    const { clock, made } = await onClock();
    expect(await stripe.testHelpers.testClocks.del(clock.id)).toMatchObject({ deleted: true });
    expect(await stripe.customers.retrieve(made.customer as string)).toMatchObject({ deleted: true });
    await expect(stripe.testHelpers.testClocks.retrieve(clock.id)).rejects.toMatchObject({ statusCode: 404 });
    expect((await stripe.testHelpers.testClocks.list()).data.map(({ id }) => id)).not.toContain(clock.id);
  });
});
