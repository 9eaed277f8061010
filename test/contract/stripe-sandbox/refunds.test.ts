import Stripe from 'stripe';
import { billingUnderTest, type BillingUnderTest } from './billing-harness';

/** Money that goes back: refunds, disputes, credit notes. */
let account: BillingUnderTest;
let stripe: Stripe;
let subscription: Stripe.Subscription;
let invoice: Stripe.Invoice;
let charge: Stripe.Charge;

beforeAll(async () => {
  account = await billingUnderTest();
  stripe = account.stripe;
});
afterAll(() => account.close());
beforeEach(async () => {
  const price = await account.price(3000);
  subscription = await account.subscribe([{ price: price.id, quantity: 2 }]);
  [invoice] = (await account.invoicesOf(subscription.id)) as [Stripe.Invoice];
  const { data } = await stripe.charges.list({ customer: subscription.customer as string });
  charge = data[0]!;
});

/** An invoice that waits for its money. */
async function openInvoice(): Promise<Stripe.Invoice> {
  const price = await account.price(3000);
  const sent = await account.subscribe([{ price: price.id, quantity: 2 }], {
    collection_method: 'send_invoice',
    days_until_due: 30,
  });
  const draft = await stripe.invoices.retrieve(sent.latest_invoice as string);
  return draft.status === 'draft' ? stripe.invoices.finalizeInvoice(draft.id) : draft;
}

describe('a refund', () => {
  it('of a part leaves the rest, and the rest is given back without an amount', async () => {
    const part = await stripe.refunds.create({
      charge: charge.id,
      amount: 1000,
      reason: 'requested_by_customer',
      metadata: { ticket: '7' },
    });
    expect(part).toMatchObject({ amount: 1000, status: 'succeeded', charge: charge.id });
    expect(await stripe.charges.retrieve(charge.id)).toMatchObject({
      amount_refunded: 1000,
      refunded: false,
    });
    const rest = await stripe.refunds.create({ payment_intent: charge.payment_intent as string });
    expect(rest.amount).toBe(5000);
    expect(await stripe.charges.retrieve(charge.id)).toMatchObject({ amount_refunded: 6000, refunded: true });
    expect(await account.eventTypes(charge.id)).toEqual([
      'charge.succeeded',
      'charge.refunded',
      'charge.refunded',
    ]);
    const list = await stripe.refunds.list({ charge: charge.id });
    expect(list.data.map(({ id }) => id)).toEqual([rest.id, part.id]);
    const changed = await stripe.refunds.update(part.id, { metadata: { ticket: '', note: 'done' } });
    expect(changed.metadata).toEqual({ note: 'done' });
    const full = await stripe.refunds.retrieve(part.id, { expand: ['charge'] });
    expect((full.charge as Stripe.Charge).id).toBe(charge.id);
  });

  it('of more than is left, of nothing, or twice, is refused', async () => {
    await expect(stripe.refunds.create({ charge: charge.id, amount: 6001 })).rejects.toMatchObject({
      statusCode: 400,
      param: 'amount',
    });
    await expect(stripe.refunds.create({})).rejects.toMatchObject({ code: 'parameter_missing' });
    await stripe.refunds.create({ charge: charge.id });
    await expect(stripe.refunds.create({ charge: charge.id })).rejects.toMatchObject({
      code: 'charge_already_refunded',
    });
  });
});

describe('a dispute', () => {
  it('withdraws the money until the bank decides', async () => {
    const dispute = (await account.control(`/charges/${charge.id}/dispute`, {
      reason: 'fraudulent',
    })) as unknown as Stripe.Dispute;
    expect(await stripe.disputes.retrieve(dispute.id)).toMatchObject({
      charge: charge.id,
      amount: 6000,
      status: 'needs_response',
    });
    expect((await stripe.charges.retrieve(charge.id)).disputed).toBe(true);
    await account.control(`/disputes/${dispute.id}/decide`, { outcome: 'won' });
    expect(await account.eventTypes(dispute.id)).toEqual([
      'charge.dispute.created',
      'charge.dispute.funds_withdrawn',
      'charge.dispute.closed',
      'charge.dispute.funds_reinstated',
    ]);
    await expect(stripe.disputes.close(dispute.id)).rejects.toMatchObject({ statusCode: 400 });
    const { data } = await stripe.disputes.list({ charge: charge.id });
    expect(data.map(({ status }) => status)).toEqual(['won']);
  });

  it('that is closed is lost', async () => {
    const { id } = await account.control(`/charges/${charge.id}/dispute`, {});
    expect((await stripe.disputes.close(id as string)).status).toBe('lost');
  });
});

describe('a credit note', () => {
  it('on a paid invoice gives back by refund and credit, as its caller says', async () => {
    const wanted = {
      invoice: invoice.id,
      amount: 2500,
      refund_amount: 2000,
      credit_amount: 500,
      reason: 'order_change' as const,
    };
    const preview = await stripe.creditNotes.preview(wanted);
    expect(preview).toMatchObject({ total: 2500, post_payment_amount: 2500, pre_payment_amount: 0 });
    const note = await stripe.creditNotes.create({ ...wanted, memo: 'Sorry' });
    expect(note).toMatchObject({
      number: `${invoice.number}-CN-01`,
      status: 'issued',
      total: 2500,
      type: 'post_payment',
      memo: 'Sorry',
    });
    expect(note.refunds).toMatchObject([{ amount_refunded: 2000 }]);
    expect(await stripe.charges.retrieve(charge.id)).toMatchObject({ amount_refunded: 2000 });
    const payer = (await stripe.customers.retrieve(subscription.customer as string)) as Stripe.Customer;
    expect(payer.balance).toBe(-500);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'paid',
      total: 6000,
      post_payment_credit_notes_amount: 2500,
    });
    expect(await account.eventTypes(note.id)).toEqual(['credit_note.created']);
    const { data } = await stripe.creditNotes.list({ invoice: invoice.id });
    expect(data.map(({ id }) => id)).toEqual([note.id]);
    const lines = await stripe.creditNotes.listLineItems(note.id);
    expect(lines.data.map(({ amount }) => amount)).toEqual([2500]);
  });

  it('of a line gives a part of it back', async () => {
    const [line] = invoice.lines.data;
    const note = await stripe.creditNotes.create({
      invoice: invoice.id,
      lines: [{ type: 'invoice_line_item', invoice_line_item: line!.id, quantity: 1 }],
      credit_amount: 3000,
    });
    expect(note.lines.data).toMatchObject([{ invoice_line_item: line!.id, amount: 3000, quantity: 1 }]);
    expect((await stripe.creditNotes.update(note.id, { memo: 'One seat' })).memo).toBe('One seat');
  });

  it('whose money goes nowhere, or is more than the invoice, is refused', async () => {
    await expect(stripe.creditNotes.create({ invoice: invoice.id, amount: 100 })).rejects.toThrow(
      /must equal/,
    );
    await expect(
      stripe.creditNotes.create({ invoice: invoice.id, amount: 6001, credit_amount: 6001 }),
    ).rejects.toThrow(/more than what is left/);
    await stripe.creditNotes.create({ invoice: invoice.id, amount: 4000, credit_amount: 4000 });
    await expect(
      stripe.creditNotes.create({ invoice: invoice.id, amount: 2001, credit_amount: 2001 }),
    ).rejects.toThrow(/more than what is left/);
  });

  it('on an open invoice lowers what is to be paid; voided, it does so no more', async () => {
    const open = await openInvoice();
    const note = await stripe.creditNotes.create({ invoice: open.id, amount: 1000 });
    expect(note).toMatchObject({ type: 'pre_payment', pre_payment_amount: 1000 });
    expect(await stripe.invoices.retrieve(open.id)).toMatchObject({
      amount_remaining: 5000,
      amount_due: 5000,
      pre_payment_credit_notes_amount: 1000,
    });
    expect(await stripe.creditNotes.voidCreditNote(note.id)).toMatchObject({ status: 'void' });
    expect(await stripe.invoices.retrieve(open.id)).toMatchObject({
      amount_remaining: 6000,
      pre_payment_credit_notes_amount: 0,
    });
    await expect(stripe.creditNotes.voidCreditNote(note.id)).rejects.toMatchObject({ statusCode: 400 });
    expect(await account.eventTypes(note.id)).toEqual(['credit_note.created', 'credit_note.voided']);
  });

  it('on all of an open invoice leaves nothing to pay', async () => {
    const open = await openInvoice();
    await stripe.creditNotes.create({ invoice: open.id, amount: 6000 });
    expect(await stripe.invoices.retrieve(open.id)).toMatchObject({ status: 'paid', amount_remaining: 0 });
  });
});
