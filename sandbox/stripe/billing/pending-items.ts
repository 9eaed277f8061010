import type Stripe from 'stripe';
import type { Account } from '../account';
import type { InvoiceLineOrder } from '../resources/invoice-object';

/** The subscription an invoice item is for, or null for one of the customer alone. */
export function subscriptionOfItem(item: Stripe.InvoiceItem): string | null {
  return item.parent?.subscription_details?.subscription ?? null;
}

/**
 * The pending invoice items an invoice takes up, oldest first.
 * @param subscription Items of this subscription; null for none.
 * @param own Also the customer's items without a subscription (renewals and invoices by hand take them).
 */
export function pendingItems(
  account: Account,
  customer: string,
  subscription: string | null,
  own: boolean,
): Stripe.InvoiceItem[] {
  return account
    .newest('invoiceitem', (item) => {
      if (item.invoice !== null || item.customer !== customer) return false;
      const of = subscriptionOfItem(item);
      return of === null ? own : of === subscription;
    })
    .reverse();
}

/** An invoice item as a line. Prorations are never discounted again. */
export function lineOfItem(account: Account, item: Stripe.InvoiceItem): InvoiceLineOrder {
  const price = item.pricing?.price_details?.price as string | undefined;
  return {
    amount: item.amount,
    price: price ? (account.store.find('price', price) ?? null) : null,
    quantity: item.quantity,
    description: item.description ?? '',
    period: item.period,
    item: null,
    invoiceItem: item,
    discountable: item.discountable,
  };
}

/** Removes what waits for a subscription's next invoice (an immediate cancellation bills nothing more). */
export function dropPendingItems(account: Account, customer: string, subscription: string): void {
  for (const item of pendingItems(account, customer, subscription, false)) {
    account.store.remove('invoiceitem', item.id);
    account.emit('invoiceitem.deleted', item);
  }
}
