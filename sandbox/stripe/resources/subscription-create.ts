import type Stripe from 'stripe';
import type { Account } from '../account';
import { amountFor } from '../amounts';
import { only, orNull, type Call } from '../call';
import { grantOf } from '../discounts';
import { chargeAutomatically } from '../engine/dunning';
import { followSubscription } from '../engine/payment-consequences';
import { invalidRequest, parameterMissing, paymentFailed, undone } from '../errors';
import { judge } from '../payments';
import { collect, finalizeInvoice } from './invoice-steps';
import { defaultPaymentMethod, noPaymentMethod } from './invoices';
import { mergeMetadata } from './metadata';
import { ownPaymentMethod } from './payment-methods';
import { inlinePrice } from './prices';
import { startSubscription } from './subscription-start';
import { billingModeOf, type OrderLine } from './subscription-object';
import { trialEndOf, trialSettingsOf } from './trials';

const MAX_ITEMS = 20;

/** Creates a subscription without a checkout: its first invoice is charged to the customer's card. */
export function createSubscription({ account, params }: Call<Stripe.SubscriptionCreateParams>): object {
  only(
    params,
    'automatic_tax',
    'billing_mode',
    'cancel_at',
    'cancel_at_period_end',
    'collection_method',
    'currency',
    'customer',
    'days_until_due',
    'default_payment_method',
    'description',
    'discounts',
    'items',
    'metadata',
    'off_session',
    'payment_behavior',
    'payment_settings',
    'proration_behavior',
    'trial_end',
    'trial_from_plan',
    'trial_period_days',
    'trial_settings',
  );
  if (!params.customer) throw parameterMissing('customer');
  const customer = account.get('customer', params.customer, 'customer');
  const lines = orderLines(account, params.items ?? []);
  const currency = lines[0]?.price.currency ?? '';
  if (params.currency && params.currency.toLowerCase() !== currency) {
    throw invalidRequest(`The prices are in ${currency}, not in ${params.currency}.`, 'currency');
  }
  if (customer.currency && customer.currency !== currency) {
    throw invalidRequest(
      `You cannot combine currencies on a single customer. This customer has had a subscription, coupon, or invoice item with currency ${customer.currency}`,
    );
  }
  const sends = params.collection_method === 'send_invoice';
  if (sends && params.days_until_due === undefined) throw parameterMissing('days_until_due');
  const subtotal = lines.reduce(
    (sum, { price, quantity }) => sum + (quantity === null ? 0 : amountFor(price, quantity)),
    0,
  );
  const grants = (orNull(params.discounts) ?? []).map((given, index) =>
    grantOf(account, given, { customer: customer.id, currency, subtotal }, `discounts[${index}]`),
  );
  const card = params.default_payment_method
    ? ownPaymentMethod(account, params.default_payment_method, customer.id, 'default_payment_method').id
    : null;
  const trialEnd = trialEndOf(
    account,
    params,
    lines.map(({ price }) => price),
  );
  const behavior = params.payment_behavior ?? 'allow_incomplete';
  if (behavior === 'pending_if_incomplete') {
    throw invalidRequest('`payment_behavior=pending_if_incomplete` is for updates.', 'payment_behavior');
  }
  const { subscription, draft } = startSubscription(
    account,
    {
      customer: customer.id,
      lines,
      status: trialEnd !== null ? 'trialing' : sends ? 'active' : 'incomplete',
      trialEnd,
      billingMode: billingModeOf(params.billing_mode),
      defaultPaymentMethod: card,
      metadata: mergeMetadata(null, params.metadata),
      description: params.description ?? null,
      automaticTax: params.automatic_tax?.enabled ?? false,
      collectionMethod: params.collection_method ?? 'charge_automatically',
      daysUntilDue: params.days_until_due ?? null,
      cancelAtPeriodEnd: params.cancel_at_period_end ?? false,
      trialSettings: trialSettingsOf(params.trial_settings),
      saveDefaultPaymentMethod: params.payment_settings?.save_default_payment_method ?? 'off',
    },
    grants,
  );
  endOnTime(account, subscription, params.cancel_at);
  const invoice = draft && finalizeInvoice(account, draft);
  const made = account.get('subscription', subscription.id);
  if (!invoice || invoice.status === 'paid') activate(account, made);
  else if (!sends) payFirst(account, made, invoice, behavior);
  return account.get('subscription', subscription.id);
}

/** `cancel_at` of a new subscription: a moment, or the first or last of its period ends. */
function endOnTime(
  account: Account,
  subscription: Stripe.Subscription,
  at: Stripe.SubscriptionCreateParams['cancel_at'],
): void {
  if (at === undefined) return;
  const ends = subscription.items.data.map((item) => item.current_period_end);
  const when =
    at === 'min_period_end' ? Math.min(...ends) : at === 'max_period_end' ? Math.max(...ends) : Number(at);
  if (when <= account.now()) throw invalidRequest('`cancel_at` must be in the future.', 'cancel_at');
  account.change('subscription', subscription, { cancel_at: when, canceled_at: account.now() });
}

function orderLines(account: Account, items: Stripe.SubscriptionCreateParams.Item[]): OrderLine[] {
  if (items.length === 0) throw parameterMissing('items');
  if (items.length > MAX_ITEMS)
    throw invalidRequest(`A subscription has at most ${MAX_ITEMS} items here.`, 'items');
  const lines = items.map((item, index) => {
    only(item, 'metadata', 'price', 'price_data', 'quantity');
    return orderLine(account, item, `items[${index}]`);
  });
  const prices = lines.map(({ price }) => price.id);
  if (new Set(prices).size < prices.length) {
    throw invalidRequest('Cannot add multiple subscription items with the same price.', 'items');
  }
  const currencies = new Set(lines.map(({ price }) => price.currency));
  if (currencies.size > 1)
    throw invalidRequest('All prices of a subscription must have one currency.', 'items');
  return lines;
}

/** One item of a request as a line to be billed. @throws StripeApiError 400 for prices that do not fit. */
export function orderLine(
  account: Account,
  item: {
    price?: string;
    price_data?: Stripe.SubscriptionCreateParams.Item.PriceData;
    quantity?: number;
    metadata?: Stripe.Emptyable<Stripe.MetadataParam>;
  },
  param: string,
): OrderLine {
  if (!item.price === !item.price_data) {
    throw invalidRequest(
      'You must specify exactly one of price and price_data.',
      `${param}[price]`,
      'parameter_missing',
    );
  }
  const price = item.price_data
    ? inlinePrice(account, item.price_data, `${param}[price_data]`)
    : account.get('price', item.price as string, `${param}[price]`);
  if (item.price && !price.active) {
    throw invalidRequest(
      'The price specified is inactive. This field only accepts active prices.',
      `${param}[price]`,
    );
  }
  if (!price.recurring) {
    throw invalidRequest(
      `The price specified is set to \`type=one_time\` but this field only accepts prices with \`type=recurring\`.`,
      `${param}[price]`,
    );
  }
  const metered = price.recurring.usage_type === 'metered';
  if (metered && item.quantity !== undefined) {
    throw invalidRequest('Metered prices take no quantity.', `${param}[quantity]`);
  }
  if ((item.quantity ?? 1) < 0) throw invalidRequest('Invalid non-negative integer', `${param}[quantity]`);
  return {
    price,
    quantity: metered ? null : (item.quantity ?? 1),
    metadata: mergeMetadata(null, item.metadata),
  };
}

function activate(account: Account, subscription: Stripe.Subscription): void {
  if (subscription.status !== 'incomplete') return;
  account.change('subscription', subscription, { status: 'active' }, 'customer.subscription.updated');
}

function payFirst(
  account: Account,
  subscription: Stripe.Subscription,
  invoice: Stripe.Invoice,
  behavior: Stripe.SubscriptionCreateParams.PaymentBehavior,
): void {
  if (behavior === 'default_incomplete') return;
  const card = defaultPaymentMethod(account, subscription.customer as string, subscription);
  if (!card) throw noPaymentMethod();
  const { invoice: after, verdict } = collect(
    account,
    invoice,
    account.get('payment_method', card, 'default_payment_method'),
  );
  if (verdict.kind !== 'approved' && behavior === 'error_if_incomplete') {
    const { code, message } =
      verdict.kind === 'declined'
        ? verdict
        : {
            code: 'subscription_payment_intent_requires_action',
            message:
              'Payment for this subscription requires additional user action before it can be completed successfully.',
          };
    // The whole creation is undone: `error_if_incomplete` leaves no subscription behind.
    const error = paymentFailed(
      code,
      message,
      verdict.kind === 'declined' ? { decline_code: verdict.decline_code ?? undefined } : {},
    );
    throw undone(error, () => judge(account, card, false));
  }
  followSubscription(account, after);
}

/** The first invoice of a subscription that nobody asked for just now (a schedule began): final, and charged. */
export function collectFirst(account: Account, draft: string): void {
  chargeAutomatically(account, finalizeInvoice(account, account.get('invoice', draft)));
}
