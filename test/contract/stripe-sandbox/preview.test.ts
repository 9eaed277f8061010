import fc from 'fast-check';
import type Stripe from 'stripe';
import { billingUnderTest, DAY, firstItem, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

describe('invoice previews of the Stripe sandbox', () => {
  let under: BillingUnderTest;
  let stripe: Stripe;

  beforeAll(async () => {
    under = await billingUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterAll(() => under.close());

  /** What a person compares: each line and the sums. */
  const essence = (invoice: Stripe.Invoice) => ({
    lines: invoice.lines.data.map(
      ({ amount, description, quantity, discount_amounts: discounts, parent }) => ({
        amount,
        description,
        quantity,
        discounts: discounts?.map((discount) => discount.amount),
        proration: parent?.subscription_item_details?.proration,
      }),
    ),
    subtotal: invoice.subtotal,
    total: invoice.total,
    amount_due: invoice.amount_due,
    currency: invoice.currency,
  });

  it('show what an upgrade costs now, and change nothing', async () => {
    const [small, large] = [await under.price(1000), await under.price(3000)];
    const made = await under.subscribe([{ price: small.id }]);
    await under.goTo(under.now() + 10 * DAY);
    const before = under.sandbox.objects('event').length;
    const at = under.now();
    const preview = await stripe.invoices.createPreview({
      customer: made.customer as string,
      subscription: made.id,
      subscription_details: {
        items: [{ id: firstItem(made).id, price: large.id }],
        proration_behavior: 'always_invoice',
        proration_date: at,
      },
    });
    expect(preview.id).toMatch(/^upcoming_in_/);
    expect(preview.parent?.subscription_details?.subscription_proration_date).toBe(at);
    expect(preview.lines.data.every(({ parent }) => parent?.subscription_item_details?.proration)).toBe(true);
    expect(under.sandbox.objects('event')).toHaveLength(before);
    expect((await stripe.invoiceItems.list({ customer: made.customer as string })).data).toEqual([]);
    expect(firstItem(await stripe.subscriptions.retrieve(made.id)).price.id).toBe(small.id);
    await expect(stripe.invoices.retrieve(preview.id)).rejects.toMatchObject({ statusCode: 404 });
  });

  it('show the first invoice of a subscription that does not exist, and say when nothing will come', async () => {
    const customer = await under.payer();
    const price = await under.price(1500);
    const preview = await stripe.invoices.createPreview({
      customer,
      subscription_details: { items: [{ price: price.id, quantity: 2 }] },
    });
    expect(preview).toMatchObject({ total: 3000, billing_reason: 'subscription_create' });
    expect((await stripe.subscriptions.list({ customer })).data).toEqual([]);
    const made = await under.subscribe([{ price: price.id }], { customer });
    await stripe.subscriptions.update(made.id, { cancel_at_period_end: true });
    await expect(stripe.invoices.createPreview({ subscription: made.id })).rejects.toMatchObject({
      code: 'invoice_upcoming_none',
    });
  });

  it('equal the invoice that comes of it, to the minor unit, for 300 changes of all kinds', async () => {
    const prices = new Map<string, Stripe.Price>();
    const priceOf = async (key: PriceKind): Promise<Stripe.Price> => {
      const name = JSON.stringify(key);
      const known = prices.get(name) ?? (await under.price(0, parametersOf(key)));
      prices.set(name, known);
      return known;
    };
    const coupons = new Map<string, string>();
    const couponOf = async (kind: CouponKind, currency: string): Promise<string | null> => {
      if (kind === null) return null;
      const name = `${kind}-${currency}`;
      const terms = typeof kind === 'string' ? { amount_off: 777, currency } : { percent_off: kind };
      const id = coupons.get(name) ?? (await stripe.coupons.create({ ...terms, duration: 'forever' })).id;
      coupons.set(name, id);
      return id;
    };

    let compared = 0;
    await fc.assert(
      fc.asyncProperty(CHANGES, async (change) => {
        const [from, to] = [
          await priceOf({ ...change.from, currency: change.currency }),
          await priceOf({ ...change.to, currency: change.currency }),
        ];
        const coupon = await couponOf(change.coupon, change.currency);
        const made = await under.subscribe([{ price: from.id, quantity: change.quantity }], {
          ...(coupon ? { discounts: [{ coupon }] } : {}),
        });
        const item = firstItem(made);
        const length = item.current_period_end - item.current_period_start;
        await under.goTo(under.now() + 1 + Math.floor((length - 60) * change.moment));
        const items =
          from.id === to.id
            ? [{ id: item.id, quantity: change.newQuantity }]
            : change.adds
              ? [{ price: to.id, quantity: change.newQuantity }]
              : [{ id: item.id, price: to.id, quantity: change.newQuantity }];
        const proration_date = under.now();
        const how = { items, proration_behavior: change.behavior, proration_date };
        const preview = await stripe.invoices.createPreview({
          subscription: made.id,
          subscription_details: how,
        });
        const changed = await stripe.subscriptions.update(made.id, { ...how, expand: ['latest_invoice'] });
        let invoice = changed.latest_invoice as Stripe.Invoice;
        if (invoice.id === made.latest_invoice) {
          const end = Math.min(...changed.items.data.map(({ current_period_end: at }) => at));
          await under.goTo(end + 1);
          invoice = (await under.invoicesOf(made.id)).at(-1)!;
        }
        expect(essence(invoice)).toEqual(essence(preview));
        compared++;
        await stripe.subscriptions.cancel(made.id);
      }),
      { numRuns: 300 },
    );
    expect(compared).toBeGreaterThanOrEqual(300);
  }, 300_000);

  it('come to the price of each second, whatever changes in a period, but for one rounding per line', async () => {
    const [seat, other] = [await under.price(1799), await under.price(4999)];
    const step = fc.record({
      at: fc.double({ min: 0, max: 0.98, noNaN: true }),
      quantity: fc.integer({ min: 1, max: 30 }),
      dear: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        const made = await under.subscribe([{ price: seat.id, quantity: 2 }]);
        const { current_period_start: start, current_period_end: end } = firstItem(made);
        // What each second should cost, in minor units × the seconds of the period.
        let [rate, from, exact] = [1799n * 2n, start, 0n];
        const moments = steps
          .map((each) => ({ ...each, at: start + 60 + Math.floor((end - start - 60) * each.at) }))
          .sort((a, b) => a.at - b.at);
        for (const { at, quantity, dear } of moments) {
          if (at > under.now()) await under.goTo(at);
          await stripe.subscriptions.update(made.id, {
            items: [{ id: firstItem(made).id, price: dear ? other.id : seat.id, quantity }],
            proration_behavior: 'always_invoice',
            proration_date: at,
          });
          exact += rate * BigInt(at - from);
          [rate, from] = [(dear ? 4999n : 1799n) * BigInt(quantity), at];
        }
        exact += rate * BigInt(end - from);
        const invoices = await under.invoicesOf(made.id);
        const charged = invoices.reduce((sum, { total }) => sum + BigInt(total), 0n);
        const lines = invoices.reduce((sum, invoice) => sum + invoice.lines.data.length, 0);
        const difference = charged * BigInt(end - start) - exact;
        const allowed = BigInt(lines) * BigInt(end - start);
        expect(difference <= allowed && -difference <= allowed).toBe(true);
        await stripe.subscriptions.cancel(made.id);
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it('show what canceling and resuming would bill', async () => {
    const price = await under.price(1000, { recurring: { interval: 'day', interval_count: 10 } });
    const made = await under.subscribe([{ price: price.id }]);
    await under.goTo(firstItem(made).current_period_start + 5 * DAY);
    const canceling = await stripe.invoices.createPreview({
      subscription: made.id,
      subscription_details: { cancel_now: true },
    });
    expect(canceling).toMatchObject({ status: 'draft', amount_due: 0 });
    expect(Math.abs(canceling.total + 500)).toBeLessThanOrEqual(1);
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('active');

    await stripe.subscriptions.pause(made.id, { bill_for: { unused_time_from: { type: 'none' } } });
    const resuming = await stripe.invoices.createPreview({
      subscription: made.id,
      subscription_details: { resume_at: 'now' },
    });
    expect(resuming).toMatchObject({ status: 'draft', number: null, total: 1000, amount_paid: 0 });
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('paused');
    expect((await stripe.subscriptions.resume(made.id)).status).toBe('active');
    expect((await under.invoicesOf(made.id)).at(-1)).toMatchObject({ total: 1000, status: 'paid' });
  });

  it('agree also when the customer has a balance and items are waiting', async () => {
    const price = await under.price(2000);
    const made = await under.subscribe([{ price: price.id }]);
    await stripe.customers.update(made.customer as string, { balance: -333 });
    await stripe.invoiceItems.create({ customer: made.customer as string, amount: 123, currency: 'usd' });
    const preview = await stripe.invoices.createPreview({ subscription: made.id });
    expect(preview).toMatchObject({ total: 2123, amount_due: 1790, starting_balance: -333 });
    await under.goTo(periodEnd(made) + HOUR);
    expect(essence((await under.invoicesOf(made.id)).at(-1)!)).toEqual(essence(preview));
  });
});

type CouponKind = number | 'amount' | null;

interface PriceKind {
  kind: 'unit' | 'decimal' | 'graduated' | 'volume' | 'package';
  amount: number;
  interval: 'day' | 'week' | 'month' | 'year';
  currency?: string;
}

const PRICES = fc.record({
  kind: fc.constantFrom<PriceKind['kind'][]>('unit', 'unit', 'decimal', 'graduated', 'volume', 'package'),
  amount: fc.constantFrom(1, 7, 99, 999, 2900, 12_345),
  interval: fc.constantFrom<PriceKind['interval'][]>('month', 'month', 'week', 'year', 'day'),
});

const CHANGES = fc.record({
  from: PRICES,
  to: PRICES,
  currency: fc.constantFrom('usd', 'eur', 'jpy', 'krw'),
  coupon: fc.constantFrom<CouponKind[]>(null, null, 10, 33.3, 'amount'),
  quantity: fc.integer({ min: 1, max: 25 }),
  newQuantity: fc.integer({ min: 1, max: 40 }),
  moment: fc.double({ min: 0, max: 0.999, noNaN: true }),
  behavior: fc.constantFrom<('always_invoice' | 'create_prorations' | 'none')[]>(
    'always_invoice',
    'always_invoice',
    'create_prorations',
    'none',
  ),
  adds: fc.boolean(),
});

function parametersOf({ kind, amount, interval, currency }: PriceKind): Partial<Stripe.PriceCreateParams> {
  const common = { currency, recurring: { interval } };
  switch (kind) {
    case 'unit':
      return { ...common, unit_amount: amount };
    case 'decimal':
      return { ...common, unit_amount: undefined, unit_amount_decimal: decimal(`${amount}.375`) };
    case 'package':
      return { ...common, unit_amount: amount, transform_quantity: { divide_by: 3, round: 'up' } };
    default:
      return {
        ...common,
        billing_scheme: 'tiered',
        tiers_mode: kind,
        tiers: [
          { up_to: 5, unit_amount: amount },
          { up_to: 'inf', unit_amount: Math.ceil(amount / 2), flat_amount: 50 },
        ],
      };
  }
}

function decimal(text: string): Stripe.Decimal {
  return text as unknown as Stripe.Decimal;
}
