import type Stripe from 'stripe';
import type { Account } from '../account';
import { isMetered, periodContaining } from '../billing/cycle';
import { liveDiscounts } from '../billing/invoice-discounts';
import { lineOfItem, pendingItems } from '../billing/pending-items';
import { advanceLine } from '../billing/period-lines';
import { billUsage, creditItem, debitItem, type ProrationBase } from '../billing/prorations';
import { raiseInvoice } from '../billing/raise-invoice';
import { only, type Call } from '../call';
import { chargeAutomatically } from '../engine/dunning';
import { note } from '../engine/notes';
import { completeResumption, followSubscription } from '../engine/payment-consequences';
import { pausedBy } from '../engine/trial-end';
import { invalidRequest } from '../errors';
import { newId } from '../random';
import type { InvoiceLineOrder } from './invoice-object';
import { finalizeInvoice } from './invoice-steps';
import { itemList } from './subscription-object';

/**
 * Pauses a subscription (https://docs.stripe.com/billing/subscriptions/pause): no invoices, and its period stands.
 * What is unused is credited and what was used is billed, unless asked otherwise.
 */
export function pauseSubscription({ account, params, id }: Call<Stripe.SubscriptionPauseParams>): object {
  only(params, 'bill_for', 'invoicing_behavior', 'type');
  const current = account.get('subscription', id);
  checkPausable(current);
  const base = baseOf(account, current, account.now());
  const unused = params.bill_for?.unused_time_from?.type ?? 'now';
  const usage = params.bill_for?.outstanding_usage_through?.type ?? 'now';
  for (const item of current.items.data) {
    if (unused !== 'none') {
      const at = unused === 'item_current_period_start' ? item.current_period_start : base.at;
      creditItem({ ...base, at }, item);
    }
    if (usage !== 'none') billUsage(base, item, base.at);
  }
  const draft = params.invoicing_behavior === 'invoice' ? billNow(base, current, []) : null;
  const paused = account.change('subscription', current, {
    ...pausedBy(account, current, 'pause_requested'),
    latest_invoice: draft?.id ?? current.latest_invoice,
  });
  account.emit('customer.subscription.updated', paused, { status: current.status });
  account.emit('customer.subscription.paused', paused);
  if (draft) chargeAutomatically(account, finalizeInvoice(account, account.get('invoice', draft.id)));
  return account.get('subscription', id);
}

function checkPausable(current: Stripe.Subscription): void {
  if (current.billing_mode.type !== 'flexible') {
    throw invalidRequest('Only subscriptions with `billing_mode[type]=flexible` can be paused.');
  }
  if (current.status !== 'active' && current.status !== 'trialing' && current.status !== 'past_due') {
    throw invalidRequest(`A subscription with status \`${current.status}\` cannot be paused.`);
  }
  if (current.collection_method !== 'charge_automatically')
    throw invalidRequest('Only subscriptions with `collection_method=charge_automatically` can be paused.');
  if (current.schedule !== null)
    throw invalidRequest(
      'The subscription is managed by a subscription schedule; release the schedule first.',
    );
}

/** Resumes a paused subscription, by default with a new billing cycle from now on. */
export function resumeSubscription({ account, params, id }: Call<Stripe.SubscriptionResumeParams>): object {
  only(params, 'billing_cycle_anchor', 'payment_behavior', 'proration_behavior', 'proration_date');
  const current = account.get('subscription', id);
  if (current.status !== 'paused')
    throw invalidRequest(`Only paused subscriptions can be resumed; this one is ${current.status}.`);
  const anew = (params.billing_cycle_anchor?.type ?? 'now') === 'now';
  const base = baseOf(account, current, params.proration_date ?? account.now());
  const { changes, lines } = anew ? newCycle(base, current) : oldCycle(base, current, params);
  const moved = account.change('subscription', current, changes);
  const immediate = anew || params.proration_behavior === 'always_invoice';
  const draft = immediate ? billNow(base, moved, lines) : null;
  if (!draft) return completeResumption(account, moved);
  const waits = account.change('subscription', moved, { latest_invoice: draft.id });
  const invoice = finalizeInvoice(account, account.get('invoice', draft.id));
  if (invoice.status === 'open' && params.payment_behavior === 'resume_on_payment_success') {
    note(account, id, 'resumption', account.now(), invoice.id);
    account.add('subscription', waits);
    chargeAutomatically(account, invoice);
    return account.get('subscription', id);
  }
  completeResumption(account, waits);
  if (invoice.status === 'open') chargeAutomatically(account, invoice);
  else followSubscription(account, invoice);
  return account.get('subscription', id);
}

interface Resumed {
  changes: Partial<Stripe.Subscription>;
  lines: InvoiceLineOrder[];
}

function newCycle({ account }: ProrationBase, current: Stripe.Subscription): Resumed {
  const now = account.now();
  const items = current.items.data.map((item) => inPeriodAt(item, now, now));
  return {
    changes: { billing_cycle_anchor: now, items: itemList(current.id, items) },
    lines: items.filter(({ price }) => !isMetered(price)).map((item) => advanceLine(account, item, now)),
  };
}

/** The anchor stays: the rest of the running period is debited as a proration. */
function oldCycle(
  base: ProrationBase,
  current: Stripe.Subscription,
  params: Stripe.SubscriptionResumeParams,
): Resumed {
  const now = base.account.now();
  const items = current.items.data.map((item) => inPeriodAt(item, current.billing_cycle_anchor, now));
  if (params.proration_behavior !== 'none') for (const item of items) debitItem(base, items, item);
  return { changes: { items: itemList(current.id, items) }, lines: [] };
}

function inPeriodAt(item: Stripe.SubscriptionItem, anchor: number, now: number): Stripe.SubscriptionItem {
  const period = periodContaining(anchor, item.price.recurring as Stripe.Price.Recurring, now);
  return { ...item, current_period_start: period.start, current_period_end: period.end };
}

function baseOf(account: Account, subscription: Stripe.Subscription, at: number): ProrationBase {
  return {
    account,
    subscription,
    customer: account.get('customer', subscription.customer as string, 'customer'),
    at,
    discounts: liveDiscounts(account, subscription, account.now()),
  };
}

function billNow(
  base: ProrationBase,
  subscription: Stripe.Subscription,
  lines: InvoiceLineOrder[],
): Stripe.Invoice | null {
  const { account, customer } = base;
  const pending = pendingItems(account, customer.id, subscription.id, false);
  const all = [...pending.map((item) => lineOfItem(account, item)), ...lines];
  if (all.length === 0) return null;
  return raiseInvoice(account, {
    id: newId('in'),
    customer,
    subscription,
    lines: all,
    discounts: base.discounts,
    billingReason: 'subscription_update',
  });
}
