import type Stripe from 'stripe';
import type { Account } from '../account';
import { restoreDebits } from '../billing/debits';
import { dropPendingItems } from '../billing/pending-items';

export interface EndDetails {
  comment?: string | null;
  feedback?: Stripe.Subscription.CancellationDetails.Feedback | null;
  /** The last invoice, which is still collected. */
  keepInvoice?: string;
  /** Leaves pending prorations for another invoice of the customer. */
  keepPending?: boolean;
}

/**
 * Ends a subscription now. Terminal: nothing brings it back.
 * By default Stripe also stops collecting the open invoices of it (`auto_advance` off), drops what was pending,
 * and the schedule that ruled it is canceled.
 */
export function endSubscription(
  account: Account,
  subscription: Stripe.Subscription,
  reason: Stripe.Subscription.CancellationDetails.Reason,
  details: EndDetails = {},
): Stripe.Subscription {
  const now = account.now();
  if (!details.keepPending) dropPendingItems(account, subscription.customer as string, subscription.id);
  restoreDebits(account, subscription.id, []);
  if (account.store.find('pending_change', subscription.id))
    account.store.remove('pending_change', subscription.id);
  const { status_details: _paused, ...rest } = subscription;
  const schedule = subscription.schedule as string | null;
  const ended = account.add('subscription', {
    ...rest,
    canceled_at: subscription.canceled_at ?? now,
    cancellation_details: {
      comment: details.comment ?? subscription.cancellation_details?.comment ?? null,
      feedback: details.feedback ?? subscription.cancellation_details?.feedback ?? null,
      feedback_option: null,
      reason,
    },
    ended_at: now,
    pending_update: null,
    schedule: null,
    status: 'canceled',
  }) as Stripe.Subscription;
  stopCollecting(account, subscription.id, details.keepInvoice);
  account.emit('customer.subscription.deleted', ended);
  const row = schedule ? account.store.find('subscription_schedule', schedule) : undefined;
  if (row && (row.status === 'active' || row.status === 'not_started')) {
    account.change(
      'subscription_schedule',
      row,
      { canceled_at: now, current_phase: null, status: 'canceled' },
      'subscription_schedule.canceled',
    );
  }
  return ended;
}

function stopCollecting(account: Account, subscription: string, kept: string | undefined): void {
  const open = account.newest(
    'invoice',
    (invoice) =>
      (invoice.status === 'open' || invoice.status === 'draft') &&
      invoice.id !== kept &&
      invoice.parent?.subscription_details?.subscription === subscription,
  );
  for (const invoice of open) {
    const changes = { auto_advance: false, next_payment_attempt: null };
    account.change('invoice', invoice, changes, 'invoice.updated');
  }
}
