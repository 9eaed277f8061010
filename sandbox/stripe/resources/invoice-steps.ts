import type Stripe from 'stripe';
import type { Account } from '../account';
import { judge, openPaymentIntent, settlePayment, type Verdict } from '../payments';
import { newId } from '../random';

/** How an invoice's payment went. */
export interface PaymentOutcome {
  invoice: Stripe.Invoice;
  verdict: Verdict;
  intent: Stripe.PaymentIntent | null;
}

/**
 * Makes a draft final: number, hosted pages, and the payment it waits for.
 * Nothing to pay means paid.
 * @param intent A payment intent already made for it (checkout), else one is opened.
 */
export function finalizeInvoice(
  account: Account,
  draft: Stripe.Invoice,
  intent?: Stripe.PaymentIntent,
): Stripe.Invoice {
  const now = account.now();
  const customer = account.get('customer', draft.customer as string, 'customer');
  const sequence = customer.next_invoice_sequence ?? 1;
  account.change('customer', customer, { next_invoice_sequence: sequence + 1 });
  const page = `${account.publicUrl()}/i/${draft.id}`;
  let invoice = account.change('invoice', draft, {
    auto_advance: draft.amount_due > 0,
    effective_at: now,
    ending_balance: 0,
    hosted_invoice_url: page,
    invoice_pdf: `${page}/pdf`,
    number: `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}`,
    status: 'open',
    status_transitions: { ...draft.status_transitions, finalized_at: now },
  });
  account.emit('invoice.finalized', invoice);
  if (invoice.amount_due === 0) return markPaid(account, invoice);
  const payment = intent ?? openPaymentIntent(account, paymentOrder(invoice));
  invoice = account.change('invoice', invoice, {
    confirmation_secret: { client_secret: payment.client_secret ?? '', type: 'payment_intent' },
  });
  account.add('invoice_payment', {
    id: newId('inpay'),
    object: 'invoice_payment',
    amount_paid: null,
    amount_requested: invoice.amount_due,
    created: now,
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: false,
    payment: { payment_intent: payment.id, type: 'payment_intent' },
    status: 'open',
    status_transitions: { canceled_at: null, paid_at: null },
  });
  return invoice;
}

function paymentOrder(invoice: Stripe.Invoice) {
  const first = invoice.billing_reason === 'subscription_create';
  return {
    amount: invoice.amount_due,
    currency: invoice.currency,
    customer: invoice.customer as string,
    description: first ? 'Subscription creation' : `Payment for Invoice ${invoice.number}`,
    metadata: {},
  };
}

/** The payment of an invoice that is not paid yet. */
export function openPaymentOf(account: Account, invoice: string): Stripe.InvoicePayment | undefined {
  return account.newest('invoice_payment', (row) => row.invoice === invoice && row.status === 'open')[0];
}

/**
 * Charges a card for an open invoice, with the events of success or failure.
 * @param options.verdict The bank's answer when it was asked before (checkout).
 */
export function collect(
  account: Account,
  invoice: Stripe.Invoice,
  paymentMethod: Stripe.PaymentMethod,
  options: { verdict?: Verdict; authenticated?: boolean } = {},
): PaymentOutcome {
  const payment = openPaymentOf(account, invoice.id);
  if (!payment) return { invoice, verdict: { kind: 'approved' }, intent: null };
  const verdict = options.verdict ?? judge(account, paymentMethod.id, options.authenticated ?? false);
  const pending = account.get('payment_intent', payment.payment.payment_intent as string);
  const intent = settlePayment(account, pending, paymentMethod, verdict);
  const attempted = { attempted: true, attempt_count: invoice.attempt_count + 1 };
  if (verdict.kind === 'approved') {
    const now = account.now();
    const paid = account.change('invoice_payment', payment, {
      amount_paid: invoice.amount_due,
      status: 'paid',
      status_transitions: { canceled_at: null, paid_at: now },
    });
    account.emit('invoice_payment.paid', paid);
    return { invoice: markPaid(account, { ...invoice }, attempted), verdict, intent };
  }
  const failed = account.change('invoice', invoice, attempted, 'invoice.updated');
  if (verdict.kind === 'authentication_required') account.emit('invoice.payment_action_required', failed);
  account.emit('invoice.payment_failed', failed);
  return { invoice: failed, verdict, intent };
}

function markPaid(
  account: Account,
  invoice: Stripe.Invoice,
  attempt: Partial<Stripe.Invoice> = {},
): Stripe.Invoice {
  const paid = account.change('invoice', invoice, {
    attempted: true,
    ...attempt,
    amount_paid: invoice.amount_due,
    amount_remaining: 0,
    auto_advance: false,
    next_payment_attempt: null,
    status: 'paid',
    status_transitions: { ...invoice.status_transitions, paid_at: account.now() },
  });
  account.emit('invoice.paid', paid);
  account.emit('invoice.payment_succeeded', paid);
  return paid;
}
