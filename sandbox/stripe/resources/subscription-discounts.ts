import type Stripe from 'stripe';
import type { Account } from '../account';
import { grantOf, redeem } from '../discounts';
import { invalidRequest } from '../errors';

/** The discounts of a subscription after an update: kept ones, new ones redeemed, all others dropped. */
export function newDiscounts(
  account: Account,
  current: Stripe.Subscription,
  given: { coupon?: string; discount?: string; promotion_code?: string }[],
): string[] {
  const customer = current.customer as string;
  const held = current.discounts as string[];
  const kept = given.flatMap(({ discount }) => (discount && held.includes(discount) ? [discount] : []));
  for (const id of held.filter((each) => !kept.includes(each))) dropDiscount(account, id);
  return given.map((entry, index) => {
    if (entry.discount) {
      if (!kept.includes(entry.discount))
        throw invalidRequest(
          `No such discount: '${entry.discount}'`,
          `discounts[${index}][discount]`,
          'resource_missing',
        );
      return entry.discount;
    }
    const purchase = { customer, currency: current.currency, subtotal: Number.MAX_SAFE_INTEGER };
    const grant = grantOf(account, entry, purchase, `discounts[${index}]`);
    return redeem(account, grant, { customer, subscription: current.id, checkout_session: null }).id;
  });
}

/** Takes a discount away, with its event. */
export function dropDiscount(account: Account, id: string): Stripe.DeletedDiscount {
  const discount = account.get('discount', id) as Stripe.Discount;
  const { end: _end, ...rest } = discount;
  const deleted: Stripe.DeletedDiscount = { ...rest, deleted: true };
  account.store.put('discount', deleted);
  account.emit('customer.discount.deleted', discount);
  return deleted;
}
