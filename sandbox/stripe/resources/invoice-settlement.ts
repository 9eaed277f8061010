import type Stripe from 'stripe';
import type { Account } from '../account';
import { setBalance } from '../billing/balance';
import { followSubscription } from '../engine/payment-consequences';
import { openPaymentOf } from './invoice-steps';

/** Voids an open invoice: its payment is canceled, and credit it had used comes back. */
export function voidInvoice(account: Account, invoice: Stripe.Invoice): Stripe.Invoice {
  cancelPayment(account, invoice, 'void_invoice');
  const used = invoice.starting_balance - (invoice.ending_balance ?? invoice.starting_balance);
  const customer = account.store.find('customer', invoice.customer as string);
  if (used !== 0 && customer && !customer.deleted) setBalance(account, customer, customer.balance + used);
  const changed = account.change('invoice', invoice, {
    auto_advance: false,
    next_payment_attempt: null,
    status: 'void',
    status_transitions: { ...invoice.status_transitions, voided_at: account.now() },
  });
  account.emit('invoice.voided', changed);
  followSubscription(account, changed);
  return changed;
}

/** Gives an open invoice up. It may still be paid later. */
export function markUncollectible(account: Account, invoice: Stripe.Invoice): Stripe.Invoice {
  const changed = account.change('invoice', invoice, {
    auto_advance: false,
    next_payment_attempt: null,
    status: 'uncollectible',
    status_transitions: { ...invoice.status_transitions, marked_uncollectible_at: account.now() },
  });
  account.emit('invoice.marked_uncollectible', changed);
  followSubscription(account, changed);
  return changed;
}

function cancelPayment(
  account: Account,
  invoice: Stripe.Invoice,
  reason: Stripe.PaymentIntent.CancellationReason,
): void {
  const payment = openPaymentOf(account, invoice.id);
  if (!payment) return;
  const now = account.now();
  account.change('invoice_payment', payment, {
    status: 'canceled',
    status_transitions: { canceled_at: now, paid_at: null },
  });
  const intent = account.get('payment_intent', payment.payment.payment_intent as string);
  account.change(
    'payment_intent',
    intent,
    { canceled_at: now, cancellation_reason: reason, next_action: null, status: 'canceled' },
    'payment_intent.canceled',
  );
}
