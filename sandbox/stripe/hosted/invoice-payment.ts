import type Stripe from 'stripe';
import type { Account } from '../account';
import { followSubscription } from '../engine/payment-consequences';
import { collect, openPaymentOf } from '../resources/invoice-steps';
import { finishAuthentication } from '../resources/invoices';
import { attach } from '../resources/payment-methods';
import { cardFrom } from './payer-input';

/** Whether a payer can still pay this invoice. */
export function isPayable(invoice: Stripe.Invoice): boolean {
  return invoice.status === 'open' || invoice.status === 'uncollectible';
}

/** Pays an invoice with the card of the page's form, which becomes one of the customer's cards. */
export function payInvoiceByHand(account: Account, id: string, input: Record<string, unknown>): object {
  const invoice = account.get('invoice', id);
  // Somebody else was faster, or a second click: the page says how things stand.
  if (!isPayable(invoice)) return { reload: true };
  const customer = invoice.customer as string;
  const card = attach(account, cardFrom(account, input, invoice.customer_email), customer);
  const { invoice: after, verdict } = collect(account, invoice, card);
  followSubscription(account, after);
  if (verdict.kind === 'approved') return { reload: true };
  if (verdict.kind === 'authentication_required') return { requires_action: true };
  return { error: { field: 'number', message: `${verdict.message} Please try another card.` } };
}

/** The payer has passed 3-D Secure, or has not. */
export function authenticateInvoice(account: Account, id: string, passed: boolean): object {
  const invoice = account.get('invoice', id);
  const payment = openPaymentOf(account, id);
  if (!isPayable(invoice) || !payment) return { reload: true };
  const intent = finishAuthentication(account, payment.payment.payment_intent as string, passed);
  if (intent.status === 'succeeded') return { reload: true };
  const message = intent.last_payment_error?.message ?? 'The authentication failed.';
  return { error: { field: 'number', message: `${message} Please try another card.` } };
}
