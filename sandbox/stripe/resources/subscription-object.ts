import type Stripe from 'stripe';
import type { Account } from '../account';
import { invalidRequest } from '../errors';
import { firstPeriod } from '../periods';
import { newId } from '../random';

/** One price of a subscription to be made. Metered prices have no quantity. */
export interface OrderLine {
  price: Stripe.Price;
  quantity: number | null;
  metadata: Stripe.Metadata;
}

/** All that is needed to make a subscription, whoever asks for it. */
export interface SubscriptionOrder {
  customer: string;
  lines: OrderLine[];
  status: Stripe.Subscription.Status;
  trialEnd: number | null;
  billingMode: Stripe.Subscription.BillingMode;
  defaultPaymentMethod: string | null;
  latestInvoice: string | null;
  metadata: Stripe.Metadata;
  description: string | null;
  automaticTax: boolean;
  collectionMethod: Stripe.Subscription.CollectionMethod;
  daysUntilDue: number | null;
  cancelAtPeriodEnd: boolean;
  trialSettings: Stripe.Subscription.TrialSettings | null;
  saveDefaultPaymentMethod: Stripe.Subscription.PaymentSettings.SaveDefaultPaymentMethod;
}

/** The billing mode asked for; `flexible` is what Stripe gives to new subscriptions. */
export function billingModeOf(
  asked:
    | {
        type: string;
        flexible?: { proration_discounts?: Stripe.Subscription.BillingMode.Flexible.ProrationDiscounts };
      }
    | undefined,
): Stripe.Subscription.BillingMode {
  if (asked?.type === 'classic') return { flexible: null, type: 'classic' };
  if (asked?.flexible?.proration_discounts === 'itemized') {
    throw invalidRequest(
      'The Stripe sandbox does not itemize discounts of prorations yet. `itemized` is a real Stripe value.',
      'billing_mode[flexible][proration_discounts]',
      'sandbox_unsupported',
    );
  }
  return {
    flexible: { proration_discounts: asked?.flexible?.proration_discounts ?? 'included' },
    type: 'flexible',
  };
}

/** A subscription as it is right after creation. Periods stand on the items, not on the subscription. */
export function makeSubscription(account: Account, order: SubscriptionOrder): Stripe.Subscription {
  const now = account.now();
  const id = newId('sub');
  const items = order.lines.map((line) => makeItem(account, id, line, order.trialEnd));
  const cancelAt = order.cancelAtPeriodEnd ? Math.min(...items.map((item) => item.current_period_end)) : null;
  return {
    id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: {
      disabled_reason: null,
      enabled: order.automaticTax,
      liability: order.automaticTax ? { type: 'self' } : null,
    },
    billing_cycle_anchor: order.trialEnd ?? now,
    billing_cycle_anchor_config: null,
    billing_mode: order.billingMode,
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: cancelAt,
    cancel_at_period_end: order.cancelAtPeriodEnd,
    canceled_at: order.cancelAtPeriodEnd ? now : null,
    cancellation_details: {
      comment: null,
      feedback: null,
      feedback_option: null,
      reason: order.cancelAtPeriodEnd ? 'cancellation_requested' : null,
    },
    collection_method: order.collectionMethod,
    created: now,
    currency: order.lines[0]?.price.currency ?? 'usd',
    customer: order.customer,
    customer_account: null,
    days_until_due: order.daysUntilDue,
    default_payment_method: order.defaultPaymentMethod,
    default_source: null,
    default_tax_rates: [],
    description: order.description,
    discounts: [],
    ended_at: null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' },
    },
    items: itemList(id, items),
    latest_invoice: order.latestInvoice,
    livemode: false,
    managed_payments: { enabled: false },
    metadata: order.metadata,
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: {
      payment_method_options: null,
      payment_method_types: null,
      save_default_payment_method: order.saveDefaultPaymentMethod,
    },
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: now,
    status: order.status,
    test_clock: account.get('customer', order.customer, 'customer').test_clock ?? null,
    transfer_data: null,
    trial_end: order.trialEnd,
    trial_settings: order.trialSettings ?? {
      end_behavior: { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' },
    },
    trial_start: order.trialEnd === null ? null : now,
  };
}

/** An item with its first period: the trial, or one interval of its price. */
export function makeItem(
  account: Account,
  subscription: string,
  line: OrderLine,
  trialEnd: number | null,
): Stripe.SubscriptionItem {
  const now = account.now();
  const recurring = line.price.recurring as Stripe.Price.Recurring;
  const period = trialEnd === null ? firstPeriod(now, recurring) : { start: now, end: trialEnd };
  return {
    id: newId('si'),
    object: 'subscription_item',
    billing_thresholds: null,
    created: now,
    current_period_end: period.end,
    current_period_start: period.start,
    current_trial: null,
    discounts: [],
    metadata: line.metadata,
    plan: planOf(line.price),
    price: line.price,
    ...(line.quantity === null ? {} : { quantity: line.quantity }),
    subscription,
    tax_rates: [],
  };
}

export function itemList(
  subscription: string,
  items: Stripe.SubscriptionItem[],
): Stripe.ApiList<Stripe.SubscriptionItem> {
  return {
    object: 'list',
    data: items,
    has_more: false,
    url: `/v1/subscription_items?subscription=${subscription}`,
  };
}

/** The older face of a recurring price, which every item still carries. */
function planOf(price: Stripe.Price): Stripe.Plan {
  const recurring = price.recurring as Stripe.Price.Recurring;
  return {
    id: price.id,
    object: 'plan',
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: price.unit_amount_decimal,
    billing_scheme: price.billing_scheme,
    created: price.created,
    currency: price.currency,
    interval: recurring.interval,
    interval_count: recurring.interval_count,
    livemode: false,
    metadata: price.metadata,
    meter: recurring.meter,
    nickname: price.nickname,
    product: price.product,
    ...(price.tiers ? { tiers: price.tiers } : {}),
    tiers_mode: price.tiers_mode,
    transform_usage: price.transform_quantity,
    trial_period_days: recurring.trial_period_days,
    usage_type: recurring.usage_type,
  };
}
