import type Stripe from 'stripe';
import type { Account } from '../account';
import { amountFor } from '../amounts';
import { newId } from '../random';
import type { InvoiceLineOrder } from '../resources/invoice-object';
import { itemList } from '../resources/subscription-object';
import { isMetered, periodContaining, sameInterval } from './cycle';
import { liveDiscounts } from './invoice-discounts';
import { lineOfItem, pendingItems } from './pending-items';
import { advanceLine } from './period-lines';
import { billUsage, creditItem, debitItem, type ProrationBase } from './prorations';
import { raiseInvoice } from './raise-invoice';

/** An item before and after a change; null where it does not exist. Untouched items are the same object. */
export interface ItemChange {
  before: Stripe.SubscriptionItem | null;
  after: Stripe.SubscriptionItem | null;
  /** The usage of a metered item that goes is forgiven (`clear_usage`). */
  clearUsage?: boolean;
}

/** A change of a living subscription that may cost or give back money. */
export interface SubscriptionChange {
  items: ItemChange[];
  behavior: 'create_prorations' | 'always_invoice' | 'none';
  /** The moment prorations count from, Unix seconds. */
  at: number;
  anchor: 'now' | 'unchanged';
  /** A new end of the trial, `now`, or null for none asked. */
  trialEnd: number | 'now' | null;
  /** All other fields that change. */
  other: Partial<Stripe.Subscription>;
}

export interface ChangedSubscription {
  /** What the subscription becomes. Not stored yet: a payment may have to come first. */
  changes: Partial<Stripe.Subscription>;
  /** The draft of what is billed at once, or null. */
  draft: Stripe.Invoice | null;
}

/**
 * Works a change out: prorations as pending invoice items, new periods, and the invoice of what is due at once.
 * Previews run this very function and take it back.
 */
export function changeSubscription(
  account: Account,
  current: Stripe.Subscription,
  change: SubscriptionChange,
): ChangedSubscription {
  const asked = { ...current, ...change.other };
  const base: ProrationBase = {
    account,
    subscription: asked,
    customer: account.get('customer', current.customer as string, 'customer'),
    at: change.at,
    discounts: liveDiscounts(account, asked, account.now()),
  };
  if (startsOver(current, change)) return startOver(base, current, change);
  const after = change.items.flatMap((item) => (item.after ? [inPeriod(account, current, item)] : []));
  const billed = current.status !== 'trialing' && current.status !== 'paused';
  if (billed) billEndedUsage(base, change);
  if (billed && change.behavior !== 'none') prorateItems(base, change, after);
  const changes = { ...change.other, items: itemList(current.id, after) };
  const draft =
    billed && change.behavior === 'always_invoice' ? billPending(base, { ...current, ...changes }, []) : null;
  return { changes, draft };
}

/**
 * Whether the billing cycle begins anew: another interval, free to paid, a trial that starts or ends, or on demand
 * (https://docs.stripe.com/billing/subscriptions/change-price). Mixed intervals keep the anchor.
 */
function startsOver(current: Stripe.Subscription, change: SubscriptionChange): boolean {
  if (change.trialEnd !== null || change.anchor === 'now') return true;
  if (current.status === 'trialing' || current.status === 'paused') return false;
  const after = change.items.flatMap((item) => item.after ?? []);
  const changesInterval = change.items.some(
    ({ before, after: next }) => before && next && !sameInterval(before.price, next.price),
  );
  const one = after.every((item) => sameInterval(item.price, (after[0] as Stripe.SubscriptionItem).price));
  if (changesInterval && one) return true;
  const before = change.items.flatMap((item) => item.before ?? []);
  return costOf(before) === 0 && costOf(after) > 0 && !before.some(({ price }) => isMetered(price));
}

function costOf(items: Stripe.SubscriptionItem[]): number {
  return items.reduce((sum, { price, quantity }) => sum + amountFor(price, quantity ?? 0), 0);
}

function prorateItems(
  base: ProrationBase,
  change: SubscriptionChange,
  after: Stripe.SubscriptionItem[],
): void {
  const touched = change.items.filter((item) => !isSame(item));
  for (const { before } of touched) {
    if (before) creditItem(base, before);
  }
  for (const { after: wanted } of touched) {
    const item = after.find(({ id }) => id === wanted?.id);
    if (item) debitItem(base, after, item);
  }
}

/** Usage of metered items that go or change their price is owed, prorations or not. */
function billEndedUsage(base: ProrationBase, change: SubscriptionChange): void {
  for (const { before, after, clearUsage } of change.items) {
    if (before && after?.price.id !== before.price.id && !clearUsage)
      billUsage(base, before, base.account.now());
  }
}

/** Whether an item costs the same as before. */
function isSame({ before, after }: ItemChange): boolean {
  return before?.price.id === after?.price.id && before?.quantity === after?.quantity;
}

/** An item with the period it has in the present cycle; a new pace takes its place on the same anchor. */
function inPeriod(
  account: Account,
  current: Stripe.Subscription,
  { before, after }: ItemChange,
): Stripe.SubscriptionItem {
  const item = after as Stripe.SubscriptionItem;
  if (before && sameInterval(before.price, item.price)) {
    const { current_period_start, current_period_end } = before;
    return { ...item, current_period_start, current_period_end };
  }
  if (current.status === 'trialing' || current.status === 'paused') {
    const first = current.items.data[0] as Stripe.SubscriptionItem;
    const { current_period_start, current_period_end } = first;
    return { ...item, current_period_start, current_period_end };
  }
  const recurring = item.price.recurring as Stripe.Price.Recurring;
  const sister = current.items.data.find(({ price }) => sameInterval(price, item.price));
  const period = sister
    ? { start: sister.current_period_start, end: sister.current_period_end }
    : periodContaining(current.billing_cycle_anchor, recurring, account.now());
  return { ...item, current_period_start: period.start, current_period_end: period.end };
}

/** A new billing cycle from now on: all unused time is credited, all new periods are billed at once. */
function startOver(
  base: ProrationBase,
  current: Stripe.Subscription,
  change: SubscriptionChange,
): ChangedSubscription {
  const { account } = base;
  const now = account.now();
  const trialEnd = typeof change.trialEnd === 'number' ? change.trialEnd : null;
  if (current.status !== 'trialing') {
    for (const { before } of change.items) {
      if (before && change.behavior !== 'none') creditItem(base, before);
      if (before) billUsage(base, before, now);
    }
  }
  // Whatever was not given back is over all the same: the new periods are debited in full.
  forgetDebits(base);
  const anchor = trialEnd ?? now;
  const items = change.items.flatMap(({ after }) => {
    if (!after) return [];
    const period = trialEnd
      ? { start: now, end: trialEnd }
      : periodContaining(anchor, after.price.recurring as Stripe.Price.Recurring, now);
    return [{ ...after, current_period_start: period.start, current_period_end: period.end }];
  });
  const wasTrial = current.status === 'trialing';
  const changes: Partial<Stripe.Subscription> = {
    ...change.other,
    billing_cycle_anchor: anchor,
    items: itemList(current.id, items),
    ...(trialEnd
      ? { status: 'trialing' as const, trial_start: current.trial_start ?? now, trial_end: trialEnd }
      : {}),
    ...(!trialEnd && wasTrial ? { status: 'active' as const, trial_end: now } : {}),
  };
  const lines = items
    .filter(({ price }) => !isMetered(price))
    .map((item) => advanceLine(account, item, anchor, trialEnd !== null));
  return { changes, draft: billPending(base, { ...current, ...changes }, lines) };
}

function forgetDebits({ account, subscription }: ProrationBase): void {
  for (const debit of account.store.all('debit')) {
    if (debit.subscription === subscription.id) account.store.remove('debit', debit.id);
  }
}

/** The draft of lines and of all that waits for this subscription; null when that is nothing. */
function billPending(
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
    finalizesAt: null,
  });
}
