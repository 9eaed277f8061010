import type Stripe from 'stripe';
import { readUsageBy, type UsageReader } from '../../../sandbox/stripe/billing/usage';
import { billingUnderTest, DAY, firstItem, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

/** How the billing engine bills usage, whatever the meter events say: the reader of events is put in its place. */
describe('metered items of the Stripe sandbox', () => {
  let under: BillingUnderTest;
  let stripe: Stripe;
  let before: UsageReader;
  const asked: { start: number; end: number }[] = [];

  beforeAll(async () => {
    // Ten units for each whole day.
    before = readUsageBy((_account, _meter, _customer, period) => {
      asked.push(period);
      return 10 * Math.floor((period.end - period.start) / DAY);
    });
    under = await billingUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterAll(() => {
    readUsageBy(before);
    return under.close();
  });
  beforeEach(() => asked.splice(0));

  async function metered(
    amount: number,
    more: Partial<Stripe.PriceCreateParams> = {},
  ): Promise<Stripe.Price> {
    const meter = await stripe.billing.meters.create({
      display_name: 'Calls',
      event_name: `calls_${Date.now()}_${Math.random()}`,
      default_aggregation: { formula: 'sum' },
    });
    const recurring = {
      interval: 'day',
      interval_count: 10,
      usage_type: 'metered',
      meter: meter.id,
    } as const;
    return under.price(amount, { recurring, ...more });
  }

  it('are billed in arrears, beside licensed items in advance', async () => {
    const base = await under.price(1000, { recurring: { interval: 'day', interval_count: 10 } });
    const calls = await metered(3);
    const made = await under.subscribe([{ price: base.id }, { price: calls.id }]);
    const first = (await under.invoicesOf(made.id))[0]!;
    // Flexible billing: no empty line for usage at the start.
    expect(first.lines.data.map(({ amount }) => amount)).toEqual([1000]);
    await under.goTo(periodEnd(made) + HOUR);
    const second = (await under.invoicesOf(made.id))[1]!;
    expect(second.lines.data.map(({ amount, quantity }) => [amount, quantity])).toEqual([
      [300, 100],
      [1000, 1],
    ]);
    expect(second.lines.data[0]!.period).toEqual({ start: made.billing_cycle_anchor, end: periodEnd(made) });
    expect(asked).toContainEqual({ start: made.billing_cycle_anchor, end: periodEnd(made) });
  });

  it('use tiers of the whole period', async () => {
    const calls = await metered(0, {
      billing_scheme: 'tiered',
      tiers_mode: 'graduated',
      tiers: [
        { up_to: 60, unit_amount: 2 },
        { up_to: 'inf', unit_amount: 1 },
      ],
    });
    const made = await under.subscribe([{ price: calls.id }]);
    expect(made.latest_invoice).toBeNull();
    await under.goTo(periodEnd(made) + HOUR);
    expect((await under.invoicesOf(made.id)).map(({ total }) => total)).toEqual([160]);
  });

  it('are billed for what was used when they leave, or the subscription ends', async () => {
    const base = await under.price(1000, { recurring: { interval: 'day', interval_count: 10 } });
    const calls = await metered(3);
    const made = await under.subscribe([{ price: base.id }, { price: calls.id }]);
    await under.goTo(firstItem(made).current_period_start + 5 * DAY);
    await stripe.subscriptionItems.del(made.items.data[1]!.id, { proration_behavior: 'always_invoice' });
    expect((await under.invoicesOf(made.id)).at(-1)).toMatchObject({ total: 150, status: 'paid' });

    const forgiven = await under.subscribe([{ price: base.id }, { price: calls.id }]);
    await under.goTo(firstItem(forgiven).current_period_start + 5 * DAY);
    await stripe.subscriptionItems.del(forgiven.items.data[1]!.id, { clear_usage: true });
    expect((await stripe.invoiceItems.list({ customer: forgiven.customer as string })).data).toEqual([]);

    const unprorated = await under.subscribe([{ price: base.id }, { price: calls.id }]);
    await under.goTo(firstItem(unprorated).current_period_start + 5 * DAY);
    await stripe.subscriptionItems.del(unprorated.items.data[1]!.id, { proration_behavior: 'none' });
    const owed = await stripe.invoiceItems.list({ customer: unprorated.customer as string });
    expect(owed.data.map(({ amount }) => amount)).toEqual([150]);

    const other = await under.subscribe([{ price: calls.id }]);
    await stripe.subscriptions.update(other.id, { cancel_at_period_end: true });
    await under.goTo(periodEnd(other) + 2 * HOUR);
    expect((await stripe.subscriptions.retrieve(other.id)).status).toBe('canceled');
    expect((await under.invoicesOf(other.id)).at(-1)).toMatchObject({ total: 300, status: 'paid' });
  });

  it('are billed up to a pause, and previewed as they stand', async () => {
    const calls = await metered(3);
    const made = await under.subscribe([{ price: calls.id }]);
    await under.goTo(made.billing_cycle_anchor + 4 * DAY);
    expect((await stripe.invoices.createPreview({ subscription: made.id })).total).toBe(300);
    await stripe.subscriptions.pause(made.id, { invoicing_behavior: 'invoice' });
    expect((await under.invoicesOf(made.id)).at(-1)).toMatchObject({ total: 120, status: 'paid' });
  });
});
