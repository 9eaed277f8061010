import Stripe from 'stripe';
import { billingUnderTest, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

describe('invoices made by hand in the Stripe sandbox', () => {
  let under: BillingUnderTest;
  let stripe: Stripe;

  beforeAll(async () => {
    under = await billingUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterAll(() => under.close());

  it('take pending items, are finalized and paid', async () => {
    const customer = await under.payer();
    const product = (await stripe.products.create({ name: 'Setup' })).id;
    const price = await stripe.prices.create({ product, currency: 'usd', unit_amount: 1500 });
    await stripe.invoiceItems.create({ customer, pricing: { price: price.id }, quantity: 2 });
    await stripe.invoiceItems.create({ customer, amount: -500, currency: 'usd', description: 'Sorry' });
    await stripe.invoiceItems.create({
      customer,
      currency: 'usd',
      unit_amount_decimal: Stripe.Decimal.from('0.5'),
      quantity: 3,
    });
    const draft = await stripe.invoices.create({
      customer,
      pending_invoice_items_behavior: 'include',
      description: 'By hand',
      metadata: { a: '1' },
    });
    expect(draft).toMatchObject({ status: 'draft', total: 2502, billing_reason: 'manual', parent: null });
    expect((await stripe.invoiceItems.list({ customer, pending: true })).data).toEqual([]);
    const open = await stripe.invoices.finalizeInvoice(draft.id);
    expect(open).toMatchObject({ status: 'open', amount_due: 2502 });
    expect(open.number).toMatch(/-0001$/);
    expect(await stripe.invoices.pay(draft.id)).toMatchObject({ status: 'paid', amount_paid: 2502 });
    await expect(stripe.invoices.voidInvoice(draft.id)).rejects.toMatchObject({ statusCode: 400 });
  });

  it('are worked out anew while they are drafts', async () => {
    const customer = await under.payer();
    const draft = await stripe.invoices.create({ customer, currency: 'usd' });
    expect(draft).toMatchObject({ total: 0, lines: { data: [] } });
    const item = await stripe.invoiceItems.create({
      customer,
      invoice: draft.id,
      amount: 700,
      currency: 'usd',
    });
    expect((await stripe.invoices.retrieve(draft.id)).total).toBe(700);
    await stripe.invoiceItems.update(item.id, { amount: 900, description: 'More' });
    expect(await stripe.invoices.retrieve(draft.id)).toMatchObject({
      total: 900,
      lines: { data: [{ description: 'More' }] },
    });
    await stripe.invoices.update(draft.id, { description: 'Changed', auto_advance: true });
    expect(await stripe.invoiceItems.del(item.id)).toMatchObject({ deleted: true });
    expect((await stripe.invoices.retrieve(draft.id)).total).toBe(0);
    expect(await stripe.invoices.del(draft.id)).toMatchObject({ deleted: true });
    await expect(stripe.invoices.retrieve(draft.id)).rejects.toMatchObject({ statusCode: 404 });
  });

  it('advance by themselves when told to', async () => {
    const customer = await under.payer();
    await stripe.invoiceItems.create({ customer, amount: 700, currency: 'usd' });
    const draft = await stripe.invoices.create({
      customer,
      auto_advance: true,
      pending_invoice_items_behavior: 'include',
    });
    await under.goTo(draft.automatically_finalizes_at!);
    expect((await stripe.invoices.retrieve(draft.id)).status).toBe('paid');
  });

  it('are given up, paid after all, or void, which gives used credit back', async () => {
    const customer = await under.payer();
    const openInvoice = async () => {
      await stripe.invoiceItems.create({ customer, amount: 1000, currency: 'usd' });
      const draft = await stripe.invoices.create({ customer, pending_invoice_items_behavior: 'include' });
      return (await stripe.invoices.finalizeInvoice(draft.id)).id;
    };
    const lost = await openInvoice();
    expect((await stripe.invoices.markUncollectible(lost)).status).toBe('uncollectible');
    expect((await stripe.invoices.pay(lost)).status).toBe('paid');

    await stripe.customers.update(customer, { balance: -400 });
    const voided = await openInvoice();
    expect(await stripe.invoices.retrieve(voided)).toMatchObject({ amount_due: 600, ending_balance: 0 });
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: 0 });
    expect((await stripe.invoices.voidInvoice(voided)).status).toBe('void');
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: -400 });
    const payments = await stripe.invoicePayments.list({ invoice: voided });
    expect(payments.data).toMatchObject([{ status: 'canceled' }]);
    await expect(stripe.invoices.pay(voided)).rejects.toMatchObject({ statusCode: 400 });
    await expect(stripe.invoices.finalizeInvoice(voided)).rejects.toMatchObject({
      code: 'invoice_not_editable',
    });
  });

  it('bill what waits for a subscription before its renewal', async () => {
    const price = await under.price(1000);
    const made = await under.subscribe([{ price: price.id }]);
    const customer = made.customer as string;
    await expect(stripe.invoices.create({ customer, subscription: made.id })).rejects.toMatchObject({
      code: 'invoice_no_subscription_line_items',
    });
    await stripe.invoiceItems.create({ customer, subscription: made.id, amount: 250, currency: 'usd' });
    const draft = await stripe.invoices.create({ customer, subscription: made.id });
    expect(draft).toMatchObject({
      total: 250,
      parent: { subscription_details: { subscription: made.id } },
    });
    await under.goTo(periodEnd(made) + HOUR);
    expect((await under.invoicesOf(made.id)).at(-1)).toMatchObject({ total: 1000 });
  });
});
