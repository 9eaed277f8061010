import type Stripe from 'stripe';
import type { Account } from '../account';
import { only, type Call } from '../call';
import { followSubscription, subscriptionOf } from '../engine/payment-consequences';
import { invalidRequest, paymentFailed } from '../errors';
import { inRange, listPage } from '../pagination';
import { collect, finalizeInvoice, markPaid, openPaymentOf } from './invoice-steps';
import { ownPaymentMethod } from './payment-methods';

export function retrieveInvoice({ account, id }: Call<Stripe.InvoiceRetrieveParams>): object {
  return account.get('invoice', id);
}

export function listInvoices({ account, params }: Call<Stripe.InvoiceListParams>): object {
  only(
    params,
    'collection_method',
    'created',
    'customer',
    'due_date',
    'ending_before',
    'limit',
    'starting_after',
    'status',
    'subscription',
  );
  const rows = account.newest(
    'invoice',
    (invoice) =>
      inRange(invoice.created, params.created) &&
      (params.due_date === undefined ||
        (invoice.due_date !== null && inRange(invoice.due_date, params.due_date))) &&
      (params.collection_method === undefined || invoice.collection_method === params.collection_method) &&
      (params.customer === undefined || invoice.customer === params.customer) &&
      (params.status === undefined || invoice.status === params.status) &&
      (params.subscription === undefined ||
        invoice.parent?.subscription_details?.subscription === params.subscription),
  );
  return listPage(rows, params, '/v1/invoices');
}

export function listInvoiceLines({ account, params, id }: Call<Stripe.InvoiceListLineItemsParams>): object {
  return listPage(account.get('invoice', id).lines.data, params, `/v1/invoices/${id}/lines`);
}

/** Tries to pay an open invoice now, with the given card or the default one. */
export function payInvoice({ account, params, id }: Call<Stripe.InvoicePayParams>): object {
  only(params, 'off_session', 'paid_out_of_band', 'payment_method');
  const found = account.get('invoice', id);
  // Paying a draft makes it final first.
  const invoice = found.status === 'draft' ? finalizeInvoice(account, found) : found;
  if (found.status === 'draft' && invoice.status === 'paid') return invoice;
  if (invoice.status === 'paid') throw invalidRequest('Invoice is already paid');
  if (invoice.status !== 'open' && invoice.status !== 'uncollectible') {
    throw invalidRequest(
      `This invoice is ${invoice.status} and can not be paid.`,
      undefined,
      'invoice_not_editable',
    );
  }
  if (params.paid_out_of_band) {
    followSubscription(account, payElsewhere(account, invoice));
    return account.get('invoice', id);
  }
  const customer = invoice.customer as string;
  const card =
    params.payment_method ??
    (invoice.default_payment_method as string | null) ??
    defaultPaymentMethod(account, customer, subscriptionOf(account, invoice));
  if (!card) throw noPaymentMethod();
  const paymentMethod = ownPaymentMethod(account, card, customer, 'payment_method');
  const { invoice: after, verdict, intent } = collect(account, invoice, paymentMethod);
  followSubscription(account, after);
  if (verdict.kind === 'approved') return account.get('invoice', id);
  if (verdict.kind === 'authentication_required') {
    throw paymentFailed(
      'invoice_payment_intent_requires_action',
      'This payment requires additional user action before it can be completed successfully.',
      { payment_intent: intent },
    );
  }
  const { code, decline_code, message } = verdict;
  throw paymentFailed(code, message, { decline_code: decline_code ?? undefined, payment_intent: intent });
}

/** Paid outside of Stripe: nothing is charged. */
function payElsewhere(account: Account, invoice: Stripe.Invoice): Stripe.Invoice {
  const payment = openPaymentOf(account, invoice.id);
  if (payment) {
    const status_transitions = { canceled_at: account.now(), paid_at: null };
    account.change('invoice_payment', payment, { status: 'canceled', status_transitions });
  }
  return markPaid(account, invoice, { amount_paid_off_stripe: invoice.amount_due });
}

/** The card a subscription is charged with: its own default, else the customer's. */
export function defaultPaymentMethod(
  account: Account,
  customer: string,
  subscription: Stripe.Subscription | undefined,
): string | null {
  const own = subscription?.default_payment_method as string | null | undefined;
  return (
    own ??
    (account.get('customer', customer, 'customer').invoice_settings.default_payment_method as string | null)
  );
}

/** 400: nothing to charge. */
export function noPaymentMethod(): Error {
  return invalidRequest(
    'This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.',
    undefined,
    'resource_missing',
  );
}

export function retrieveInvoicePayment({ account, id }: Call<Stripe.InvoicePaymentRetrieveParams>): object {
  return account.get('invoice_payment', id);
}

export function listInvoicePayments({ account, params }: Call<Stripe.InvoicePaymentListParams>): object {
  only(params, 'created', 'ending_before', 'invoice', 'limit', 'payment', 'starting_after', 'status');
  const rows = account.newest(
    'invoice_payment',
    (row) =>
      inRange(row.created, params.created) &&
      (params.invoice === undefined || row.invoice === params.invoice) &&
      (params.payment?.payment_intent === undefined ||
        row.payment.payment_intent === params.payment.payment_intent) &&
      (params.status === undefined || row.status === params.status),
  );
  return listPage(rows, params, '/v1/invoice_payments');
}

/** Pays an open invoice whose payer has just passed 3-D Secure, or records that they did not. */
export function finishAuthentication(
  account: Account,
  intentId: string,
  passed: boolean,
): Stripe.PaymentIntent {
  const intent = account.get('payment_intent', intentId);
  if (intent.status !== 'requires_action')
    throw invalidRequest('This payment does not wait for an authentication.');
  const row = account.newest('invoice_payment', (each) => each.payment.payment_intent === intentId)[0];
  if (!row) throw invalidRequest('This payment belongs to no invoice.');
  const invoice = account.get('invoice', row.invoice as string);
  const paymentMethod = account.get('payment_method', intent.payment_method as string);
  const verdict = passed
    ? undefined
    : ({
        kind: 'declined',
        code: 'payment_intent_authentication_failure',
        decline_code: null,
        message: 'The provided PaymentMethod has failed authentication.',
      } as const);
  if (!openPaymentOf(account, invoice.id)) throw invalidRequest('The invoice waits for no payment.');
  const outcome = collect(account, invoice, paymentMethod, { verdict, authenticated: passed });
  followSubscription(account, outcome.invoice);
  return account.get('payment_intent', intentId);
}
