import type Stripe from 'stripe';
import type { Account } from '../account';
import { amountFor } from '../amounts';
import { discountAmounts } from '../discounts';
import { isMetered } from './cycle';

/** A discount with the coupon behind it. */
export interface AppliedDiscount {
  discount: Stripe.Discount;
  coupon: Stripe.Coupon;
}

/**
 * The discounts of a subscription that count now: not past their end, and `once` ones only until an invoice had
 * something to take them off.
 */
export function liveDiscounts(
  account: Account,
  subscription: Stripe.Subscription,
  at: number,
): AppliedDiscount[] {
  return (subscription.discounts as string[]).flatMap((id) => {
    const discount = account.store.find('discount', id);
    if (!discount || discount.deleted || (discount.end !== null && discount.end <= at)) return [];
    const coupon = account.store.find('coupon', discount.source.coupon as string);
    if (!coupon || coupon.deleted) return [];
    if (coupon.duration === 'once' && account.store.find('note', spentNote(id))) return [];
    return [{ discount, coupon }];
  });
}

/** Remembers which `once` discounts an invoice has used up. */
export function spendDiscounts(
  account: Account,
  applied: readonly AppliedDiscount[],
  invoice: Stripe.Invoice,
): void {
  for (const { discount, coupon } of applied) {
    const taken =
      invoice.total_discount_amounts?.find((entry) => entry.discount === discount.id)?.amount ?? 0;
    if (coupon.duration !== 'once' || taken === 0) continue;
    account.store.put('note', { id: spentNote(discount.id), at: account.now(), object: invoice.id });
  }
}

function spentNote(discount: string): string {
  return `${discount}:spent`;
}

/** What the discounts take off one whole period of an item, beside its sister items. Minor units. */
export function discountOfItem(
  items: readonly Stripe.SubscriptionItem[],
  item: Stripe.SubscriptionItem,
  applied: readonly AppliedDiscount[],
): number {
  const licensed = items.filter(({ price }) => !isMetered(price));
  const index = licensed.findIndex(({ id }) => id === item.id);
  if (index < 0 || applied.length === 0) return 0;
  const amounts = discountAmounts(
    licensed.map(({ price, quantity }) => ({
      amount: amountFor(price, quantity ?? 0),
      product: price.product as string,
    })),
    applied.map(({ coupon }) => coupon),
  );
  return amounts.reduce((sum, parts) => sum + (parts[index] ?? 0), 0);
}
