import type Stripe from 'stripe';
import type { Account } from '../account';
import { setBalance } from '../billing/balance';
import { only, type Call } from '../call';
import { invalidRequest } from '../errors';
import { moneyText } from '../money-text';
import { inRange, listPage } from '../pagination';
import { newId } from '../random';
import { creditOrder, type CreditOrder } from './credit-note-object';
import { markPaid, openPaymentOf } from './invoice-steps';
import { mergeMetadata } from './metadata';
import { refund } from './refunds';

/** Where the money of a credit note goes. `pre` lowers what is still to be paid. */
interface Split {
  pre: number;
  refund: number;
  credit: number;
  outOfBand: number;
}

/** Takes back a part of a finalized invoice (docs.stripe.com/api/credit_notes). */
export function createCreditNote({ account, params }: Call<Stripe.CreditNoteCreateParams>): object {
  const { invoice, note, split } = draftOf(account, params);
  const refunds: Stripe.CreditNote.Refund[] = [];
  if (split.refund > 0) {
    const made = refund(account, chargeOf(account, invoice), split.refund, { metadata: null, reason: null });
    refunds.push({
      amount_refunded: split.refund,
      payment_record_refund: null,
      refund: made.id,
      type: 'refund',
    });
  }
  if (split.credit > 0) giveCredit(account, invoice, split.credit);
  const issued = { ...note, refunds };
  account.add('credit_note', issued, 'credit_note.created');
  settleInvoice(account, invoice, split);
  return issued;
}

/** What creating it would answer; nothing is kept. */
export function previewCreditNote({ account, params }: Call<Stripe.CreditNotePreviewParams>): object {
  return draftOf(account, params).note;
}

export function retrieveCreditNote({ account, id }: Call<Stripe.CreditNoteRetrieveParams>): object {
  return account.get('credit_note', id);
}

export function updateCreditNote({ account, params, id }: Call<Stripe.CreditNoteUpdateParams>): object {
  only(params, 'memo', 'metadata');
  const note = account.get('credit_note', id);
  const changes = {
    memo: params.memo ?? note.memo,
    metadata: mergeMetadata(note.metadata, params.metadata),
  };
  return account.change('credit_note', note, changes, 'credit_note.updated');
}

/** Only before the invoice is paid: what was given back already can not be taken away again. */
export function voidCreditNote({ account, id }: Call<Stripe.CreditNoteVoidCreditNoteParams>): object {
  const note = account.get('credit_note', id);
  if (note.status === 'void') throw invalidRequest('This credit note is already void.');
  const invoice = account.get('invoice', note.invoice as string);
  if (invoice.status !== 'open')
    throw invalidRequest('You can only void a credit note of an open invoice.', 'id');
  const voided = account.change('credit_note', note, { status: 'void', voided_at: account.now() });
  account.emit('credit_note.voided', voided);
  lower(account, invoice, -note.pre_payment_amount);
  return voided;
}

export function listCreditNotes({ account, params }: Call<Stripe.CreditNoteListParams>): object {
  only(params, 'created', 'customer', 'ending_before', 'invoice', 'limit', 'starting_after');
  const rows = account.newest(
    'credit_note',
    (row) =>
      inRange(row.created, params.created) &&
      (params.customer === undefined || row.customer === params.customer) &&
      (params.invoice === undefined || row.invoice === params.invoice),
  );
  return listPage(rows, params, '/v1/credit_notes');
}

export function listCreditNoteLines({
  account,
  params,
  id,
}: Call<Stripe.CreditNoteListLineItemsParams>): object {
  only(params, 'ending_before', 'limit', 'starting_after');
  return listPage(account.get('credit_note', id).lines.data, params, `/v1/credit_notes/${id}/lines`);
}

function draftOf(
  account: Account,
  params: Stripe.CreditNoteCreateParams,
): { invoice: Stripe.Invoice; note: Stripe.CreditNote; split: Split } {
  only(
    params,
    'amount',
    'credit_amount',
    'effective_at',
    'email_type',
    'invoice',
    'lines',
    'memo',
    'metadata',
    'out_of_band_amount',
    'reason',
    'refund_amount',
  );
  const invoice = account.get('invoice', params.invoice, 'invoice');
  if (invoice.status !== 'open' && invoice.status !== 'paid')
    throw invalidRequest(
      `You can not create a credit note for an invoice that is ${invoice.status}.`,
      'invoice',
    );
  const order = creditOrder(invoice, params);
  const split = splitOf(account, invoice, order, params);
  return { invoice, note: noteOf(account, invoice, order, split, params), split };
}

/** What is not paid yet is lowered; of what was paid, the caller says where it goes. */
function splitOf(
  account: Account,
  invoice: Stripe.Invoice,
  { total }: CreditOrder,
  params: Stripe.CreditNoteCreateParams,
): Split {
  const issued = account
    .newest('credit_note', (row) => row.invoice === invoice.id && row.status === 'issued')
    .reduce((amount, row) => amount + row.total, 0);
  if (total > invoice.total - issued)
    throw invalidRequest(
      `The credit note amount (${moneyText(total, invoice.currency)}) is more than what is left of the invoice (${moneyText(invoice.total - issued, invoice.currency)}).`,
      'amount',
    );
  const pre = invoice.status === 'open' ? Math.min(total, invoice.amount_remaining) : 0;
  const post = total - pre;
  const { refund_amount = 0, credit_amount = 0, out_of_band_amount = 0 } = params;
  if (refund_amount + credit_amount + out_of_band_amount !== post)
    throw invalidRequest(
      `The sum of credit amount, refund amount and out of band amount (${moneyText(refund_amount + credit_amount + out_of_band_amount, invoice.currency)}) must equal the post payment credit note amount (${moneyText(post, invoice.currency)}).`,
    );
  return { pre, refund: refund_amount, credit: credit_amount, outOfBand: out_of_band_amount };
}

function noteOf(
  account: Account,
  invoice: Stripe.Invoice,
  { lines, subtotal, discount, total }: CreditOrder,
  split: Split,
  params: Stripe.CreditNoteCreateParams,
): Stripe.CreditNote {
  const now = account.now();
  const id = newId('cn');
  const before = account.newest('credit_note', (row) => row.invoice === invoice.id).length;
  const discounts = lines.flatMap((line) => line.discount_amounts);
  return {
    id,
    object: 'credit_note',
    amount: total,
    amount_shipping: 0,
    created: now,
    currency: invoice.currency,
    customer: invoice.customer as string,
    customer_account: null,
    customer_balance_transaction: split.credit > 0 ? newId('cbtxn') : null,
    discount_amount: discount,
    discount_amounts: discounts,
    effective_at: params.effective_at ?? now,
    invoice: invoice.id,
    lines: { object: 'list', data: lines, has_more: false, url: `/v1/credit_notes/${id}/lines` },
    livemode: false,
    memo: params.memo ?? null,
    metadata: mergeMetadata(null, params.metadata),
    number: `${invoice.number}-CN-${String(before + 1).padStart(2, '0')}`,
    out_of_band_amount: split.outOfBand > 0 ? split.outOfBand : null,
    pdf: `${account.publicUrl()}/i/${invoice.id}/credit_notes/${id}/pdf`,
    post_payment_amount: total - split.pre,
    pre_payment_amount: split.pre,
    pretax_credit_amounts: discounts.map((entry) => ({ ...entry, type: 'discount' as const })),
    reason: params.reason ?? null,
    refunds: [],
    shipping_cost: null,
    status: 'issued',
    subtotal,
    subtotal_excluding_tax: subtotal,
    total,
    total_excluding_tax: total,
    total_taxes: [],
    type: split.pre === total ? 'pre_payment' : split.pre === 0 ? 'post_payment' : 'mixed',
    voided_at: null,
  };
}

function chargeOf(account: Account, invoice: Stripe.Invoice): Stripe.Charge {
  const [payment] = account.newest(
    'invoice_payment',
    (row) => row.invoice === invoice.id && row.status === 'paid',
  );
  const intent = payment && account.store.find('payment_intent', payment.payment.payment_intent as string);
  if (!intent?.latest_charge) throw invalidRequest('This invoice has no charge to refund.', 'refund_amount');
  return account.get('charge', intent.latest_charge as string);
}

function giveCredit(account: Account, invoice: Stripe.Invoice, amount: number): void {
  const customer = account.get('customer', invoice.customer as string, 'customer');
  setBalance(account, customer, customer.balance - amount);
}

function settleInvoice(account: Account, invoice: Stripe.Invoice, split: Split): void {
  const post = split.refund + split.credit + split.outOfBand;
  if (post > 0) {
    const amount = invoice.post_payment_credit_notes_amount + post;
    account.change('invoice', invoice, { post_payment_credit_notes_amount: amount }, 'invoice.updated');
  }
  if (split.pre > 0) lower(account, account.get('invoice', invoice.id), split.pre);
}

/** Lowers (or, when a note is voided, raises again) what an open invoice asks for; nothing left means paid. */
function lower(account: Account, invoice: Stripe.Invoice, by: number): void {
  const due = invoice.amount_due - by;
  const changed = account.change(
    'invoice',
    invoice,
    {
      amount_due: due,
      amount_remaining: invoice.amount_remaining - by,
      pre_payment_credit_notes_amount: invoice.pre_payment_credit_notes_amount + by,
    },
    'invoice.updated',
  );
  const payment = openPaymentOf(account, invoice.id);
  if (payment) {
    account.change('invoice_payment', payment, { amount_requested: due });
    const intent = account.get('payment_intent', payment.payment.payment_intent as string);
    // An intent of nothing is not one; that of a paid invoice is not asked again.
    if (due > 0) account.change('payment_intent', intent, { amount: due });
  }
  if (due === 0) markPaid(account, changed);
}
