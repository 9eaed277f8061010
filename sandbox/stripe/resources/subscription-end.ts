import type Stripe from 'stripe';
import type { Account } from '../account';

/**
 * Ends a subscription now. Terminal: nothing brings it back.
 * By default Stripe also stops collecting the open invoices of it (`auto_advance` off).
 */
export function endSubscription(
  account: Account,
  subscription: Stripe.Subscription,
  reason: Stripe.Subscription.CancellationDetails.Reason,
  details: {
    comment?: string | null;
    feedback?: Stripe.Subscription.CancellationDetails.Feedback | null;
  } = {},
): Stripe.Subscription {
  const now = account.now();
  const ended = account.change('subscription', subscription, {
    canceled_at: subscription.canceled_at ?? now,
    cancellation_details: {
      comment: details.comment ?? subscription.cancellation_details?.comment ?? null,
      feedback: details.feedback ?? subscription.cancellation_details?.feedback ?? null,
      feedback_option: null,
      reason,
    },
    ended_at: now,
    status: 'canceled',
  });
  const open = account.newest(
    'invoice',
    (invoice) =>
      invoice.status === 'open' && invoice.parent?.subscription_details?.subscription === subscription.id,
  );
  for (const invoice of open) account.change('invoice', invoice, { auto_advance: false }, 'invoice.updated');
  account.emit('customer.subscription.deleted', ended);
  return ended;
}
