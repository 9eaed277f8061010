import type Stripe from 'stripe';
import type { Account } from '../account';
import type { InvoiceLineOrder } from '../resources/invoice-object';
import type { Debit } from '../tables';
import { isMetered } from './cycle';

/**
 * The ledger of what was debited in advance, per item and stretch of time.
 *
 * Flexible billing mode credits "the amount originally debited", one credit per debit
 * (https://docs.stripe.com/billing/subscriptions/billing-mode/compare); classic mode does not look here.
 */

/** Writes down the debits of an invoice's lines: whole periods, and prorations that stand on it now. */
export function noteDebits(account: Account, lines: InvoiceLineOrder[], invoice: Stripe.Invoice): void {
  lines.forEach((order, index) => {
    const line = invoice.lines.data[index];
    if (!line) return;
    if (order.invoiceItem) {
      const known = account.store.find('debit', order.invoiceItem.id);
      if (known) account.store.put('debit', { ...known, invoice: invoice.id, line: line.id });
      return;
    }
    if (!order.item || !order.price || isMetered(order.price) || order.amount === 0) return;
    const discount = (line.discount_amounts ?? []).reduce((sum, { amount }) => sum + amount, 0);
    account.store.put('debit', {
      id: line.id,
      subscription: order.item.subscription,
      item: order.item.id,
      invoice: invoice.id,
      line: line.id,
      amount: order.amount - discount,
      price: order.price.id,
      quantity: order.quantity,
      start: order.period.start,
      end: order.period.end,
    });
  });
}

/** The debits of an item that reach beyond a moment, oldest first. */
export function openDebits(account: Account, item: string, at: number): Debit[] {
  return account.store.all('debit').filter((debit) => debit.item === item && debit.end > at);
}

export function debitsOfSubscription(account: Account, subscription: string): Debit[] {
  return account.store.all('debit').filter((debit) => debit.subscription === subscription);
}

/** Puts a subscription's ledger back to what it was. */
export function restoreDebits(account: Account, subscription: string, debits: readonly Debit[]): void {
  for (const { id } of debitsOfSubscription(account, subscription)) account.store.remove('debit', id);
  for (const debit of debits) account.store.put('debit', debit);
}

/** Forgets debits whose time is over: nothing of them can be given back. */
export function closeDebits(account: Account, subscription: string, at: number): void {
  for (const debit of debitsOfSubscription(account, subscription)) {
    if (debit.end <= at) account.store.remove('debit', debit.id);
  }
}
