import type Stripe from 'stripe';
import type { Account } from '../account';
import { decimalText } from '../amounts';
import type { Period } from '../periods';
import { newId } from '../random';

/** All that is needed to make an invoice item, by request or as a proration. */
export interface InvoiceItemOrder {
  customer: Stripe.Customer;
  amount: number;
  currency: string;
  description: string | null;
  price: Stripe.Price | null;
  /** Unit amount of an item without a price. */
  unitAmount?: string | null;
  quantity: number;
  period: Period;
  proration: boolean;
  discountable: boolean;
  discounts?: string[];
  invoice: string | null;
  metadata: Stripe.Metadata;
  subscription: string | null;
  subscriptionItem?: string;
  creditedItems?: Stripe.InvoiceItem.ProrationDetails.CreditedItems | null;
  discountAmounts?: Stripe.InvoiceItem.ProrationDetails.DiscountAmount[];
}

/** A pending invoice item (no invoice yet), or one that was put on a draft. */
export function makeInvoiceItem(account: Account, order: InvoiceItemOrder): Stripe.InvoiceItem {
  const { price, subscription } = order;
  const unit = price?.unit_amount_decimal ?? (order.unitAmount ? decimalText(order.unitAmount) : null);
  return {
    id: newId('ii'),
    object: 'invoiceitem',
    amount: order.amount,
    currency: order.currency,
    customer: order.customer.id,
    customer_account: null,
    date: account.now(),
    description: order.description,
    discountable: order.discountable,
    discounts: order.discounts ?? [],
    invoice: order.invoice,
    livemode: false,
    metadata: order.metadata,
    net_amount: order.amount,
    parent: subscription
      ? {
          subscription_details: {
            subscription,
            ...(order.subscriptionItem ? { subscription_item: order.subscriptionItem } : {}),
          },
          type: 'subscription_details',
        }
      : null,
    period: order.period,
    pricing:
      price || unit
        ? {
            ...(price ? { price_details: { price: price.id, product: price.product as string } } : {}),
            type: 'price_details',
            unit_amount_decimal: unit,
          }
        : null,
    proration: order.proration,
    ...(order.proration
      ? {
          proration_details: {
            credited_items: order.creditedItems ?? null,
            discount_amounts: order.discountAmounts ?? [],
          },
        }
      : {}),
    quantity: order.quantity,
    quantity_decimal: decimalText(String(order.quantity)),
    tax_rates: [],
    test_clock: order.customer.test_clock ?? null,
  };
}
