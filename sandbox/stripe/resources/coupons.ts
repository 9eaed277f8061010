import type Stripe from 'stripe';
import { only, type Call } from '../call';
import { invalidRequest, parameterMissing } from '../errors';
import { inRange, listPage } from '../pagination';
import { newId } from '../random';
import { currencyOf } from './currency';
import { mergeMetadata } from './metadata';

export function createCoupon({ account, params }: Call<Stripe.CouponCreateParams>): object {
  only(
    params,
    'amount_off',
    'applies_to',
    'currency',
    'duration',
    'duration_in_months',
    'id',
    'max_redemptions',
    'metadata',
    'name',
    'percent_off',
    'redeem_by',
  );
  checkAmounts(params);
  checkDuration(params);
  if (params.id && account.store.find('coupon', params.id)) {
    throw invalidRequest('Coupon already exists.', 'id', 'resource_already_exists');
  }
  if (params.redeem_by !== undefined && params.redeem_by <= account.now()) {
    throw invalidRequest('`redeem_by` must be in the future.', 'redeem_by');
  }
  for (const product of params.applies_to?.products ?? [])
    account.get('product', product, 'applies_to[products]');
  const coupon: Stripe.Coupon = {
    id: params.id ?? newId('coupon'),
    object: 'coupon',
    amount_off: params.amount_off ?? null,
    ...(params.applies_to ? { applies_to: { products: params.applies_to.products ?? [] } } : {}),
    created: account.now(),
    currency: params.amount_off === undefined ? null : currencyOf(params.currency ?? ''),
    duration: params.duration ?? 'once',
    duration_in_months: params.duration_in_months ?? null,
    livemode: false,
    max_redemptions: params.max_redemptions ?? null,
    metadata: mergeMetadata(null, params.metadata),
    name: params.name ?? null,
    percent_off: params.percent_off ?? null,
    redeem_by: params.redeem_by ?? null,
    times_redeemed: 0,
    valid: true,
  };
  return account.add('coupon', coupon, 'coupon.created');
}

function checkAmounts(params: Stripe.CouponCreateParams): void {
  const { amount_off: amount, percent_off: percent } = params;
  if ((amount === undefined) === (percent === undefined)) {
    throw invalidRequest(
      'You must pass exactly one of `percent_off` and `amount_off`.',
      'percent_off',
      'parameter_missing',
    );
  }
  if (percent !== undefined && !(percent > 0 && percent <= 100)) {
    throw invalidRequest('Invalid decimal: must be greater than 0 and at most 100.', 'percent_off');
  }
  if (amount !== undefined && amount < 1) throw invalidRequest('Invalid positive integer', 'amount_off');
  if (amount !== undefined && !params.currency) throw parameterMissing('currency');
}

function checkDuration(params: Stripe.CouponCreateParams): void {
  const repeating = params.duration === 'repeating';
  if (repeating && !params.duration_in_months) throw parameterMissing('duration_in_months');
  if (!repeating && params.duration_in_months !== undefined) {
    throw invalidRequest('`duration_in_months` needs `duration=repeating`.', 'duration_in_months');
  }
  if (params.max_redemptions !== undefined && params.max_redemptions < 1) {
    throw invalidRequest('Invalid positive integer', 'max_redemptions');
  }
}

export function retrieveCoupon({ account, id }: Call<Stripe.CouponRetrieveParams>): object {
  return account.get('coupon', id);
}

export function updateCoupon({ account, params, id }: Call<Stripe.CouponUpdateParams>): object {
  only(params, 'metadata', 'name');
  const coupon = account.get('coupon', id);
  return account.change(
    'coupon',
    coupon,
    { metadata: mergeMetadata(coupon.metadata, params.metadata), name: params.name ?? coupon.name },
    'coupon.updated',
  );
}

/** Deleting a coupon takes nothing from those who have it already. */
export function deleteCoupon({ account, id }: Call<Stripe.CouponDeleteParams>): object {
  const coupon = account.get('coupon', id);
  const deleted: Stripe.DeletedCoupon = { id, object: 'coupon', deleted: true };
  account.store.put('coupon', deleted);
  for (const code of account.newest('promotion_code', (row) => row.promotion.coupon === id && row.active)) {
    account.change('promotion_code', code, { active: false }, 'promotion_code.updated');
  }
  account.emit('coupon.deleted', coupon);
  return deleted;
}

export function listCoupons({ account, params }: Call<Stripe.CouponListParams>): object {
  only(params, 'created', 'ending_before', 'limit', 'starting_after');
  return listPage(
    account.newest('coupon', (coupon) => inRange(coupon.created, params.created)),
    params,
    '/v1/coupons',
  );
}
