import type Stripe from 'stripe';
import type { Account } from '../account';
import { only, type Call } from '../call';
import { invalidRequest } from '../errors';
import { listPage } from '../pagination';
import { mergeMetadata } from './metadata';
import { orderLine } from './subscription-create';
import { itemList, makeItem } from './subscription-object';

const MAX_ITEMS_PER_UPDATE = 20;

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

/**
 * The items of a subscription after an update: changed, added and removed.
 * Only without proration for now: pretending to prorate would hide wrong sums.
 */
export function changedItems(
  account: Account,
  subscription: Stripe.Subscription,
  params: Stripe.SubscriptionUpdateParams,
): Stripe.ApiList<Stripe.SubscriptionItem> {
  const asked = params.items ?? [];
  if (asked.length > MAX_ITEMS_PER_UPDATE) {
    throw invalidRequest(`At most ${MAX_ITEMS_PER_UPDATE} items per update.`, 'items');
  }
  const changesMoney = asked.some((item) => item.price ?? item.price_data ?? item.quantity ?? item.deleted);
  if (changesMoney && params.proration_behavior !== 'none' && subscription.status !== 'trialing') {
    throw invalidRequest(
      'The Stripe sandbox does not prorate yet: pass `proration_behavior: none`.',
      'proration_behavior',
      'sandbox_unsupported',
    );
  }
  let items = [...subscription.items.data];
  asked.forEach((change, index) => {
    only(change, 'deleted', 'id', 'metadata', 'price', 'price_data', 'quantity');
    const param = `items[${index}]`;
    if (!change.id) {
      const line = orderLine(account, change, param);
      items.push(
        makeItem(
          account,
          subscription.id,
          line,
          subscription.status === 'trialing' ? subscription.trial_end : null,
        ),
      );
      return;
    }
    const current = items.find((item) => item.id === change.id);
    if (!current)
      throw invalidRequest(`No such subscription item: '${change.id}'`, `${param}[id]`, 'resource_missing');
    if (change.deleted) items = items.filter((item) => item !== current);
    else items = items.map((item) => (item === current ? changedItem(account, item, change, param) : item));
  });
  if (items.length === 0) throw invalidRequest('A subscription must have at least one active plan.', 'items');
  return itemList(subscription.id, items);
}

function changedItem(
  account: Account,
  item: Stripe.SubscriptionItem,
  change: Stripe.SubscriptionUpdateParams.Item,
  param: string,
): Stripe.SubscriptionItem {
  const metadata = mergeMetadata(item.metadata, change.metadata);
  if (!change.price && !change.price_data) {
    if (change.quantity === undefined) return { ...item, metadata };
    if (item.price.recurring?.usage_type === 'metered') {
      throw invalidRequest('Metered prices take no quantity.', `${param}[quantity]`);
    }
    if (change.quantity < 0) throw invalidRequest('Invalid non-negative integer', `${param}[quantity]`);
    return { ...item, metadata, quantity: change.quantity };
  }
  const { price, price_data } = change;
  const metered =
    price !== undefined && account.store.find('price', price)?.recurring?.usage_type === 'metered';
  const quantity = change.quantity ?? (metered ? undefined : item.quantity);
  const made = makeItem(
    account,
    item.subscription,
    orderLine(account, { price, price_data, quantity }, param),
    null,
  );
  const sameInterval =
    made.price.recurring?.interval === item.price.recurring?.interval &&
    made.price.recurring?.interval_count === item.price.recurring?.interval_count;
  return {
    ...made,
    id: item.id,
    created: item.created,
    metadata,
    // Another interval begins a new period at once; the same one goes on.
    ...(sameInterval
      ? { current_period_start: item.current_period_start, current_period_end: item.current_period_end }
      : {}),
  };
}
