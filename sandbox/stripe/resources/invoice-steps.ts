import type Stripe from 'stripe';
import type { Account } from '../account';
import { setBalance, useBalance, type BalanceUse } from '../billing/balance';
import { nextAttempt } from '../engine/hard-declines';
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
  const { due, ending } = applyBalance(account, draft);
  let invoice = account.change('invoice', draft, {
    amount_due: due,
    amount_remaining: due,
    auto_advance: due > 0 && (draft.auto_advance ?? true),
    automatically_finalizes_at: null,
    effective_at: now,
    ending_balance: ending,
    hosted_invoice_url: page,
    invoice_pdf: `${page}/pdf`,
    number: `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}`,
    starting_balance: customer.balance,
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

/** Meets the customer's balance as it is now, and leaves the rest on it. */
function applyBalance(account: Account, draft: Stripe.Invoice): BalanceUse {
  const customer = account.get('customer', draft.customer as string, 'customer');
  const use = useBalance(draft.total, customer.balance);
  if (use.ending !== customer.balance) setBalance(account, customer, use.ending);
  return use;
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
 * @param paymentMethod Null when there is none: the attempt fails without a charge.
 * @param options.verdict The bank's answer when it was asked before (checkout).
 * @param options.automatic The first attempt or a planned retry: counted, and followed by the next retry.
 */
export function collect(
  account: Account,
  invoice: Stripe.Invoice,
  paymentMethod: Stripe.PaymentMethod | null,
  options: { verdict?: Verdict; authenticated?: boolean; automatic?: boolean } = {},
): PaymentOutcome {
  const payment = openPaymentOf(account, invoice.id);
  if (!payment) return { invoice, verdict: { kind: 'approved' }, intent: null };
  const verdict =
    options.verdict ??
    (paymentMethod ? judge(account, paymentMethod.id, options.authenticated ?? false) : NO_CARD);
  const pending = account.get('payment_intent', payment.payment.payment_intent as string);
  const intent = paymentMethod ? settlePayment(account, pending, paymentMethod, verdict) : pending;
  const attempts = options.automatic ? invoice.attempt_count + 1 : Math.max(1, invoice.attempt_count);
  const attempted = { attempted: true, attempt_count: attempts };
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
  const changes = options.automatic
    ? { ...attempted, next_payment_attempt: nextAttempt(account, invoice.id, attempts) }
    : attempted;
  const failed = account.change('invoice', invoice, changes, 'invoice.updated');
  if (verdict.kind === 'authentication_required') account.emit('invoice.payment_action_required', failed);
  account.emit('invoice.payment_failed', failed);
  return { invoice: failed, verdict, intent };
}

const NO_CARD: Verdict = {
  kind: 'declined',
  code: 'resource_missing',
  decline_code: null,
  message: 'There is no default payment method to charge.',
};

/** Marks an invoice paid, with its events. */
export function markPaid(
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
