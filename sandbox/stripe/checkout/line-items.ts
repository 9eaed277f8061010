import type Stripe from 'stripe';
import type { Account } from '../account';
import { only } from '../call';
import { invalidRequest, parameterMissing } from '../errors';
import { newId } from '../random';
import { mergeMetadata } from '../resources/metadata';
import { inlinePrice } from '../resources/prices';
import { bareLineItem } from './totals';

const MAX_RECURRING = 20;
const MAX_ONE_TIME = 20;

type Given = Stripe.Checkout.SessionCreateParams.LineItem;

/**
 * The lines of a new checkout, checked against its mode.
 * @throws StripeApiError 400 for what Stripe refuses: mixed currencies or intervals, a quantity on a metered price …
 */
export function checkoutLines(account: Account, given: Given[], mode: string): Stripe.LineItem[] {
  if (given.length === 0) throw parameterMissing('line_items');
  const items = given.map((line, index) => oneLine(account, line, mode, `line_items[${index}]`));
  const recurring = items.filter((item) => item.price?.recurring);
  if (mode === 'subscription' && recurring.length === 0) {
    throw invalidRequest(
      'You must provide at least one recurring price in `subscription` mode when using prices.',
    );
  }
  if (recurring.length > MAX_RECURRING || items.length - recurring.length > MAX_ONE_TIME) {
    throw invalidRequest(
      `A session takes up to ${MAX_RECURRING} recurring and ${MAX_ONE_TIME} one-time prices.`,
      'line_items',
    );
  }
  if (new Set(items.map((item) => item.currency)).size > 1) {
    throw invalidRequest('All prices of a session must have one currency.', 'line_items');
  }
  const intervals = new Set(
    recurring.map(({ price }) => `${price?.recurring?.interval} ${price?.recurring?.interval_count}`),
  );
  if (intervals.size > 1) {
    throw invalidRequest(
      'Checkout does not support multiple prices with different billing intervals.',
      'line_items',
    );
  }
  return items;
}

function oneLine(account: Account, line: Given, mode: string, param: string): Stripe.LineItem {
  only(line, 'metadata', 'price', 'price_data', 'quantity');
  if (!line.price === !line.price_data) {
    throw invalidRequest(
      'You must specify exactly one of price and price_data.',
      `${param}[price]`,
      'parameter_missing',
    );
  }
  const price = line.price_data
    ? inlinePrice(account, line.price_data, `${param}[price_data]`)
    : account.get('price', line.price as string, `${param}[price]`);
  if (line.price && !price.active) {
    throw invalidRequest(
      'The price specified is inactive. This field only accepts active prices.',
      `${param}[price]`,
    );
  }
  if (mode === 'payment' && price.recurring) {
    throw invalidRequest(
      'You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.',
      `${param}[price]`,
    );
  }
  const metered = price.recurring?.usage_type === 'metered';
  if (metered && line.quantity !== undefined) {
    throw invalidRequest(
      `Quantity should not be specified where usage_type is \`metered\`. Remove \`quantity\` from \`${param}\``,
      `${param}[quantity]`,
    );
  }
  if (!metered && line.quantity === undefined) {
    throw invalidRequest(
      `Quantity is required. Add \`quantity\` to \`${param}\``,
      `${param}[quantity]`,
      'parameter_missing',
    );
  }
  if (line.quantity !== undefined && line.quantity < 1) {
    throw invalidRequest('Invalid positive integer', `${param}[quantity]`, 'parameter_invalid_integer');
  }
  const metadata = mergeMetadata(null, line.metadata);
  return bareLineItem(account, newId('li'), price, metered ? null : (line.quantity ?? 1), metadata);
}
