import type Stripe from 'stripe';
import type { Account } from '../account';
import { liveDiscounts } from '../billing/invoice-discounts';
import { lineOfItem, pendingItems } from '../billing/pending-items';
import { billUsage, creditItem, type ProrationBase } from '../billing/prorations';
import { raiseInvoice } from '../billing/raise-invoice';
import { newId } from '../random';
import { endSubscription } from '../resources/subscription-end';
import { finalizeAndCharge } from './dunning';
import { noteOf } from './notes';
import { settingsOf } from './settings';

/** `cancel_at` has come. What is still owed, usage and pending prorations, is billed on a last invoice. */
export function cancelAtItsTime(account: Account, id: string): void {
  const subscription = account.get('subscription', id);
  const prorate = noteOf(account, id, 'cancel_prorates') !== undefined;
  const draft = finalDraft(account, subscription, { usage: true, prorate });
  const current = draft
    ? account.change('subscription', subscription, { latest_invoice: draft.id })
    : subscription;
  endSubscription(account, current, 'cancellation_requested', { keepInvoice: draft?.id });
}

/** Ends a subscription now, as asked: with credit for unused time, with a last invoice, or with neither. */
export function cancelNow(
  account: Account,
  subscription: Stripe.Subscription,
  asked: { prorate: boolean; invoiceNow: boolean },
  details: Parameters<typeof endSubscription>[3],
): Stripe.Subscription {
  const base = baseOf(account, subscription);
  if (asked.prorate) for (const item of subscription.items.data) creditItem(base, item);
  if (!asked.invoiceNow) {
    return endSubscription(account, subscription, 'cancellation_requested', {
      ...details,
      keepPending: asked.prorate,
    });
  }
  const draft = finalDraft(account, subscription, { usage: true, prorate: false });
  const current = draft
    ? account.change('subscription', subscription, { latest_invoice: draft.id })
    : subscription;
  const ended = endSubscription(account, current, 'cancellation_requested', {
    ...details,
    keepInvoice: draft?.id,
  });
  if (draft) finalizeAndCharge(account, account.get('invoice', draft.id));
  return account.get('subscription', ended.id);
}

function baseOf(account: Account, subscription: Stripe.Subscription): ProrationBase {
  const now = account.now();
  return {
    account,
    subscription,
    customer: account.get('customer', subscription.customer as string, 'customer'),
    at: now,
    discounts: liveDiscounts(account, subscription, now),
  };
}

/** The draft of a subscription's last invoice, or null when nothing is owed. */
function finalDraft(
  account: Account,
  subscription: Stripe.Subscription,
  asked: { usage: boolean; prorate: boolean },
): Stripe.Invoice | null {
  const base = baseOf(account, subscription);
  const now = account.now();
  const running = subscription.status !== 'trialing' && subscription.status !== 'paused';
  for (const item of running ? subscription.items.data : []) {
    if (asked.prorate) creditItem(base, item);
    if (asked.usage) billUsage(base, item, now);
  }
  const pending = pendingItems(account, base.customer.id, subscription.id, false);
  if (pending.length === 0) return null;
  return raiseInvoice(account, {
    id: newId('in'),
    customer: base.customer,
    subscription,
    lines: pending.map((item) => lineOfItem(account, item)),
    discounts: base.discounts,
    billingReason: 'subscription_cycle',
    finalizesAt: now + settingsOf(account).finalize_after_seconds,
  });
}
