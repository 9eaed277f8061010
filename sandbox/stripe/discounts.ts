import type Stripe from 'stripe';
import type { Account } from './account';
import { percentOf, split } from './amounts';
import { invalidRequest } from './errors';
import { intervalsAfter } from './periods';
import { newId } from './random';
import { couponIsValid, promotionCodeIsOpen } from './redeemable';

/** A coupon that was asked for, with the code it was asked for by. */
export interface Grant {
  coupon: Stripe.Coupon;
  promotionCode: Stripe.PromotionCode | null;
}

/** What a grant is measured against. */
export interface Purchase {
  customer: string | null;
  currency: string;
  /** Sum before discounts, minor units. */
  subtotal: number;
}

/** Something to be discounted: an amount in minor units and the product it is for. */
export interface Discountable {
  amount: number;
  product: string;
}

/**
 * Reads `discounts[n]` of a request.
 * @param param Path of the entry, e.g. `discounts[0]`.
 * @throws StripeApiError 400 when the coupon or code does not exist or can not be used here.
 */
export function grantOf(
  account: Account,
  given: { coupon?: string; promotion_code?: string },
  purchase: Purchase,
  param: string,
): Grant {
  if (!given.coupon === !given.promotion_code) {
    throw invalidRequest(
      'You must specify exactly one of coupon and promotion_code.',
      param,
      'parameters_exclusive',
    );
  }
  if (given.coupon) {
    const coupon = account.get('coupon', given.coupon, `${param}[coupon]`);
    checkCoupon(account, coupon, purchase, `${param}[coupon]`);
    return { coupon, promotionCode: null };
  }
  const code = account.get('promotion_code', given.promotion_code as string, `${param}[promotion_code]`);
  return grantOfCode(account, code, purchase, `${param}[promotion_code]`);
}

/** The grant behind a promotion code. @throws StripeApiError 400 with a message fit for the payer. */
export function grantOfCode(
  account: Account,
  code: Stripe.PromotionCode,
  purchase: Purchase,
  param: string,
): Grant {
  const coupon = account.store.find('coupon', code.promotion.coupon as string);
  if (!coupon || coupon.deleted || !promotionCodeIsOpen(code, coupon, account.now())) {
    throw invalidRequest('This promotion code is expired or no longer active.', param, 'coupon_expired');
  }
  if (code.customer && code.customer !== purchase.customer) {
    throw invalidRequest('This promotion code cannot be redeemed by this customer.', param);
  }
  const { first_time_transaction, minimum_amount, minimum_amount_currency } = code.restrictions;
  if (first_time_transaction && hasPaidBefore(account, purchase.customer)) {
    throw invalidRequest(
      'This promotion code cannot be redeemed because the associated customer has prior transactions.',
      param,
    );
  }
  if (
    minimum_amount !== null &&
    (minimum_amount_currency !== purchase.currency || purchase.subtotal < minimum_amount)
  ) {
    throw invalidRequest('This promotion code has a minimum amount that this order does not reach.', param);
  }
  checkCoupon(account, coupon, purchase, param);
  return { coupon, promotionCode: code };
}

function checkCoupon(account: Account, coupon: Stripe.Coupon, purchase: Purchase, param: string): void {
  if (!couponIsValid(coupon, account.now())) {
    throw invalidRequest(`Coupon ${coupon.id} is expired and cannot be applied.`, param, 'coupon_expired');
  }
  if (coupon.currency && coupon.currency !== purchase.currency) {
    throw invalidRequest(
      `The coupon's currency (${coupon.currency}) does not match the purchase's currency (${purchase.currency}).`,
      param,
    );
  }
}

function hasPaidBefore(account: Account, customer: string | null): boolean {
  if (!customer) return false;
  return account.newest('charge', (charge) => charge.customer === customer && charge.paid).length > 0;
}

/**
 * What each coupon takes from each line, in minor units: `result[coupon][line]`.
 * Coupons work one after another on what is left; an amount off is spread over its lines in proportion.
 */
export function discountAmounts(
  lines: readonly Discountable[],
  coupons: readonly Stripe.Coupon[],
): number[][] {
  const left = lines.map((line) => line.amount);
  return coupons.map((coupon) => {
    const products = coupon.applies_to?.products;
    const base = left.map((amount, index) =>
      amount > 0 && (!products || products.includes(lines[index]?.product ?? '')) ? amount : 0,
    );
    const total = base.reduce((sum, amount) => sum + amount, 0);
    const parts =
      coupon.percent_off !== null
        ? base.map((amount) => percentOf(amount, coupon.percent_off as number))
        : split(Math.min(coupon.amount_off ?? 0, total), base);
    parts.forEach((part, index) => {
      left[index] = (left[index] ?? 0) - part;
    });
    return parts;
  });
}

/** Counts one use of a coupon and of the code it came by. */
export function redeemOnce(account: Account, { coupon, promotionCode }: Grant): void {
  account.change('coupon', coupon, { times_redeemed: coupon.times_redeemed + 1 });
  if (promotionCode) {
    account.change('promotion_code', promotionCode, { times_redeemed: promotionCode.times_redeemed + 1 });
  }
}

/** Redeems a grant for a subscription: counts the use and keeps the discount. */
export function redeem(
  account: Account,
  grant: Grant,
  owner: { customer: string; subscription: string; checkout_session: string | null },
): Stripe.Discount {
  const now = account.now();
  const { coupon, promotionCode } = grant;
  redeemOnce(account, grant);
  const discount: Stripe.Discount = {
    id: newId('di'),
    object: 'discount',
    checkout_session: owner.checkout_session,
    customer: owner.customer,
    customer_account: null,
    end: coupon.duration_in_months ? intervalsAfter(now, 'month', coupon.duration_in_months) : null,
    invoice: null,
    invoice_item: null,
    promotion_code: promotionCode?.id ?? null,
    source: { coupon: coupon.id, type: 'coupon' },
    start: now,
    subscription: owner.subscription,
    subscription_item: null,
  };
  return account.add('discount', discount, 'customer.discount.created') as Stripe.Discount;
}
