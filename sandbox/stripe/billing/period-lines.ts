import type Stripe from 'stripe';
import type { Account } from '../account';
import { amountFor, exactAmountFor } from '../amounts';
import type { Period } from '../periods';
import { lineDescription, type InvoiceLineOrder } from '../resources/invoice-object';
import { productName } from '../resources/product-object';
import { isMetered, periodContaining } from './cycle';
import { proratedExact } from './proration';
import { usageOf } from './usage';

/** The line that bills one licensed item for its period in advance, a shortened period in proportion. */
export function advanceLine(
  account: Account,
  item: Stripe.SubscriptionItem,
  anchor: number,
  trial = false,
): InvoiceLineOrder {
  const { price } = item;
  const quantity = item.quantity ?? 0;
  const name = productName(account, price);
  const period = { start: item.current_period_start, end: item.current_period_end };
  return {
    amount: trial ? 0 : amountOfPeriod(price, quantity, anchor, period),
    price,
    quantity,
    description: trial ? `Trial period for ${name}` : lineDescription(name, price, quantity),
    period,
    item,
  };
}

/** A whole period costs the price; one cut short (by `cancel_at`, by an anchor) its part of it. */
function amountOfPeriod(price: Stripe.Price, quantity: number, anchor: number, period: Period): number {
  const whole = periodContaining(anchor, price.recurring as Stripe.Price.Recurring, period.start);
  if (period.start === whole.start && period.end >= whole.end) return amountFor(price, quantity);
  return proratedExact(exactAmountFor(price, quantity), period.end - period.start, whole.end - whole.start);
}

/** The line that bills a metered item in arrears, or none when nothing was used (flexible mode: no empty lines). */
export function arrearsLines(
  account: Account,
  item: Stripe.SubscriptionItem,
  customer: string,
  period: Period,
): InvoiceLineOrder[] {
  if (!isMetered(item.price) || period.end <= period.start) return [];
  const quantity = usageOf(account, item, customer, period);
  const amount = amountFor(item.price, quantity);
  if (quantity === 0 && amount === 0) return [];
  const description = lineDescription(productName(account, item.price), item.price, quantity);
  return [{ amount, price: item.price, quantity, description, period, item }];
}
