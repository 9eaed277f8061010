import type Stripe from 'stripe';
import { only, orNull, type Call } from '../call';
import { invalidRequest, parameterMissing } from '../errors';
import { inRange, listPage } from '../pagination';
import { newId, randomText } from '../random';
import { couponIsValid, promotionCodeIsOpen } from '../redeemable';
import { currencyOf } from './currency';
import { mergeMetadata } from './metadata';

export function createPromotionCode({ account, params }: Call<Stripe.PromotionCodeCreateParams>): object {
  only(
    params,
    'active',
    'code',
    'customer',
    'expires_at',
    'max_redemptions',
    'metadata',
    'promotion',
    'restrictions',
  );
  const couponId = params.promotion.coupon;
  if (!couponId) throw parameterMissing('promotion[coupon]');
  const coupon = account.get('coupon', couponId, 'promotion[coupon]');
  const now = account.now();
  if (!couponIsValid(coupon, now))
    throw invalidRequest('The coupon is no longer valid.', 'promotion[coupon]');
  if (params.expires_at !== undefined && params.expires_at <= now) {
    throw invalidRequest('`expires_at` must be in the future.', 'expires_at');
  }
  const code = params.code ?? randomText(8).toUpperCase();
  if (!/^[A-Za-z0-9_-]{1,500}$/.test(code)) {
    throw invalidRequest('Promotion codes may contain only letters, digits, dashes and underscores.', 'code');
  }
  const customer = params.customer ? account.get('customer', params.customer, 'customer').id : null;
  const clash = account.newest(
    'promotion_code',
    (row) =>
      row.active &&
      row.code.toLowerCase() === code.toLowerCase() &&
      (!row.customer || row.customer === customer),
  );
  if (params.active !== false && clash.length > 0) {
    throw invalidRequest(
      `An active promotion code with \`code: ${code}\` already exists.`,
      'code',
      'resource_already_exists',
    );
  }
  const restrictions = params.restrictions ?? {};
  if (restrictions.minimum_amount !== undefined && !restrictions.minimum_amount_currency) {
    throw parameterMissing('restrictions[minimum_amount_currency]');
  }
  const promotionCode: Stripe.PromotionCode = {
    id: newId('promo'),
    object: 'promotion_code',
    active: params.active ?? true,
    code,
    created: now,
    customer,
    customer_account: null,
    expires_at: params.expires_at ?? null,
    livemode: false,
    max_redemptions: params.max_redemptions ?? null,
    metadata: mergeMetadata(null, params.metadata),
    promotion: { coupon: coupon.id, type: 'coupon' },
    restrictions: {
      first_time_transaction: restrictions.first_time_transaction ?? false,
      minimum_amount: restrictions.minimum_amount ?? null,
      minimum_amount_currency: restrictions.minimum_amount_currency
        ? currencyOf(restrictions.minimum_amount_currency, 'restrictions[minimum_amount_currency]')
        : null,
    },
    times_redeemed: 0,
  };
  return account.add('promotion_code', promotionCode, 'promotion_code.created');
}

export function retrievePromotionCode({ account, id }: Call<Stripe.PromotionCodeRetrieveParams>): object {
  return account.get('promotion_code', id);
}

export function updatePromotionCode({ account, params, id }: Call<Stripe.PromotionCodeUpdateParams>): object {
  only(params, 'active', 'metadata');
  const code = account.get('promotion_code', id);
  return account.change(
    'promotion_code',
    code,
    { active: params.active ?? code.active, metadata: mergeMetadata(code.metadata, params.metadata) },
    'promotion_code.updated',
  );
}

export function listPromotionCodes({ account, params }: Call<Stripe.PromotionCodeListParams>): object {
  only(params, 'active', 'code', 'coupon', 'created', 'customer', 'ending_before', 'limit', 'starting_after');
  const now = account.now();
  const rows = account.newest(
    'promotion_code',
    (row) =>
      inRange(row.created, params.created) &&
      (params.active === undefined ||
        promotionCodeIsOpen(row, account.store.find('coupon', row.promotion.coupon as string), now) ===
          params.active) &&
      (params.code === undefined || row.code.toLowerCase() === params.code.toLowerCase()) &&
      (params.coupon === undefined || row.promotion.coupon === params.coupon) &&
      (params.customer === undefined || row.customer === orNull(params.customer)),
  );
  return listPage(rows, params, '/v1/promotion_codes');
}
