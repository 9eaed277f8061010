import type Stripe from 'stripe';
import type { Account } from '../account';
import type { ItemChange } from '../billing/change';
import { only } from '../call';
import { invalidRequest } from '../errors';
import { mergeMetadata } from './metadata';
import { orderLine } from './subscription-create';
import { makeItem } from './subscription-object';

const MAX_ITEMS_PER_UPDATE = 20;

/** What an update may say of an item; the parameters of updates, previews and single items agree here. */
export type ItemParams = Pick<
  Stripe.SubscriptionUpdateParams.Item,
  'id' | 'price' | 'price_data' | 'quantity' | 'metadata' | 'deleted' | 'clear_usage'
>;

/**
 * The items of a subscription before and after an update: changed, added, removed and untouched ones.
 * @throws StripeApiError 400 for items and prices that do not exist or do not fit together.
 */
export function itemChanges(
  account: Account,
  subscription: Stripe.Subscription,
  asked: ItemParams[],
): ItemChange[] {
  if (asked.length > MAX_ITEMS_PER_UPDATE) {
    throw invalidRequest(`At most ${MAX_ITEMS_PER_UPDATE} items per update.`, 'items');
  }
  const changes = new Map<string, ItemChange>(
    subscription.items.data.map((item) => [item.id, { before: item, after: item }]),
  );
  asked.forEach((change, index) => {
    only(change, 'clear_usage', 'deleted', 'id', 'metadata', 'price', 'price_data', 'quantity');
    const param = `items[${index}]`;
    if (!change.id) {
      const made = makeItem(account, subscription.id, orderLine(account, change, param), null);
      changes.set(made.id, { before: null, after: made });
      return;
    }
    const known = changes.get(change.id);
    if (!known?.after)
      throw invalidRequest(`No such subscription item: '${change.id}'`, `${param}[id]`, 'resource_missing');
    const after = change.deleted ? null : changedItem(account, known.after, change, param);
    changes.set(change.id, { before: known.before, after, clearUsage: change.clear_usage });
  });
  const result = [...changes.values()];
  checkTogether(result.flatMap(({ after }) => after ?? []));
  return result;
}

function checkTogether(items: Stripe.SubscriptionItem[]): void {
  if (items.length === 0) throw invalidRequest('A subscription must have at least one active plan.', 'items');
  if (new Set(items.map(({ price }) => price.id)).size < items.length) {
    throw invalidRequest('Cannot add multiple subscription items with the same price.', 'items');
  }
  if (new Set(items.map(({ price }) => price.currency)).size > 1)
    throw invalidRequest('All prices of a subscription must have one currency.', 'items');
}

function changedItem(
  account: Account,
  item: Stripe.SubscriptionItem,
  change: ItemParams,
  param: string,
): Stripe.SubscriptionItem {
  const metadata = mergeMetadata(item.metadata, change.metadata);
  const samePrice = change.price === item.price.id;
  if ((!change.price && !change.price_data) || samePrice) {
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
  const line = orderLine(account, { price, price_data, quantity }, param);
  const made = makeItem(account, item.subscription, line, null);
  return { ...made, id: item.id, created: item.created, metadata };
}
