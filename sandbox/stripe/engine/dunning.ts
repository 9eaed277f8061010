import type Stripe from 'stripe';
import type { Account } from '../account';
import { collect, finalizeInvoice } from '../resources/invoice-steps';
import { defaultPaymentMethod } from '../resources/invoices';
import { markUncollectible, voidInvoice } from '../resources/invoice-settlement';
import { skipRetry, wasRefusedForGood } from './hard-declines';
import { note } from './notes';
import { followFailure, followSubscription, pastDue, subscriptionOf } from './payment-consequences';

/** A draft whose hour is over: final, and charged at once. */
export function finalizeOnTime(account: Account, id: string): void {
  const draft = account.get('invoice', id);
  if (draft.status === 'draft') finalizeAndCharge(account, draft);
}

/** Makes a draft final and, when it is collected by itself, tries the default card. */
export function finalizeAndCharge(account: Account, draft: Stripe.Invoice): Stripe.Invoice {
  const invoice = finalizeInvoice(account, draft);
  const paused = subscriptionOf(account, invoice)?.pause_collection?.behavior;
  if (invoice.status === 'open' && paused === 'void') voidInvoice(account, invoice);
  else if (invoice.status === 'open' && paused === 'mark_uncollectible') markUncollectible(account, invoice);
  else chargeAutomatically(account, invoice);
  return account.get('invoice', invoice.id);
}

/** A planned retry. A card refused for good is not asked again. */
export function retryPayment(account: Account, invoiceId: string): void {
  const invoice = account.get('invoice', invoiceId);
  const card = cardFor(account, invoice, invoice.customer as string);
  if (card && wasRefusedForGood(account, invoice, card)) {
    const after = skipRetry(account, invoice);
    if (after.next_payment_attempt === null) followFailure(account, after);
    return;
  }
  chargeAutomatically(account, invoice);
}

/** The first automatic attempt or a retry, with what it does to the subscription. */
export function chargeAutomatically(account: Account, invoice: Stripe.Invoice): void {
  if (invoice.status === 'paid') return followSubscription(account, invoice);
  if (invoice.status !== 'open' || invoice.collection_method !== 'charge_automatically') return;
  if (invoice.auto_advance === false) return;
  const customer = invoice.customer as string;
  const card = cardFor(account, invoice, customer);
  const { invoice: after, verdict } = collect(account, invoice, card, { automatic: true });
  if (verdict.kind === 'approved') followSubscription(account, after);
  else followFailure(account, after);
}

/** The card an invoice is charged with: its own, its subscription's, or the customer's. */
export function cardFor(
  account: Account,
  invoice: Stripe.Invoice,
  customer: string,
): Stripe.PaymentMethod | null {
  const own = invoice.default_payment_method as string | null;
  const wanted = own ?? defaultPaymentMethod(account, customer, subscriptionOf(account, invoice));
  const card = wanted ? account.store.find('payment_method', wanted) : undefined;
  // A detached card is nobody's any more.
  return card && card.customer === customer ? card : null;
}

/** An invoice sent to the customer is not paid by its due date. */
export function markOverdue(account: Account, invoiceId: string): void {
  const invoice = account.get('invoice', invoiceId);
  note(account, invoiceId, 'overdue', invoice.due_date ?? 0);
  account.emit('invoice.overdue', invoice);
  const subscription = subscriptionOf(account, invoice);
  if (subscription) pastDue(account, subscription);
}
