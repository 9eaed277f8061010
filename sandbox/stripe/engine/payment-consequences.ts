import type Stripe from 'stripe';
import type { Account } from '../account';
import { restoreDebits } from '../billing/debits';
import { endSubscription } from '../resources/subscription-end';
import { forget, noteOf } from './notes';
import { settingsOf } from './settings';

/** The subscription an invoice is for, if it is for one. */
export function subscriptionOf(account: Account, invoice: Stripe.Invoice): Stripe.Subscription | undefined {
  const id = invoice.parent?.subscription_details?.subscription as string | undefined;
  return id ? account.store.find('subscription', id) : undefined;
}

/**
 * What a settled invoice (paid, void or uncollectible) does to its subscription: a first or late payment makes it
 * active, a pending update is applied, a resumption goes through.
 */
export function followSubscription(account: Account, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(account, invoice);
  if (!subscription || subscription.ended_at !== null) return;
  const pending = account.store.find('pending_change', subscription.id);
  if (pending?.invoice === invoice.id) {
    if (invoice.status === 'paid') applyPendingChange(account, subscription);
    return;
  }
  if (subscription.status === 'paused') return followResumption(account, subscription, invoice);
  if (subscription.status === 'incomplete') {
    if (invoice.status === 'paid') activate(account, subscription);
    return;
  }
  if (subscription.status !== 'past_due' && subscription.status !== 'unpaid') return;
  if (subscription.latest_invoice === invoice.id || !owes(account, subscription))
    activate(account, subscription);
}

function activate(account: Account, subscription: Stripe.Subscription): void {
  account.change('subscription', subscription, { status: 'active' }, 'customer.subscription.updated');
}

/** Whether an invoice of the subscription is still open after a failed attempt. */
function owes(account: Account, subscription: Stripe.Subscription): boolean {
  for (const invoice of account.store.rows('invoice')) {
    if (invoice.status !== 'open' || !invoice.attempted) continue;
    if (invoice.parent?.subscription_details?.subscription === subscription.id) return true;
  }
  return false;
}

/** The payment came: what waited for it takes effect. */
function applyPendingChange(account: Account, subscription: Stripe.Subscription): void {
  const pending = account.store.find('pending_change', subscription.id);
  if (!pending) return;
  account.store.remove('pending_change', subscription.id);
  restoreDebits(account, subscription.id, pending.debits);
  const applied = account.change(
    'subscription',
    subscription,
    { ...pending.changes, pending_update: null },
    'customer.subscription.updated',
  );
  account.emit('customer.subscription.pending_update_applied', applied);
}

function followResumption(
  account: Account,
  subscription: Stripe.Subscription,
  invoice: Stripe.Invoice,
): void {
  if (noteOf(account, subscription.id, 'resumption')?.object !== invoice.id) return;
  forget(account, subscription.id, 'resumption');
  if (invoice.status === 'void') {
    // Stays paused; putting it again works its agenda out anew.
    account.add('subscription', subscription);
    return;
  }
  completeResumption(account, subscription);
}

/** A paused subscription is active again. */
export function completeResumption(account: Account, subscription: Stripe.Subscription): Stripe.Subscription {
  const { status_details: _paused, ...rest } = subscription;
  const active: Stripe.Subscription = { ...rest, status: 'active' };
  account.add('subscription', active, 'customer.subscription.resumed');
  account.emit('customer.subscription.updated', active, { status: 'paused' });
  return active;
}

/** What a failed automatic attempt does: past due at first; after the last retry what the account's setting says. */
export function followFailure(account: Account, invoice: Stripe.Invoice): void {
  const subscription = subscriptionOf(account, invoice);
  if (!subscription || subscription.ended_at !== null) return;
  if (account.store.find('pending_change', subscription.id)?.invoice === invoice.id) return;
  if (subscription.status === 'incomplete' || subscription.status === 'paused') return;
  if (invoice.next_payment_attempt !== null) return pastDue(account, subscription);
  switch (settingsOf(account).after_retries) {
    case 'cancel':
      endSubscription(account, subscription, 'payment_failed');
      return;
    case 'unpaid':
      account.change('subscription', subscription, { status: 'unpaid' }, 'customer.subscription.updated');
      return;
    default:
      pastDue(account, subscription);
  }
}

/** A payment is due and has not come. */
export function pastDue(account: Account, subscription: Stripe.Subscription): void {
  if (subscription.status !== 'active' && subscription.status !== 'trialing') return;
  account.change('subscription', subscription, { status: 'past_due' }, 'customer.subscription.updated');
}
