import type Stripe from 'stripe';
import { only, type Call } from '../call';
import { invalidRequest } from '../errors';
import { listPage } from '../pagination';
import { carryOutUpdate } from './subscription-update';

export function listSubscriptionItems({ account, params }: Call<Stripe.SubscriptionItemListParams>): object {
  const subscription = account.get('subscription', params.subscription, 'subscription');
  const newestFirst = [...subscription.items.data].reverse();
  return listPage(newestFirst, params, `/v1/subscription_items?subscription=${subscription.id}`);
}

export function retrieveSubscriptionItem({
  account,
  id,
}: Call<Stripe.SubscriptionItemRetrieveParams>): object {
  for (const subscription of account.store.rows('subscription')) {
    const item = subscription.items.data.find((each) => each.id === id);
    if (item) return item;
  }
  throw invalidRequest(`Invalid subscription_item id: ${id}`, 'id', 'resource_missing');
}

/** Adds an item to a subscription. */
export function createSubscriptionItem({
  account,
  params,
}: Call<Stripe.SubscriptionItemCreateParams>): object {
  only(
    params,
    'metadata',
    'payment_behavior',
    'price',
    'price_data',
    'proration_behavior',
    'proration_date',
    'quantity',
    'subscription',
  );
  const { subscription: id, metadata, price, price_data, quantity, ...how } = params;
  const before = account.get('subscription', id, 'subscription');
  const known = new Set(before.items.data.map((item) => item.id));
  const changed = carryOutUpdate(account, before, {
    ...how,
    items: [{ metadata, price, price_data, quantity }],
  });
  return changed.items.data.find((item) => !known.has(item.id)) ?? (changed.items.data.at(-1) as object);
}

export function updateSubscriptionItem(call: Call<Stripe.SubscriptionItemUpdateParams>): object {
  const { account, params, id } = call;
  only(
    params,
    'metadata',
    'off_session',
    'payment_behavior',
    'price',
    'price_data',
    'proration_behavior',
    'proration_date',
    'quantity',
  );
  const item = retrieveSubscriptionItem({ account, params: {}, id }) as Stripe.SubscriptionItem;
  const { metadata, price, price_data, quantity, off_session: _session, ...how } = params;
  const changed = carryOutUpdate(account, account.get('subscription', item.subscription), {
    ...how,
    items: [{ id, metadata: metadata === '' ? {} : metadata, price, price_data, quantity }],
  });
  return changed.items.data.find((each) => each.id === id) as object;
}

export function deleteSubscriptionItem(call: Call<Stripe.SubscriptionItemDeleteParams>): object {
  const { account, params, id } = call;
  only(params, 'clear_usage', 'payment_behavior', 'proration_behavior', 'proration_date');
  const item = retrieveSubscriptionItem({ account, params: {}, id }) as Stripe.SubscriptionItem;
  const { clear_usage, ...how } = params;
  carryOutUpdate(account, account.get('subscription', item.subscription), {
    ...how,
    items: [{ id, deleted: true, clear_usage }],
  });
  const deleted: Stripe.DeletedSubscriptionItem = { id, object: 'subscription_item', deleted: true };
  return deleted;
}
