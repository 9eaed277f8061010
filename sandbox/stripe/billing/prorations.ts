import type Stripe from 'stripe';
import type { Account } from '../account';
import { exactAmountFor, ONE } from '../amounts';
import type { Period } from '../periods';
import { makeInvoiceItem, type InvoiceItemOrder } from '../resources/invoice-item-object';
import { productName } from '../resources/product-object';
import { isMetered } from './cycle';
import { openDebits } from './debits';
import { discountOfItem, type AppliedDiscount } from './invoice-discounts';
import { prorated, proratedExact } from './proration';
import { usageOf } from './usage';

/** What prorations of one change share. */
export interface ProrationBase {
  account: Account;
  subscription: Stripe.Subscription;
  customer: Stripe.Customer;
  /** The moment the change counts from, Unix seconds (`proration_date`). */
  at: number;
  discounts: AppliedDiscount[];
}

/**
 * Credits the unused time of an item as pending invoice items.
 * Flexible mode gives back its part of each amount debited, one credit per debit; classic mode its part of the
 * present price. Both: https://docs.stripe.com/billing/subscriptions/prorations#credit-prorations
 */
export function creditItem(base: ProrationBase, item: Stripe.SubscriptionItem): void {
  const { account, subscription, at } = base;
  if (isMetered(item.price)) return;
  const after = dayText(at);
  const name = productName(account, item.price);
  if (subscription.billing_mode.type === 'classic') {
    const amount = -shareOfPeriod(base, [...subscription.items.data], item, at);
    const period = { start: at, end: item.current_period_end };
    const description = `Unused time on ${counted(item.quantity ?? 0, name)} after ${after}`;
    prorate(base, item, { amount, period, description, quantity: item.quantity ?? 0 });
    return;
  }
  for (const debit of openDebits(account, item.id, at)) {
    const from = Math.max(at, debit.start);
    const amount = prorated(debit.amount, debit.end - from, debit.end - debit.start);
    account.store.remove('debit', debit.id);
    const price = account.store.find('price', debit.price) ?? item.price;
    prorate(
      base,
      { ...item, price },
      {
        amount: -amount,
        quantity: debit.quantity,
        period: { start: from, end: debit.end },
        description: `Unused time on ${counted(debit.quantity, productName(account, price))} after ${after}`,
        creditedItems:
          debit.invoice && debit.line
            ? {
                invoice_line_item_details: { invoice: debit.invoice, invoice_line_items: [debit.line] },
                type: 'invoice_line_items',
              }
            : { invoice_item: debit.id, type: 'invoice_item' },
      },
    );
  }
}

/** Debits an item for the time from the change to the end of its period, as a pending invoice item. */
export function debitItem(
  base: ProrationBase,
  items: Stripe.SubscriptionItem[],
  item: Stripe.SubscriptionItem,
): void {
  const { account, at } = base;
  if (isMetered(item.price)) return;
  const quantity = item.quantity ?? 0;
  const made = prorate(base, item, {
    amount: shareOfPeriod(base, items, item, at),
    quantity,
    period: { start: at, end: item.current_period_end },
    description: `Remaining time on ${counted(quantity, productName(account, item.price))} after ${dayText(at)}`,
  });
  if (!made) return;
  account.store.put('debit', {
    id: made.id,
    subscription: base.subscription.id,
    item: item.id,
    invoice: null,
    line: null,
    amount: made.amount,
    price: item.price.id,
    quantity,
    start: at,
    end: item.current_period_end,
  });
}

/** Bills the usage of a metered item that leaves, or ends its period early, as a pending invoice item. */
export function billUsage(base: ProrationBase, item: Stripe.SubscriptionItem, until: number): void {
  if (!isMetered(item.price)) return;
  const period = { start: item.current_period_start, end: until };
  const { account, customer } = base;
  const quantity = usageOf(account, item, customer.id, period);
  const amount = quantity === 0 ? 0 : proratedExact(exactAmountFor(item.price, quantity), 1, 1);
  if (amount === 0) return;
  add(base, item, {
    amount,
    quantity,
    period,
    description: counted(quantity, productName(account, item.price)),
    proration: false,
    discountable: true,
  });
}

/** The net amount of an item's period that falls on the time from `at` on, rounded once. Minor units. */
function shareOfPeriod(
  { discounts }: ProrationBase,
  items: readonly Stripe.SubscriptionItem[],
  item: Stripe.SubscriptionItem,
  at: number,
): number {
  const exact = exactAmountFor(item.price, item.quantity ?? 0);
  const net = exact - BigInt(discountOfItem(items, item, discounts)) * ONE;
  const { current_period_start: start, current_period_end: end } = item;
  return proratedExact(net, end - at, end - start);
}

type ItemFacts = Pick<InvoiceItemOrder, 'amount' | 'quantity' | 'description'> & {
  period: Period;
  creditedItems?: InvoiceItemOrder['creditedItems'];
};

function prorate(
  base: ProrationBase,
  item: Stripe.SubscriptionItem,
  facts: ItemFacts,
): Stripe.InvoiceItem | null {
  // Nothing to say about nothing: flexible mode makes no empty lines.
  if (facts.amount === 0) return null;
  return add(base, item, { ...facts, proration: true, discountable: false });
}

function add(
  { account, subscription, customer, discounts }: ProrationBase,
  item: Stripe.SubscriptionItem,
  facts: ItemFacts & { proration: boolean; discountable: boolean },
): Stripe.InvoiceItem {
  const made = makeInvoiceItem(account, {
    ...facts,
    customer,
    currency: subscription.currency,
    price: item.price,
    invoice: null,
    metadata: subscription.metadata,
    subscription: subscription.id,
    subscriptionItem: item.id,
    // Amounts are after discounts (`proration_discounts: included`): the discounts are named with 0.
    discountAmounts: facts.proration
      ? discounts.map(({ discount }) => ({ amount: 0, discount: discount.id }))
      : [],
  });
  return account.add('invoiceitem', made, 'invoiceitem.created') as Stripe.InvoiceItem;
}

/** "3 × Growth", or the name alone for one. */
function counted(quantity: number, name: string): string {
  return quantity === 1 ? name : `${quantity} × ${name}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dayText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}
