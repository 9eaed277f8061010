import type Stripe from 'stripe';
import type { Account } from '../account';
import { lineOfItem } from '../billing/pending-items';
import { subscriptionOf } from '../engine/payment-consequences';
import { amountsOf, type InvoiceLineOrder } from './invoice-object';

/** Puts an invoice item on a draft and works its amounts out anew. */
export function addToDraft(
  account: Account,
  draft: Stripe.Invoice,
  item: Stripe.InvoiceItem,
): Stripe.Invoice {
  return recount(account, draft, [...ordersOf(account, draft), lineOfItem(account, item)]);
}

export function replaceOnDraft(account: Account, draft: Stripe.Invoice, item: Stripe.InvoiceItem): void {
  const orders = ordersOf(account, draft).map((order) =>
    order.invoiceItem?.id === item.id ? { ...lineOfItem(account, item), id: order.id } : order,
  );
  recount(account, draft, orders);
}

export function removeFromDraft(account: Account, draft: Stripe.Invoice, item: Stripe.InvoiceItem): void {
  recount(
    account,
    draft,
    ordersOf(account, draft).filter((order) => order.invoiceItem?.id !== item.id),
  );
}

function recount(account: Account, draft: Stripe.Invoice, lines: InvoiceLineOrder[]): Stripe.Invoice {
  const subscription = subscriptionOf(account, draft) ?? null;
  const customer = account.get('customer', draft.customer as string, 'customer');
  const discounts = (draft.discounts as string[]).flatMap((id) => {
    const discount = account.store.find('discount', id);
    const coupon = discount && account.store.find('coupon', discount.source.coupon as string);
    return discount && !discount.deleted && coupon && !coupon.deleted ? [{ discount, coupon }] : [];
  });
  const order = { id: draft.id, customer, subscription, lines, discounts, currency: draft.currency };
  return account.change('invoice', draft, amountsOf(order), 'invoice.updated');
}

/** The lines of a draft as orders again, with their ids. */
function ordersOf(account: Account, draft: Stripe.Invoice): InvoiceLineOrder[] {
  const subscription = subscriptionOf(account, draft);
  return draft.lines.data.map((line) => {
    const details = line.parent?.subscription_item_details ?? line.parent?.invoice_item_details;
    const invoiceItem = details?.invoice_item
      ? account.store.find('invoiceitem', details.invoice_item)
      : undefined;
    if (invoiceItem) return { ...lineOfItem(account, invoiceItem), id: line.id };
    const itemId = line.parent?.subscription_item_details?.subscription_item;
    const price = line.pricing?.price_details?.price as string | undefined;
    return {
      id: line.id,
      amount: line.amount,
      price: price ? (account.store.find('price', price) ?? null) : null,
      quantity: line.quantity ?? 1,
      description: line.description ?? '',
      period: line.period,
      item: subscription?.items.data.find(({ id }) => id === itemId) ?? null,
      discountable: line.discountable,
    };
  });
}
