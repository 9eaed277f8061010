import type Stripe from 'stripe';
import {
  StripeCustomerId,
  StripePriceId,
  StripeProductId,
  StripeSessionId,
  StripeSubscriptionId,
} from '../contracts/ids';
import { fromStripeStatus, PauseMode } from '../domain/subscription-status';
import { CheckoutSnapshot, PriceSnapshot, SubscriptionItemSnapshot, SubscriptionSnapshot } from './snapshots';

/** An object of Stripe's that does not have the shape our pinned version promises (F-09). */
export class UnexpectedStripeShape extends Error {
  constructor(what: string) {
    super(`unexpected shape from Stripe: ${what}`);
    this.name = 'UnexpectedStripeShape';
  }
}

/** @throws UnexpectedStripeShape without items or with senseless periods */
export function toSubscriptionSnapshot(subscription: Stripe.Subscription): SubscriptionSnapshot {
  const listed: unknown = (subscription.items as Stripe.ApiList<Stripe.SubscriptionItem> | undefined)?.data;
  if (!Array.isArray(listed) || listed.length === 0)
    throw new UnexpectedStripeShape('a subscription without items');
  const items = (listed as Stripe.SubscriptionItem[]).map(toItem);
  const pauseMode = pauseModeOf(subscription);
  return {
    id: subscription.id as StripeSubscriptionId,
    customerId: idOf(subscription.customer) as StripeCustomerId,
    status: fromStripeStatus(subscription.status, { paused: pauseMode === 'access_kept' }),
    stripeStatus: subscription.status,
    createdAt: instant(subscription.created, 'created'),
    billingMode: subscription.billing_mode.type,
    billingCycleAnchor: instant(subscription.billing_cycle_anchor, 'billing_cycle_anchor'),
    periodStart: earliest(items.map((item) => item.periodStart)),
    periodEnd: latest(items.map((item) => item.periodEnd)),
    trialEnd: optionalInstant(subscription.trial_end, 'trial_end'),
    cancelAtPeriodEnd: subscription.cancel_at_period_end,
    cancelAt: optionalInstant(subscription.cancel_at, 'cancel_at'),
    canceledAt: optionalInstant(subscription.canceled_at, 'canceled_at'),
    endedAt: optionalInstant(subscription.ended_at, 'ended_at'),
    cancellationReason: subscription.cancellation_details?.reason ?? null,
    pauseMode,
    pauseResumesAt: optionalInstant(subscription.pause_collection?.resumes_at, 'pause_collection.resumes_at'),
    currency: subscription.currency,
    scheduleId: subscription.schedule ? idOf(subscription.schedule) : null,
    items,
    metadata: subscription.metadata,
  };
}

export function toCheckoutSnapshot(session: Stripe.Checkout.Session): CheckoutSnapshot {
  return {
    id: session.id as StripeSessionId,
    status: oneOf(session.status, ['complete', 'expired'], 'open'),
    paymentStatus: oneOf(session.payment_status, ['paid', 'no_payment_required'], 'unpaid'),
    url: session.url,
    expiresAt: instant(session.expires_at, 'expires_at'),
    customerId: session.customer ? (idOf(session.customer) as StripeCustomerId) : null,
    subscriptionId: session.subscription ? (idOf(session.subscription) as StripeSubscriptionId) : null,
    clientReferenceId: session.client_reference_id,
  };
}

/** @param price with its product expanded */
export function toPriceSnapshot(price: Stripe.Price): PriceSnapshot {
  const product = typeof price.product === 'string' ? null : price.product;
  const productMetadata = product && !product.deleted ? product.metadata : {};
  return {
    id: price.id as StripePriceId,
    productId: idOf(price.product) as StripeProductId,
    active: price.active && product !== null && !product.deleted && product.active,
    currency: price.currency,
    interval: intervalOf(price.recurring?.interval),
    intervalCount: price.recurring?.interval_count ?? 0,
    isMetered: price.recurring?.usage_type === 'metered',
    ownerTenantId: price.metadata.tenant_id ?? productMetadata.tenant_id ?? null,
  };
}

/** The id of a reference, expanded or not. */
export function idOf(reference: string | { id: string }): string {
  return typeof reference === 'string' ? reference : reference.id;
}

function toItem(item: Stripe.SubscriptionItem): SubscriptionItemSnapshot {
  const periodStart = instant(item.current_period_start, 'item.current_period_start');
  const periodEnd = instant(item.current_period_end, 'item.current_period_end');
  if (periodEnd < periodStart) throw new UnexpectedStripeShape('an item period that ends before it starts');
  if (!(item.price as Stripe.Price | undefined)?.product)
    throw new UnexpectedStripeShape('an item without a price');
  return {
    id: item.id,
    priceId: item.price.id as StripePriceId,
    productId: idOf(item.price.product) as StripeProductId,
    quantity: item.quantity ?? null,
    isMetered: item.price.recurring?.usage_type === 'metered',
    meterId: item.price.recurring?.meter ?? null,
    periodStart,
    periodEnd,
  };
}

/** Three different things are called pause (design/stripe.md 5). */
function pauseModeOf(subscription: Stripe.Subscription): PauseMode | null {
  if (subscription.status === 'paused') return 'access_stopped';
  return subscription.pause_collection ? 'access_kept' : null;
}

function intervalOf(interval: string | undefined): PriceSnapshot['interval'] {
  return interval === 'day' || interval === 'week' || interval === 'month' || interval === 'year'
    ? interval
    : null;
}

/** Stripe's enums are open: a value we do not know counts as the safest one we do. */
function oneOf<T extends string>(value: string | null, known: readonly T[], otherwise: T): T;
function oneOf<T extends string, O extends string>(
  value: string | null,
  known: readonly T[],
  otherwise: O,
): T | O;
function oneOf(value: string | null, known: readonly string[], otherwise: string): string {
  return value !== null && known.includes(value) ? value : otherwise;
}

/** The year 2200: beyond it a number is not a time but a mistake, such as milliseconds. */
const LAST_SENSIBLE_SECOND = 7_258_118_400;

/** @throws UnexpectedStripeShape for what is no sensible Unix time in seconds */
export function instant(seconds: unknown, field: string): Date {
  if (
    typeof seconds !== 'number' ||
    !Number.isInteger(seconds) ||
    seconds <= 0 ||
    seconds > LAST_SENSIBLE_SECOND
  )
    throw new UnexpectedStripeShape(`${field} is no time`);
  return new Date(seconds * 1000);
}

function optionalInstant(seconds: number | null | undefined, field: string): Date | null {
  return seconds === null || seconds === undefined ? null : instant(seconds, field);
}

function earliest(dates: Date[]): Date {
  return dates.reduce((a, b) => (a <= b ? a : b));
}

function latest(dates: Date[]): Date {
  return dates.reduce((a, b) => (a >= b ? a : b));
}
