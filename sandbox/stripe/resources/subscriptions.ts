import type Stripe from 'stripe';
import type { Account } from '../account';
import { only, orNull, updated, type Call } from '../call';
import { grantOf, redeem } from '../discounts';
import { invalidRequest } from '../errors';
import { inRange, listPage } from '../pagination';
import { mergeMetadata } from './metadata';
import { ownPaymentMethod } from './payment-methods';
import { endSubscription } from './subscription-end';
import { changedItems } from './subscription-items';
import { trialSettingsOf } from './trials';

export function retrieveSubscription({ account, id }: Call<Stripe.SubscriptionRetrieveParams>): object {
  return account.get('subscription', id);
}

/** Canceled subscriptions are listed only when asked for (`status: canceled`, `ended` or `all`). */
export function listSubscriptions({ account, params }: Call<Stripe.SubscriptionListParams>): object {
  only(
    params,
    'collection_method',
    'created',
    'current_period_end',
    'current_period_start',
    'customer',
    'ending_before',
    'limit',
    'price',
    'starting_after',
    'status',
  );
  const rows = account.newest(
    'subscription',
    (row) =>
      fitsStatus(row, params.status) &&
      inRange(row.created, params.created) &&
      (params.collection_method === undefined || row.collection_method === params.collection_method) &&
      (params.customer === undefined || row.customer === params.customer) &&
      (params.price === undefined || row.items.data.some((item) => item.price.id === params.price)) &&
      row.items.data.some(
        (item) =>
          inRange(item.current_period_end, params.current_period_end) &&
          inRange(item.current_period_start, params.current_period_start),
      ),
  );
  return listPage(rows, params, '/v1/subscriptions');
}

function fitsStatus(row: Stripe.Subscription, wanted: string | undefined): boolean {
  if (wanted === 'all') return true;
  if (wanted === undefined) return row.status !== 'canceled';
  if (wanted === 'ended') return row.status === 'canceled' || row.status === 'incomplete_expired';
  return row.status === wanted;
}

/** Changes of a living subscription. A canceled one takes only metadata and cancellation details. */
export function updateSubscription({ account, params, id }: Call<Stripe.SubscriptionUpdateParams>): object {
  only(
    params,
    'automatic_tax',
    'cancel_at',
    'cancel_at_period_end',
    'cancellation_details',
    'default_payment_method',
    'description',
    'discounts',
    'items',
    'metadata',
    'off_session',
    'payment_behavior',
    'proration_behavior',
    'trial_settings',
  );
  const current = account.get('subscription', id);
  if (current.ended_at !== null) refuseEnded(params);
  const items = params.items ? changedItems(account, current, params) : current.items;
  const now = account.now();
  const changes: Partial<Stripe.Subscription> = {
    automatic_tax: params.automatic_tax
      ? {
          ...current.automatic_tax,
          enabled: params.automatic_tax.enabled,
          liability: params.automatic_tax.enabled ? { type: 'self' } : null,
        }
      : current.automatic_tax,
    ...cancellation(current, params, now),
    default_payment_method: params.default_payment_method
      ? ownPaymentMethod(
          account,
          params.default_payment_method,
          current.customer as string,
          'default_payment_method',
        ).id
      : current.default_payment_method,
    description: updated(params.description, current.description),
    ...(params.discounts === undefined
      ? {}
      : { discounts: newDiscounts(account, current, orNull(params.discounts) ?? []) }),
    items,
    metadata: mergeMetadata(current.metadata, params.metadata),
    trial_settings: trialSettingsOf(params.trial_settings) ?? current.trial_settings,
  };
  return account.change('subscription', current, changes, 'customer.subscription.updated');
}

function refuseEnded(params: Stripe.SubscriptionUpdateParams): void {
  const allowed = new Set(['cancellation_details', 'expand', 'metadata']);
  if (Object.keys(params).every((name) => allowed.has(name))) return;
  throw invalidRequest(
    'A canceled subscription can only update its cancellation_details and metadata.',
    undefined,
    'invalid_canceled_subscription_fields',
  );
}

function cancellation(
  current: Stripe.Subscription,
  params: Stripe.SubscriptionUpdateParams,
  now: number,
): Partial<Stripe.Subscription> {
  const details = params.cancellation_details;
  const told = {
    comment:
      details?.comment === undefined
        ? (current.cancellation_details?.comment ?? null)
        : orNull(details.comment),
    feedback:
      details?.feedback === undefined
        ? (current.cancellation_details?.feedback ?? null)
        : orNull(details.feedback),
    feedback_option: null,
  };
  const reason = current.cancellation_details?.reason ?? null;
  if (params.cancel_at !== undefined && params.cancel_at_period_end !== undefined) {
    throw invalidRequest(
      'You may only specify one of these parameters: cancel_at, cancel_at_period_end.',
      'cancel_at',
    );
  }
  const ends = current.items.data.map((item) => item.current_period_end);
  if (params.cancel_at_period_end === true) {
    return {
      cancel_at: Math.min(...ends),
      cancel_at_period_end: true,
      canceled_at: current.canceled_at ?? now,
      cancellation_details: { ...told, reason: 'cancellation_requested' },
    };
  }
  const at = params.cancel_at === undefined ? undefined : orNull(params.cancel_at);
  if (at !== undefined && at !== null) {
    const when =
      at === 'min_period_end' ? Math.min(...ends) : at === 'max_period_end' ? Math.max(...ends) : Number(at);
    if (when <= now) throw invalidRequest('`cancel_at` must be in the future.', 'cancel_at');
    return {
      cancel_at: when,
      cancel_at_period_end: false,
      canceled_at: current.canceled_at ?? now,
      cancellation_details: { ...told, reason: 'cancellation_requested' },
    };
  }
  if (params.cancel_at_period_end === false || at === null) {
    return {
      cancel_at: null,
      cancel_at_period_end: false,
      canceled_at: null,
      cancellation_details: { ...told, reason: null },
    };
  }
  return { cancellation_details: { ...told, reason } };
}

function newDiscounts(
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

function dropDiscount(account: Account, id: string): Stripe.DeletedDiscount {
  const discount = account.get('discount', id) as Stripe.Discount;
  const { end: _end, ...rest } = discount;
  const deleted: Stripe.DeletedDiscount = { ...rest, deleted: true };
  account.store.put('discount', deleted);
  account.emit('customer.discount.deleted', discount);
  return deleted;
}

/** Takes the discount off a subscription. */
export function deleteSubscriptionDiscount({
  account,
  id,
}: Call<Stripe.SubscriptionDeleteDiscountParams>): object {
  const current = account.get('subscription', id);
  const [first] = current.discounts as string[];
  if (!first) throw invalidRequest('No active discount for subscription', 'id', 'resource_missing');
  const deleted = dropDiscount(account, first);
  const left = (current.discounts as string[]).slice(1);
  account.change('subscription', current, { discounts: left }, 'customer.subscription.updated');
  return deleted;
}

/** Ends a subscription at once. Nothing is prorated or invoiced unless asked for. */
export function cancelSubscription({ account, params, id }: Call<Stripe.SubscriptionCancelParams>): object {
  only(params, 'cancellation_details', 'invoice_now', 'prorate');
  if (params.prorate || params.invoice_now) {
    throw invalidRequest(
      'The sandbox does not prorate on cancellation yet.',
      params.prorate ? 'prorate' : 'invoice_now',
      'sandbox_unsupported',
    );
  }
  const current = account.get('subscription', id);
  if (current.ended_at !== null) {
    throw invalidRequest(`No such subscription: '${id}'`, 'id', 'resource_missing');
  }
  return endSubscription(account, current, 'cancellation_requested', {
    comment: orNull(params.cancellation_details?.comment),
    feedback: orNull(params.cancellation_details?.feedback),
  });
}
