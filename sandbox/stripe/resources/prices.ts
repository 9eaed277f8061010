import type Stripe from 'stripe';
import type { Account } from '../account';
import { decimalText, plainDecimal, textOf, wholeAmount } from '../amounts';
import { only, type Call } from '../call';
import { invalidRequest, parameterMissing } from '../errors';
import { inRange, listPage } from '../pagination';
import { newId } from '../random';
import { currencyOf } from './currency';
import { mergeMetadata } from './metadata';
import { makeProduct } from './product-object';

type PriceParams = Omit<
  Stripe.PriceCreateParams,
  'product_data' | 'recurring' | 'currency_options' | 'metadata'
> & {
  recurring?: Stripe.PriceCreateParams.Recurring;
  metadata?: Stripe.Emptyable<Stripe.MetadataParam>;
};

const INTERVAL_LIMIT: Record<string, number> = { day: 1095, week: 156, month: 36, year: 3 };

/**
 * A price as Stripe answers it right after creation. Covers per-unit, decimal, package, tiered and metered prices.
 * @throws StripeApiError 400 for combinations Stripe refuses.
 */
export function makePrice(account: Account, params: PriceParams): Stripe.Price {
  const tiered = params.billing_scheme === 'tiered';
  const unit = tiered ? null : unitAmountOf(params);
  return {
    id: newId('price'),
    object: 'price',
    active: params.active ?? true,
    billing_scheme: params.billing_scheme ?? 'per_unit',
    created: account.now(),
    currency: currencyOf(params.currency),
    custom_unit_amount: null,
    livemode: false,
    lookup_key: params.lookup_key ?? null,
    metadata: mergeMetadata(null, params.metadata),
    nickname: params.nickname ?? null,
    product: account.get('product', params.product ?? '', 'product').id,
    recurring: params.recurring ? recurringOf(account, params.recurring) : null,
    tax_behavior: params.tax_behavior ?? 'unspecified',
    ...(tiered ? { tiers: tiersOf(params) } : {}),
    tiers_mode: tiered ? (params.tiers_mode ?? null) : null,
    transform_quantity: params.transform_quantity ?? null,
    type: params.recurring ? 'recurring' : 'one_time',
    unit_amount: unit === null ? null : wholeAmount(unit),
    unit_amount_decimal: unit === null ? null : decimalText(unit),
  };
}

function unitAmountOf(params: PriceParams): string {
  if (params.tiers || params.tiers_mode) {
    throw invalidRequest('`tiers` and `tiers_mode` need `billing_scheme=tiered`.', 'billing_scheme');
  }
  if (params.unit_amount !== undefined && params.unit_amount_decimal !== undefined) {
    throw invalidRequest(
      'You may only specify one of these parameters: unit_amount, unit_amount_decimal.',
      undefined,
      'parameters_exclusive',
    );
  }
  if (params.unit_amount_decimal !== undefined) return nonNegative(textOf(params.unit_amount_decimal));
  if (params.unit_amount !== undefined) return nonNegative(String(params.unit_amount));
  throw invalidRequest(
    'You must specify either `unit_amount` or `unit_amount_decimal`.',
    'unit_amount',
    'parameter_missing',
  );
}

function nonNegative(text: string): string {
  if (text.startsWith('-')) throw invalidRequest('Invalid non-negative integer', 'unit_amount');
  return plainDecimal(text);
}

function recurringOf(account: Account, params: Stripe.PriceCreateParams.Recurring): Stripe.Price.Recurring {
  const count = params.interval_count ?? 1;
  if (count < 1 || count > (INTERVAL_LIMIT[params.interval] ?? 0)) {
    throw invalidRequest('A billing interval is at most three years.', 'recurring[interval_count]');
  }
  const usageType = params.usage_type ?? 'licensed';
  if (usageType === 'metered' && !params.meter) {
    throw invalidRequest(
      'Metered prices must be backed by a meter.',
      'recurring[meter]',
      'parameter_missing',
    );
  }
  if (usageType === 'licensed' && params.meter) {
    throw invalidRequest('Only metered prices take a meter.', 'recurring[meter]');
  }
  const meter = params.meter ? account.get('billing.meter', params.meter, 'recurring[meter]') : null;
  if (meter && meter.status !== 'active')
    throw invalidRequest('The meter is not active.', 'recurring[meter]');
  return {
    interval: params.interval,
    interval_count: count,
    meter: meter?.id ?? null,
    trial_period_days: params.trial_period_days ?? null,
    usage_type: usageType,
  };
}

function tiersOf(params: PriceParams): Stripe.Price.Tier[] {
  if (!params.tiers_mode) throw parameterMissing('tiers_mode');
  if (!params.tiers || params.tiers.length === 0) throw parameterMissing('tiers');
  let below = 0;
  return params.tiers.map((tier, index, all) => {
    const last = index === all.length - 1;
    if (last !== (tier.up_to === 'inf')) {
      throw invalidRequest(
        'The last tier, and only the last, must have `up_to=inf`.',
        `tiers[${index}][up_to]`,
      );
    }
    if (typeof tier.up_to === 'number' && tier.up_to <= below) {
      throw invalidRequest('Tiers must be in ascending order of `up_to`.', `tiers[${index}][up_to]`);
    }
    if (typeof tier.up_to === 'number') below = tier.up_to;
    const unit = tierDecimal(tier.unit_amount, tier.unit_amount_decimal);
    const flat = tierDecimal(tier.flat_amount, tier.flat_amount_decimal);
    if (unit === null && flat === null) {
      throw invalidRequest(
        'Each tier needs `unit_amount` or `flat_amount`.',
        `tiers[${index}]`,
        'parameter_missing',
      );
    }
    return {
      flat_amount: flat === null ? null : wholeAmount(flat),
      flat_amount_decimal: flat === null ? null : decimalText(flat),
      unit_amount: unit === null ? null : wholeAmount(unit),
      unit_amount_decimal: unit === null ? null : decimalText(unit),
      up_to: tier.up_to === 'inf' ? null : Number(tier.up_to),
    };
  });
}

function tierDecimal(whole: number | undefined, decimal: Stripe.Decimal | undefined): string | null {
  if (decimal !== undefined) return nonNegative(textOf(decimal));
  return whole === undefined ? null : nonNegative(String(whole));
}

/** A price given inside another request (`price_data`): Stripe keeps it, inactive. */
export function inlinePrice(
  account: Account,
  data: Stripe.Checkout.SessionCreateParams.LineItem.PriceData,
  param: string,
): Stripe.Price {
  if (!data.product === !data.product_data) {
    throw invalidRequest(
      `You must specify exactly one of \`product\` and \`product_data\`.`,
      param,
      'parameters_exclusive',
    );
  }
  let product = data.product;
  if (data.product_data) {
    const made = makeProduct(account, data.product_data as Stripe.ProductCreateParams);
    account.add('product', made, 'product.created');
    product = made.id;
  }
  const { currency, recurring, tax_behavior, unit_amount, unit_amount_decimal } = data;
  const price = makePrice(account, {
    active: false,
    currency,
    product,
    recurring,
    tax_behavior,
    unit_amount,
    unit_amount_decimal,
  });
  account.add('price', price, 'price.created');
  return price;
}

export function createPrice({ account, params }: Call<Stripe.PriceCreateParams>): object {
  only(
    params,
    'active',
    'billing_scheme',
    'currency',
    'lookup_key',
    'metadata',
    'nickname',
    'product',
    'product_data',
    'recurring',
    'tax_behavior',
    'tiers',
    'tiers_mode',
    'transfer_lookup_key',
    'transform_quantity',
    'unit_amount',
    'unit_amount_decimal',
  );
  if (!params.product === !params.product_data) {
    throw invalidRequest(
      'You must specify exactly one of `product` and `product_data`.',
      'product',
      'parameter_missing',
    );
  }
  let product = params.product;
  if (params.product_data) {
    const made = makeProduct(account, params.product_data as Stripe.ProductCreateParams);
    account.add('product', made, 'product.created');
    product = made.id;
  }
  if (params.lookup_key) freeLookupKey(account, params.lookup_key, params.transfer_lookup_key ?? false);
  const price = makePrice(account, { ...params, product });
  return account.add('price', price, 'price.created');
}

function freeLookupKey(account: Account, key: string, transfer: boolean): void {
  for (const holder of account.newest('price', (price) => price.lookup_key === key)) {
    if (!transfer) {
      throw invalidRequest(
        `A price (\`${holder.id}\`) already uses that lookup key.`,
        'lookup_key',
        'resource_already_exists',
      );
    }
    account.change('price', holder, { lookup_key: null }, 'price.updated');
  }
}

export function retrievePrice({ account, id }: Call<Stripe.PriceRetrieveParams>): object {
  return account.get('price', id);
}

/** Amounts, currency and interval never change: only these fields do. */
export function updatePrice({ account, params, id }: Call<Stripe.PriceUpdateParams>): object {
  only(params, 'active', 'lookup_key', 'metadata', 'nickname', 'tax_behavior', 'transfer_lookup_key');
  const price = account.get('price', id);
  if (params.active === false && isDefaultPrice(account, price)) {
    throw invalidRequest(
      'This price cannot be archived because it is the default price of its product.',
      'active',
    );
  }
  if (
    params.tax_behavior &&
    price.tax_behavior !== 'unspecified' &&
    params.tax_behavior !== price.tax_behavior
  ) {
    throw invalidRequest('Once specified, `tax_behavior` cannot be changed.', 'tax_behavior');
  }
  if (params.lookup_key && params.lookup_key !== price.lookup_key) {
    freeLookupKey(account, params.lookup_key, params.transfer_lookup_key ?? false);
  }
  return account.change(
    'price',
    price,
    {
      active: params.active ?? price.active,
      lookup_key: params.lookup_key === undefined ? price.lookup_key : params.lookup_key || null,
      metadata: mergeMetadata(price.metadata, params.metadata),
      nickname: params.nickname === undefined ? price.nickname : params.nickname || null,
      tax_behavior: params.tax_behavior ?? price.tax_behavior,
    },
    'price.updated',
  );
}

function isDefaultPrice(account: Account, price: Stripe.Price): boolean {
  const product = account.store.find('product', price.product as string);
  return product !== undefined && 'default_price' in product && product.default_price === price.id;
}

export function listPrices({ account, params }: Call<Stripe.PriceListParams>): object {
  only(
    params,
    'active',
    'created',
    'currency',
    'ending_before',
    'limit',
    'lookup_keys',
    'product',
    'recurring',
    'starting_after',
    'type',
  );
  const rows = account.newest(
    'price',
    (price) =>
      inRange(price.created, params.created) &&
      (params.active === undefined || price.active === params.active) &&
      (params.currency === undefined || price.currency === params.currency.toLowerCase()) &&
      (params.lookup_keys === undefined || params.lookup_keys.includes(price.lookup_key ?? '')) &&
      (params.product === undefined || price.product === params.product) &&
      (params.type === undefined || price.type === params.type) &&
      fitsRecurring(price, params.recurring),
  );
  return listPage(rows, params, '/v1/prices');
}

function fitsRecurring(price: Stripe.Price, wanted: Stripe.PriceListParams.Recurring | undefined): boolean {
  if (!wanted) return true;
  return (
    (wanted.interval === undefined || price.recurring?.interval === wanted.interval) &&
    (wanted.meter === undefined || price.recurring?.meter === wanted.meter) &&
    (wanted.usage_type === undefined || price.recurring?.usage_type === wanted.usage_type)
  );
}
