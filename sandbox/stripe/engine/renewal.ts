import type Stripe from 'stripe';
import type { Account } from '../account';
import { isMetered, periodContaining } from '../billing/cycle';
import { closeDebits } from '../billing/debits';
import { liveDiscounts } from '../billing/invoice-discounts';
import { lineOfItem, pendingItems } from '../billing/pending-items';
import { advanceLine, arrearsLines } from '../billing/period-lines';
import { raiseInvoice } from '../billing/raise-invoice';
import type { Period } from '../periods';
import { newId } from '../random';
import type { InvoiceLineOrder } from '../resources/invoice-object';
import { dropDiscount } from '../resources/subscription-discounts';
import { itemList } from '../resources/subscription-object';
import { settingsOf } from './settings';

/** A period is over: the next one begins, and its invoice is drafted. */
export function renew(account: Account, id: string): void {
  turnPeriod(account, account.get('subscription', id));
}

/**
 * Turns the periods of all items whose end has come, and drafts the invoice of the cycle: the past usage of metered
 * items, the next period of licensed ones, and what was pending. Also the last step of a preview of it.
 * @returns The draft, or null when there is nothing to bill (flexible mode makes no empty invoice).
 */
export function turnPeriod(
  account: Account,
  subscription: Stripe.Subscription,
  other: Partial<Stripe.Subscription> = {},
): Stripe.Invoice | null {
  const now = account.now();
  const anchor = other.billing_cycle_anchor ?? subscription.billing_cycle_anchor;
  const turned = subscription.items.data.filter((item) => item.current_period_end <= now);
  const past = pastPeriod(turned, now);
  const items = subscription.items.data.map((item) =>
    turned.includes(item) ? inNextPeriod(item, anchor, now, subscription.cancel_at) : item,
  );
  closeDebits(account, subscription.id, now);
  const discounts = dropPastDiscounts(account, subscription, now);
  const fresh = turned.flatMap(({ id }) => items.find((item) => item.id === id) ?? []);
  const next = { ...subscription, ...other, discounts, items: itemList(subscription.id, items) };
  const lines: InvoiceLineOrder[] = [
    ...turned.flatMap((item) =>
      arrearsLines(account, item, subscription.customer as string, {
        start: item.current_period_start,
        end: item.current_period_end,
      }),
    ),
    ...fresh.filter(({ price }) => !isMetered(price)).map((item) => advanceLine(account, item, anchor)),
  ];
  const draft = draftOfCycle(account, next, lines, past);
  account.change(
    'subscription',
    subscription,
    { ...other, discounts, items: next.items, latest_invoice: draft?.id ?? subscription.latest_invoice },
    'customer.subscription.updated',
  );
  return draft;
}

/** Discounts that have ended or were used up leave the subscription before its next invoice. */
function dropPastDiscounts(account: Account, subscription: Stripe.Subscription, now: number): string[] {
  const living = liveDiscounts(account, subscription, now).map(({ discount }) => discount.id);
  for (const id of subscription.discounts as string[]) {
    const discount = account.store.find('discount', id);
    if (discount && !discount.deleted && !living.includes(id)) dropDiscount(account, id);
  }
  return living;
}

function pastPeriod(turned: Stripe.SubscriptionItem[], now: number): Period {
  return {
    start: turned.length > 0 ? Math.min(...turned.map((item) => item.current_period_start)) : now,
    end: now,
  };
}

/** The period that begins now; a planned end inside it cuts it short, and its price with it. */
function inNextPeriod(
  item: Stripe.SubscriptionItem,
  anchor: number,
  now: number,
  cancelAt: number | null,
): Stripe.SubscriptionItem {
  const { end } = periodContaining(anchor, item.price.recurring as Stripe.Price.Recurring, now);
  const cut = cancelAt !== null && cancelAt > now && cancelAt < end ? cancelAt : end;
  return { ...item, current_period_start: now, current_period_end: cut };
}

/** The draft of a cycle's invoice, final an hour later; `unpaid` and drafts kept by a pause stay drafts. */
export function draftOfCycle(
  account: Account,
  subscription: Stripe.Subscription,
  lines: InvoiceLineOrder[],
  period: Period,
): Stripe.Invoice | null {
  const customer = account.get('customer', subscription.customer as string, 'customer');
  const pending = pendingItems(account, customer.id, subscription.id, true);
  const all = [...pending.map((item) => lineOfItem(account, item)), ...lines];
  if (all.length === 0) return null;
  const stays =
    subscription.status === 'unpaid' || subscription.pause_collection?.behavior === 'keep_as_draft';
  return raiseInvoice(account, {
    id: newId('in'),
    customer,
    subscription,
    lines: all,
    discounts: liveDiscounts(account, subscription, account.now()),
    billingReason: 'subscription_cycle',
    autoAdvance: !stays,
    finalizesAt: stays ? null : account.now() + settingsOf(account).finalize_after_seconds,
    period,
  });
}
