import type Stripe from 'stripe';
import { only, orNull, type Call } from '../call';
import { cancelNow } from '../engine/cancellation';
import { invalidRequest } from '../errors';
import { inRange, listPage } from '../pagination';
import { dropDiscount } from './subscription-discounts';
import { carryOutUpdate, UPDATE_PARAMETERS } from './subscription-update';

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
    'test_clock',
  );
  const rows = account.newest(
    'subscription',
    (row) =>
      fitsStatus(row, params.status) &&
      inRange(row.created, params.created) &&
      (params.collection_method === undefined || row.collection_method === params.collection_method) &&
      (params.customer === undefined || row.customer === params.customer) &&
      (params.test_clock === undefined || row.test_clock === params.test_clock) &&
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
  only(params, ...UPDATE_PARAMETERS);
  return carryOutUpdate(account, account.get('subscription', id), params);
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
  const current = account.get('subscription', id);
  if (current.ended_at !== null) {
    throw invalidRequest(`No such subscription: '${id}'`, 'id', 'resource_missing');
  }
  return cancelNow(
    account,
    current,
    { prorate: params.prorate ?? false, invoiceNow: params.invoice_now ?? false },
    {
      comment: orNull(params.cancellation_details?.comment),
      feedback: orNull(params.cancellation_details?.feedback),
    },
  );
}
