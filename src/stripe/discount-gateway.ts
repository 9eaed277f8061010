import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { StripeCustomerId, StripeProductId } from '../contracts/ids';
import { Clock } from '../platform/clock';
import { unlessMissing } from './billing-gateway';
import { StripeClient } from './stripe-client';

/** Why a code gives no discount here. */
export type CouponRefusal =
  'unknown' | 'expired' | 'exhausted' | 'not_for_this_plan' | 'not_for_this_customer';

export type DiscountAnswer =
  | { valid: true; discount: { promotionCodeId: string } | { couponId: string } }
  | { valid: false; reason: CouponRefusal };

/** What the discount is wanted for. */
export interface DiscountPurpose {
  productIds: readonly StripeProductId[];
  customerId: StripeCustomerId;
  /** Sum of the flat first payment in minor units, for codes with a minimum. */
  amount: number;
  currency: string;
  /** Whether the tenant never had a paid subscription. */
  isFirstPurchase: boolean;
}

/**
 * Checks a coupon or promotion code before a session is opened, so that the refusal can say why. Customers
 * type promotion codes; a coupon's own id works too, for operators who hand those out.
 */
@Injectable()
export class DiscountGateway {
  constructor(
    private readonly client: StripeClient,
    private readonly clock: Clock,
  ) {}

  async find(code: string, purpose: DiscountPurpose): Promise<DiscountAnswer> {
    const promotion = await this.promotionCode(code);
    if (promotion) return this.judgePromotion(promotion, purpose);
    const coupon = await this.coupon(code);
    if (!coupon) return { valid: false, reason: 'unknown' };
    const reason = this.judgeCoupon(coupon, purpose);
    return reason ? { valid: false, reason } : { valid: true, discount: { couponId: coupon.id } };
  }

  /** An active code of this text, else the newest of it; codes may be used again after they end. */
  private async promotionCode(code: string): Promise<Stripe.PromotionCode | null> {
    const list = await this.client.call('promotion_codes.list', (stripe, options) =>
      stripe.promotionCodes.list({ code, limit: 10, expand: ['data.promotion.coupon.applies_to'] }, options),
    );
    return list.data.find((candidate) => candidate.active) ?? list.data[0] ?? null;
  }

  private coupon(id: string): Promise<Stripe.Coupon | null> {
    return unlessMissing(() =>
      this.client.call('coupons.retrieve', (stripe, options) =>
        stripe.coupons.retrieve(id, { expand: ['applies_to'] }, options),
      ),
    );
  }

  private judgePromotion(promotion: Stripe.PromotionCode, purpose: DiscountPurpose): DiscountAnswer {
    const refuse = (reason: CouponRefusal): DiscountAnswer => ({ valid: false, reason });
    const coupon = promotion.promotion.coupon;
    if (!coupon || typeof coupon === 'string') return refuse('unknown');
    if (promotion.expires_at !== null && this.isPast(promotion.expires_at)) return refuse('expired');
    if (isExhausted(promotion)) return refuse('exhausted');
    const fault = this.judgeCoupon(coupon, purpose);
    if (fault) return refuse(fault);
    if (!promotion.active) return refuse('expired');
    const owner = promotion.customer;
    if (owner && (typeof owner === 'string' ? owner : owner.id) !== purpose.customerId)
      return refuse('not_for_this_customer');
    const { restrictions } = promotion;
    if (restrictions.first_time_transaction && !purpose.isFirstPurchase)
      return refuse('not_for_this_customer');
    if (isBelowMinimum(restrictions, purpose)) return refuse('not_for_this_plan');
    return { valid: true, discount: { promotionCodeId: promotion.id } };
  }

  private judgeCoupon(coupon: Stripe.Coupon, purpose: DiscountPurpose): CouponRefusal | null {
    if (coupon.redeem_by !== null && this.isPast(coupon.redeem_by)) return 'expired';
    if (isExhausted(coupon)) return 'exhausted';
    if (!coupon.valid) return 'expired';
    const products = coupon.applies_to?.products;
    if (products?.length && !purpose.productIds.some((id) => products.includes(id)))
      return 'not_for_this_plan';
    // An amount off is money: it does not fit a price in another currency.
    const otherCurrency = coupon.amount_off !== null && coupon.currency !== purpose.currency;
    if (otherCurrency && !coupon.currency_options?.[purpose.currency]) return 'not_for_this_plan';
    return null;
  }

  private isPast(seconds: number): boolean {
    return seconds * 1000 <= this.clock.now().getTime();
  }
}

function isExhausted(code: { max_redemptions: number | null; times_redeemed: number }): boolean {
  return code.max_redemptions !== null && code.times_redeemed >= code.max_redemptions;
}

function isBelowMinimum(restrictions: Stripe.PromotionCode.Restrictions, purpose: DiscountPurpose): boolean {
  if (restrictions.minimum_amount === null) return false;
  return (
    restrictions.minimum_amount_currency !== purpose.currency || purpose.amount < restrictions.minimum_amount
  );
}
