import type Stripe from 'stripe';
import type { Account } from '../account';
import { defaultPaymentMethod } from '../resources/invoices';
import { endSubscription } from '../resources/subscription-end';
import { turnPeriod } from './renewal';

/**
 * A trial is over. With a card (or an invoice to be sent) the first paid period begins; without one the
 * subscription's own setting decides: bill all the same, cancel, or pause.
 */
export function endTrial(account: Account, id: string): void {
  const subscription = account.get('subscription', id);
  const customer = subscription.customer as string;
  const charges = subscription.collection_method === 'charge_automatically';
  const missing = charges && !defaultPaymentMethod(account, customer, subscription);
  const behavior = subscription.trial_settings?.end_behavior.missing_payment_method ?? 'create_invoice';
  if (missing && behavior === 'cancel') {
    endSubscription(account, subscription, 'cancellation_requested');
    return;
  }
  if (missing && behavior === 'pause') {
    pauseAtTrialEnd(account, subscription);
    return;
  }
  turnPeriod(account, subscription, {
    status: 'active',
    // `unchanged` keeps the anchor the subscription had; by default the trial's end is the anchor already.
    billing_cycle_anchor:
      subscription.trial_settings?.end_behavior.billing_cycle_anchor === 'unchanged'
        ? subscription.billing_cycle_anchor
        : account.now(),
  });
}

function pauseAtTrialEnd(account: Account, subscription: Stripe.Subscription): void {
  const paused = pausedBy(account, subscription, 'trial_end_without_payment_method');
  account.change('subscription', subscription, paused, 'customer.subscription.updated');
  account.emit('customer.subscription.paused', account.get('subscription', subscription.id));
}

/** What a subscription becomes when it pauses, and why. */
export function pausedBy(
  account: Account,
  subscription: Stripe.Subscription,
  reason: Stripe.Subscription.StatusDetails.Paused.Subscription.Type,
): Partial<Stripe.Subscription> {
  return {
    status: 'paused',
    status_details: {
      ...subscription.status_details,
      paused: { subscription: { type: reason }, transitioned_at: account.now(), type: 'subscription' },
    },
  };
}
