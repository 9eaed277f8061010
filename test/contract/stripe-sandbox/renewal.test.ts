import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { billingUnderTest, DAY, firstItem, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

describe('time in the Stripe sandbox', () => {
  let under: BillingUnderTest;
  let stripe: Stripe;

  beforeEach(async () => {
    under = await billingUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterEach(() => under.close());

  it('renews at the end of the period, drafts, finalizes an hour later and charges', async () => {
    const price = await under.price(2900);
    const made = await under.subscribe([{ price: price.id, quantity: 2 }]);
    const end = periodEnd(made);
    expect(await under.control('/clock')).toMatchObject({
      offset_ms: 0,
      next_due: { at: end - 7 * DAY, what: 'upcoming', object: made.id },
    });

    const fired = await under.goTo(end + 2 * HOUR);
    const [, renewal] = await under.invoicesOf(made.id);
    expect(fired).toEqual([
      { at: end - 7 * DAY, what: 'upcoming', object: made.id },
      { at: end, what: 'renewal', object: made.id },
      { at: end + HOUR, what: 'finalize', object: renewal!.id },
    ]);
    expect(renewal).toMatchObject({
      billing_reason: 'subscription_cycle',
      created: end,
      status: 'paid',
      total: 5800,
      period_start: made.billing_cycle_anchor,
      period_end: end,
      status_transitions: { finalized_at: end + HOUR, paid_at: end + HOUR },
    });
    const after = await stripe.subscriptions.retrieve(made.id);
    expect(after).toMatchObject({ status: 'active', latest_invoice: renewal!.id });
    expect(firstItem(after).current_period_start).toBe(end);
    expect(renewal!.lines.data[0]).toMatchObject({
      amount: 5800,
      quantity: 2,
      period: { start: end, end: periodEnd(after) },
      parent: { subscription_item_details: { proration: false, subscription_item: firstItem(after).id } },
    });
    expect(await under.eventTypes(renewal!.id)).toEqual([
      'invoice.created',
      'invoice.finalized',
      'invoice.paid',
      'invoice.payment_succeeded',
    ]);
    const moved = (await stripe.events.list({ type: 'customer.subscription.updated' })).data[0];
    expect(moved).toMatchObject({
      created: end,
      data: { previous_attributes: { latest_invoice: made.latest_invoice } },
    });
  });

  it('tells of an upcoming invoice as it will be', async () => {
    const price = await under.price(2900);
    const made = await under.subscribe([{ price: price.id }]);
    await stripe.invoiceItems.create({ customer: made.customer as string, amount: 500, currency: 'usd' });
    await under.goTo(periodEnd(made) - 7 * DAY);
    const [event] = (await stripe.events.list({ type: 'invoice.upcoming' })).data;
    expect(event?.data.object).toMatchObject({
      total: 3400,
      amount_due: 3400,
      status: 'draft',
      number: null,
    });
    expect((event?.data.object as Stripe.Invoice).id).toMatch(/^upcoming_in_/);
    expect(await under.invoicesOf(made.id)).toHaveLength(1);
  });

  it('walks through a year of months without drifting, also for the last day of the month', async () => {
    const clock = Date.parse('2027-01-31T10:20:30Z') / 1000;
    await under.goTo(clock);
    const price = await under.price(1000);
    const made = await under.subscribe([{ price: price.id }]);
    await under.goTo(Date.parse('2028-02-01T00:00:00Z') / 1000);
    const invoices = await under.invoicesOf(made.id);
    expect(invoices).toHaveLength(13);
    const created = invoices.map((invoice) => new Date(invoice.created * 1000).toISOString().slice(5, 10));
    expect(created.slice(0, 4)).toEqual(['01-31', '02-28', '03-31', '04-30']);
    expect(invoices.every(({ status, total }) => status === 'paid' && total === 1000)).toBe(true);
  });

  it.each([
    [
      'graduated tiers',
      {
        billing_scheme: 'tiered',
        tiers_mode: 'graduated',
        tiers: [
          { up_to: 10, unit_amount: 100 },
          { up_to: 'inf', unit_amount: 50, flat_amount: 300 },
        ],
      },
      12,
      1000 + 2 * 50 + 300,
    ],
    [
      'volume tiers',
      {
        billing_scheme: 'tiered',
        tiers_mode: 'volume',
        tiers: [
          { up_to: 10, unit_amount: 100 },
          { up_to: 'inf', unit_amount: 50 },
        ],
      },
      12,
      600,
    ],
    ['packages', { unit_amount: 500, transform_quantity: { divide_by: 10, round: 'up' } }, 12, 1000],
    ['a currency without minor units', { unit_amount: 700, currency: 'jpy' }, 3, 2100],
  ] as [string, Partial<Stripe.PriceCreateParams>, number, number][])(
    'bills %s',
    async (_name, more, quantity, total) => {
      const price = await under.price(0, more);
      const made = await under.subscribe([{ price: price.id, quantity }]);
      await under.goTo(periodEnd(made) + HOUR);
      expect((await under.invoicesOf(made.id)).map((invoice) => invoice.total)).toEqual([total, total]);
    },
  );

  it('gives discounts as long as they last', async () => {
    const price = await under.price(1000);
    const coupon = async (more: Partial<Stripe.CouponCreateParams>) =>
      (await stripe.coupons.create({ percent_off: 25, ...more })).id;
    const totals = async (id: string) => {
      const made = await under.subscribe([{ price: price.id }], { discounts: [{ coupon: id }] });
      return made.id;
    };
    const once = await totals(await coupon({ duration: 'once' }));
    const twoMonths = await totals(await coupon({ duration: 'repeating', duration_in_months: 2 }));
    const forever = await totals(await coupon({ duration: 'forever' }));
    await under.goTo(under.now() + 95 * DAY);
    const sums = async (id: string) => (await under.invoicesOf(id)).map(({ total }) => total);
    expect((await stripe.subscriptions.retrieve(once)).discounts).toEqual([]);
    expect((await stripe.subscriptions.retrieve(forever)).discounts).toHaveLength(1);
    expect(await sums(once)).toEqual([750, 1000, 1000, 1000]);
    expect(await sums(twoMonths)).toEqual([750, 750, 1000, 1000]);
    expect(await sums(forever)).toEqual([750, 750, 750, 750]);
  });

  it("uses up the customer's balance first", async () => {
    const price = await under.price(1000);
    const made = await under.subscribe([{ price: price.id }]);
    await stripe.customers.update(made.customer as string, { balance: -1500 });
    await under.goTo(periodEnd(made) + HOUR);
    const second = (await under.invoicesOf(made.id))[1];
    expect(second).toMatchObject({
      total: 1000,
      amount_due: 0,
      starting_balance: -1500,
      ending_balance: -500,
      status: 'paid',
    });
    expect(await stripe.customers.retrieve(made.customer as string)).toMatchObject({ balance: -500 });
    await under.goTo(periodEnd(await stripe.subscriptions.retrieve(made.id)) + HOUR);
    expect((await under.invoicesOf(made.id))[2]).toMatchObject({
      amount_due: 500,
      amount_paid: 500,
      ending_balance: 0,
    });
  });

  it('ends at the end of the period when it was told to, and bills nothing more', async () => {
    const price = await under.price(1000);
    const made = await under.subscribe([{ price: price.id }]);
    await stripe.subscriptions.update(made.id, { cancel_at_period_end: true });
    const fired = await under.goTo(periodEnd(made) + 20 * DAY);
    expect(fired).toEqual([{ at: periodEnd(made), what: 'cancel', object: made.id }]);
    expect(await stripe.subscriptions.retrieve(made.id)).toMatchObject({
      status: 'canceled',
      ended_at: periodEnd(made),
    });
    expect(await under.invoicesOf(made.id)).toHaveLength(1);
    expect((await under.eventTypes(made.id)).at(-1)).toBe('customer.subscription.deleted');
  });

  it('cuts the last period short when the end lies inside it, and its price with it', async () => {
    const price = await under.price(3000, { recurring: { interval: 'day', interval_count: 10 } });
    const made = await under.subscribe([{ price: price.id }]);
    const end = periodEnd(made) + 5 * DAY;
    await stripe.subscriptions.update(made.id, { cancel_at: end });
    await under.goTo(end + HOUR);
    expect((await under.invoicesOf(made.id)).map(({ total }) => total)).toEqual([3000, 1500]);
    expect(await stripe.subscriptions.retrieve(made.id)).toMatchObject({ status: 'canceled', ended_at: end });
  });

  it('bills items of different intervals each at its own time', async () => {
    const monthly = await under.price(1000);
    const yearly = await under.price(9000, { recurring: { interval: 'year' } });
    const made = await under.subscribe([{ price: monthly.id }, { price: yearly.id }]);
    await under.goTo(under.now() + 367 * DAY);
    const totals = (await under.invoicesOf(made.id)).map(({ total }) => total);
    expect(totals).toEqual([10_000, ...Array<number>(11).fill(1000), 10_000]);
  });

  it('goes on after a restart where it stood', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'stripe-renewal-'));
    try {
      const first = await billingUnderTest({ dataDir });
      const price = await first.price(1000);
      const made = await first.subscribe([{ price: price.id }], { trial_period_days: 10 });
      await first.control('/settings', { after_retries: 'unpaid' });
      await first.goTo(first.now() + 8 * DAY);
      await first.close();
      const second = await billingUnderTest({ dataDir });
      expect(await second.control('/settings')).toMatchObject({ after_retries: 'unpaid' });
      const fired = await second.goTo(made.trial_end! + HOUR);
      expect(fired.map(({ what }) => what)).toEqual(['trial_end', 'finalize']);
      expect((await second.invoicesOf(made.id)).map(({ total }) => total)).toEqual([0, 1000]);
      await second.close();
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  }, 60_000);

  it('passes by itself too: what is due is done without any control', async () => {
    const price = await under.price(1000);
    const made = await under.subscribe([{ price: price.id }]);
    await under.goTo(periodEnd(made) - 1);
    expect(await under.invoicesOf(made.id)).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await under.invoicesOf(made.id)).toHaveLength(2);
  });

  it('only moves forward, and says what it does not understand', async () => {
    await expect(under.control('/clock', { advance_ms: -1 })).rejects.toThrow(/forward/);
    await expect(under.control('/clock', { to: 1 })).rejects.toThrow(/forward/);
    await expect(under.control('/clock', {})).rejects.toThrow(/advance_ms/);
    await expect(under.control('/settings', { retry_days: [0] })).rejects.toThrow(/retry_days/);
    await expect(under.control('/settings', { nonsense: 1 })).rejects.toThrow(/nonsense/);
  });
});
