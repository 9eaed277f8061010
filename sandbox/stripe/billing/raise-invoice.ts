import type Stripe from 'stripe';
import type { Account } from '../account';
import { makeInvoice, type InvoiceOrder } from '../resources/invoice-object';
import { noteDebits } from './debits';
import { spendDiscounts } from './invoice-discounts';

/** Makes the draft of an invoice: its row and event, and what it debits, uses up and takes along. */
export function raiseInvoice(account: Account, order: InvoiceOrder): Stripe.Invoice {
  const draft = makeInvoice(account, order);
  account.add('invoice', draft, 'invoice.created');
  takeUp(account, order, draft);
  return draft;
}

/** Ties invoice items, debits and `once` discounts to the invoice they are on. */
export function takeUp(account: Account, order: InvoiceOrder, draft: Stripe.Invoice): void {
  for (const { invoiceItem } of order.lines) {
    if (invoiceItem && invoiceItem.invoice !== draft.id)
      account.change('invoiceitem', account.get('invoiceitem', invoiceItem.id), { invoice: draft.id });
  }
  noteDebits(account, order.lines, draft);
  spendDiscounts(account, order.discounts, draft);
}
