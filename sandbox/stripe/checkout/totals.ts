import type Stripe from 'stripe';
import type { Account } from '../account';
import { amountFor } from '../amounts';
import { discountAmounts, type Grant } from '../discounts';
import { productName } from '../resources/product-object';

/** Sums of a checkout, in minor units of its currency. */
export interface CheckoutTotals {
  items: Stripe.LineItem[];
  subtotal: number;
  discount: number;
  /** What is paid today. */
  total: number;
}

/** What a line costs today: nothing for recurring prices while a trial runs, nothing yet for metered ones. */
export function amountToday(item: Stripe.LineItem, trial: boolean): number {
  const price = item.price as Stripe.Price;
  if (item.quantity === null || (trial && price.recurring)) return 0;
  return amountFor(price, item.quantity);
}

/** Works out all amounts of a checkout's lines anew, with these discounts. */
export function totalsOf(items: Stripe.LineItem[], grants: Grant[], trial: boolean): CheckoutTotals {
  const amounts = items.map((item) => amountToday(item, trial));
  const taken = discountAmounts(
    items.map((item, index) => ({ amount: amounts[index] ?? 0, product: item.price?.product as string })),
    grants.map(({ coupon }) => coupon),
  );
  const counted = items.map((item, index): Stripe.LineItem => {
    const amount = amounts[index] ?? 0;
    const discount = taken.reduce((sum, parts) => sum + (parts[index] ?? 0), 0);
    return {
      ...item,
      amount_discount: discount,
      amount_subtotal: amount,
      amount_tax: 0,
      amount_total: amount - discount,
    };
  });
  const subtotal = amounts.reduce((sum, amount) => sum + amount, 0);
  const discount = counted.reduce((sum, item) => sum + item.amount_discount, 0);
  return { items: counted, subtotal, discount, total: subtotal - discount };
}

/** A line before its amounts are worked out. */
export function bareLineItem(
  account: Account,
  id: string,
  price: Stripe.Price,
  quantity: number | null,
  metadata: Stripe.Metadata,
): Stripe.LineItem {
  return {
    id,
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: 0,
    amount_tax: 0,
    amount_total: 0,
    currency: price.currency,
    description: productName(account, price),
    metadata,
    price,
    quantity,
  };
}
