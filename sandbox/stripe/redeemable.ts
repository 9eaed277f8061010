import type Stripe from 'stripe';

/** Whether a coupon may still be redeemed at `now` (Unix seconds). */
export function couponIsValid(coupon: Stripe.Coupon, now: number): boolean {
  const expired = coupon.redeem_by !== null && coupon.redeem_by <= now;
  const usedUp = coupon.max_redemptions !== null && coupon.times_redeemed >= coupon.max_redemptions;
  return !expired && !usedUp;
}

/** Whether a code may still be redeemed at `now` (Unix seconds), its coupon included. */
export function promotionCodeIsOpen(
  code: Stripe.PromotionCode,
  coupon: Stripe.Coupon | Stripe.DeletedCoupon | undefined,
  now: number,
): boolean {
  const expired = code.expires_at !== null && code.expires_at <= now;
  const usedUp = code.max_redemptions !== null && code.times_redeemed >= code.max_redemptions;
  return (
    code.active &&
    !expired &&
    !usedUp &&
    coupon !== undefined &&
    !coupon.deleted &&
    couponIsValid(coupon, now)
  );
}
