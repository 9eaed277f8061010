import type Stripe from 'stripe';
import { invalidRequest } from './errors';
import { couponIsValid, promotionCodeIsOpen } from './redeemable';
import type { Store } from './store';
import type { TableName, Tables } from './tables';

/** Fields that hold an id and may be asked for in full, by `object.path`. */
const EXPANDABLE: Record<string, TableName> = {
  'charge.customer': 'customer',
  'credit_note.customer': 'customer',
  'credit_note.invoice': 'invoice',
  'credit_note.refunds.refund': 'refund',
  'dispute.charge': 'charge',
  'dispute.payment_intent': 'payment_intent',
  'refund.charge': 'charge',
  'refund.payment_intent': 'payment_intent',
  'charge.payment_intent': 'payment_intent',
  'checkout.session.customer': 'customer',
  'checkout.session.discounts.coupon': 'coupon',
  'checkout.session.discounts.promotion_code': 'promotion_code',
  'checkout.session.invoice': 'invoice',
  'checkout.session.payment_intent': 'payment_intent',
  'checkout.session.setup_intent': 'setup_intent',
  'checkout.session.subscription': 'subscription',
  'customer.invoice_settings.default_payment_method': 'payment_method',
  'customer.test_clock': 'test_helpers.test_clock',
  'discount.customer': 'customer',
  'discount.promotion_code': 'promotion_code',
  'discount.source.coupon': 'coupon',
  'invoice.customer': 'customer',
  'invoice.default_payment_method': 'payment_method',
  'invoice.discounts': 'discount',
  'invoice.parent.subscription_details.subscription': 'subscription',
  'invoice.total_discount_amounts.discount': 'discount',
  'invoice.test_clock': 'test_helpers.test_clock',
  'invoice_payment.invoice': 'invoice',
  'invoiceitem.customer': 'customer',
  'invoiceitem.discounts': 'discount',
  'invoiceitem.invoice': 'invoice',
  'invoiceitem.pricing.price_details.price': 'price',
  'invoice_payment.payment.charge': 'charge',
  'invoice_payment.payment.payment_intent': 'payment_intent',
  'line_item.discount_amounts.discount': 'discount',
  'line_item.discounts': 'discount',
  'line_item.pricing.price_details.price': 'price',
  'line_item.subscription': 'subscription',
  'payment_intent.customer': 'customer',
  'payment_intent.latest_charge': 'charge',
  'payment_intent.payment_method': 'payment_method',
  'payment_method.customer': 'customer',
  'plan.product': 'product',
  'price.product': 'product',
  'product.default_price': 'price',
  'promotion_code.customer': 'customer',
  'promotion_code.promotion.coupon': 'coupon',
  'setup_intent.customer': 'customer',
  'setup_intent.payment_method': 'payment_method',
  'subscription.customer': 'customer',
  'subscription.default_payment_method': 'payment_method',
  'subscription.discounts': 'discount',
  'subscription.latest_invoice': 'invoice',
  'subscription.pending_setup_intent': 'setup_intent',
  'subscription.schedule': 'subscription_schedule',
  'subscription.test_clock': 'test_helpers.test_clock',
  'subscription_item.discounts': 'discount',
  'subscription_schedule.customer': 'customer',
  'subscription_schedule.phases.items.price': 'price',
  'subscription_schedule.subscription': 'subscription',
};

/** What rendering looks things up in. */
export interface RenderSource {
  store: Store;
  /** Unix seconds. */
  now(): number;
}

type Included = (object: Record<string, unknown>, source: RenderSource) => unknown;

const stored =
  (field: string): Included =>
  (object) =>
    object[field];

/** Fields Stripe leaves out until they are asked for. */
const INCLUDABLE: Record<string, Record<string, Included>> = {
  'checkout.session': { line_items: firstLineItems },
  coupon: { applies_to: stored('applies_to'), currency_options: stored('currency_options') },
  customer: {
    subscriptions: (customer, source) =>
      page(
        newest(source, 'subscription', (row) => row.customer === customer.id && row.status !== 'canceled'),
        `/v1/customers/${String(customer.id)}/subscriptions`,
      ),
  },
  invoice: {
    payments: (invoice, source) =>
      page(
        newest(source, 'invoice_payment', (row) => row.invoice === invoice.id),
        `/v1/invoice_payments?invoice=${String(invoice.id)}`,
      ),
    confirmation_secret: stored('confirmation_secret'),
  },
  plan: { tiers: stored('tiers') },
  price: { tiers: stored('tiers'), currency_options: stored('currency_options') },
};

const MAX_DEPTH = 4;

type Wanted = { [field: string]: Wanted };

/**
 * The object as Stripe answers it: includable fields left out, ids replaced by objects where `expand` asks.
 * @param expand Paths as sent, e.g. `latest_invoice.payments` or `data.customer`.
 * @throws StripeApiError 400 when a path can not be expanded.
 */
export function render(source: RenderSource, value: unknown, expand: readonly string[]): unknown {
  const wanted: Wanted = {};
  for (const path of expand) {
    const fields = path.split('.');
    if (fields.length > MAX_DEPTH + (fields[0] === 'data' ? 1 : 0)) {
      throw invalidRequest(
        `You cannot expand more than ${MAX_DEPTH} levels of a property. Property: ${path}`,
        'expand',
      );
    }
    let level = wanted;
    for (const field of fields) level = level[field] ??= {};
  }
  return renderValue(source, value, wanted, '', '');
}

function renderValue(
  source: RenderSource,
  value: unknown,
  wanted: Wanted,
  place: string,
  path: string,
): unknown {
  if (Array.isArray(value)) return value.map((item) => renderValue(source, item, wanted, place, path));
  if (typeof value !== 'object' || value === null) return renderLeaf(value, wanted, path);
  const object = live(value as Record<string, unknown>, source);
  const type = typeof object.object === 'string' ? object.object : null;
  const here = type && type !== 'list' ? type : place;
  const includable = (type && INCLUDABLE[type]) || {};
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(object)) {
    if (key in includable) continue;
    const isListData = type === 'list' && key === 'data';
    const fieldPlace = isListData ? '' : `${here}.${key}`;
    const fieldPath = path === '' ? key : `${path}.${key}`;
    const field = wanted[key];
    result[key] =
      field && expandsHere(inner, fieldPlace)
        ? expandField(source, inner, field, fieldPlace, fieldPath)
        : renderValue(source, inner, field ?? {}, fieldPlace, field ? fieldPath : '');
    if (field && !expandsHere(inner, fieldPlace) && (typeof inner !== 'object' || inner === null)) {
      refuseUnlessEmpty(inner, fieldPath);
    }
  }
  for (const [key, field] of Object.entries(wanted)) {
    const include = includable[key];
    const fieldPath = path === '' ? key : `${path}.${key}`;
    if (include) {
      const inner = include(object, source);
      if (inner !== undefined) result[key] = renderValue(source, inner, field, `${here}.${key}`, fieldPath);
    } else if (!(key in object) && !(`${here}.${key}` in EXPANDABLE)) {
      throw notExpandable(fieldPath);
    }
  }
  return result;
}

function renderLeaf(value: unknown, wanted: Wanted, path: string): unknown {
  const below = Object.keys(wanted)[0];
  if (below !== undefined && value !== null) throw notExpandable(`${path}.${below}`);
  return value;
}

function expandsHere(value: unknown, place: string): boolean {
  if (!(place in EXPANDABLE)) return false;
  return (
    typeof value === 'string' ||
    value === null ||
    (Array.isArray(value) && value.every((item) => typeof item === 'string'))
  );
}

function expandField(
  source: RenderSource,
  value: unknown,
  wanted: Wanted,
  place: string,
  path: string,
): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((item) => expandField(source, item, wanted, place, path));
  const row = source.store.find(EXPANDABLE[place] as TableName, value as string);
  return row ? renderValue(source, row, wanted, '', path) : value;
}

function refuseUnlessEmpty(value: unknown, path: string): void {
  if (value !== null) throw notExpandable(path);
}

function notExpandable(path: string): Error {
  const code = path.endsWith('total_count') ? 'property_forbidden' : undefined;
  return invalidRequest(
    `This property cannot be expanded (${path}). You may want to try expanding 'data.${path}' instead.`,
    'expand',
    code,
  );
}

/** Coupons and codes run out by time and use; what they say of themselves is worked out when asked. */
function live(object: Record<string, unknown>, source: RenderSource): Record<string, unknown> {
  if (object.object === 'coupon' && object.deleted !== true) {
    return { ...object, valid: couponIsValid(object as unknown as Stripe.Coupon, source.now()) };
  }
  if (object.object === 'promotion_code') {
    const code = object as unknown as Stripe.PromotionCode;
    const coupon = source.store.find('coupon', code.promotion.coupon as string);
    return { ...object, active: promotionCodeIsOpen(code, coupon, source.now()) };
  }
  return object;
}

function newest<T extends TableName>(
  source: RenderSource,
  table: T,
  fits: (row: Tables[T]) => boolean,
): Tables[T][] {
  return source.store.all(table).filter(fits).reverse();
}

function firstLineItems(session: Record<string, unknown>, source: RenderSource): unknown {
  const id = String(session.id);
  const items = source.store.find('checkout_plan', id)?.line_items ?? [];
  return page(items, `/v1/checkout/sessions/${id}/line_items`);
}

/** The first ten of an embedded list. */
function page(rows: unknown[], url: string): unknown {
  return { object: 'list', data: rows.slice(0, 10), has_more: rows.length > 10, url };
}
