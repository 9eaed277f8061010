import { EventType } from '../contracts/events';
import { priceStep } from './plan-comparison';
import { PlanPrice } from './plan-facts';

/** The status of a tenant's subscription: Stripe's, plus NONE (nothing bought yet) and FREE (no Stripe needed). */
export type BillingStatus =
  | 'NONE'
  | 'FREE'
  | 'TRIALING'
  | 'ACTIVE'
  | 'PAST_DUE'
  | 'PAUSED'
  | 'INCOMPLETE'
  | 'INCOMPLETE_EXPIRED'
  | 'UNPAID'
  | 'CANCELED';

/** How a tenant stands, in four words (`getSubscriptionStatus`). */
export type Standing = 'active' | 'trial' | 'past_due' | 'canceled';

/** Stripe's two pauses: collection only (access stays), or the whole subscription (access stops). */
export type PauseMode = 'access_kept' | 'access_stopped';

/**
 * What each status means (decisions 27).
 * live: it holds the tenant's one place for a subscription; INCOMPLETE does not until its first payment.
 * access: the plan may be used. PAST_DUE keeps it: blocking is the payment guard's business, after the grace.
 * strength: which of two subscriptions counts. Paid beats free, and a purchase nobody has paid beats nothing.
 * PAUSED stands here with access stopped; with access kept it is as good as ACTIVE.
 */
const MEANING: Readonly<
  Record<BillingStatus, { standing: Standing; live: boolean; access: boolean; strength: number }>
> = {
  TRIALING: { standing: 'trial', live: true, access: true, strength: 4 },
  ACTIVE: { standing: 'active', live: true, access: true, strength: 4 },
  PAST_DUE: { standing: 'past_due', live: true, access: true, strength: 4 },
  PAUSED: { standing: 'canceled', live: true, access: false, strength: 4 },
  UNPAID: { standing: 'past_due', live: true, access: false, strength: 3 },
  FREE: { standing: 'active', live: true, access: true, strength: 2 },
  INCOMPLETE: { standing: 'past_due', live: false, access: false, strength: 1 },
  INCOMPLETE_EXPIRED: { standing: 'canceled', live: false, access: false, strength: 0 },
  CANCELED: { standing: 'canceled', live: false, access: false, strength: 0 },
  NONE: { standing: 'canceled', live: false, access: false, strength: 0 },
};

/** Every billing status, for checks and documents. */
export const BILLING_STATUSES = Object.keys(MEANING) as readonly BillingStatus[];

const FROM_STRIPE: ReadonlyMap<string, BillingStatus> = new Map([
  ['trialing', 'TRIALING'],
  ['active', 'ACTIVE'],
  ['past_due', 'PAST_DUE'],
  ['paused', 'PAUSED'],
  ['incomplete', 'INCOMPLETE'],
  ['incomplete_expired', 'INCOMPLETE_EXPIRED'],
  ['unpaid', 'UNPAID'],
  ['canceled', 'CANCELED'],
]);

/**
 * Our status for Stripe's; null for one we do not know, since Stripe's enums are open and the caller decides
 * (keep the old status, raise an alarm). `paused`: collection is paused, which leaves Stripe's status as it
 * was; only a good status becomes PAUSED, so that a pause never hides a debt.
 */
export function fromStripeStatus(stripeStatus: string, { paused = false } = {}): BillingStatus | null {
  const status = FROM_STRIPE.get(stripeStatus) ?? null;
  return paused && (status === 'ACTIVE' || status === 'TRIALING') ? 'PAUSED' : status;
}

/** How a tenant with this status stands. `pauseMode` matters for PAUSED alone; unknown means access stopped. */
export function standing(status: BillingStatus, pauseMode: PauseMode | null = null): Standing {
  return keepsAccess(status, pauseMode) ? 'active' : MEANING[status].standing;
}

/** Whether the subscription holds the tenant's one place: another checkout of a paid plan is a conflict. */
export function isLive(status: BillingStatus): boolean {
  return MEANING[status].live;
}

/** Whether the tenant may use what the subscription's plan gives. */
export function givesAccess(status: BillingStatus, pauseMode: PauseMode | null = null): boolean {
  return keepsAccess(status, pauseMode) || MEANING[status].access;
}

function keepsAccess(status: BillingStatus, pauseMode: PauseMode | null): boolean {
  return status === 'PAUSED' && pauseMode === 'access_kept';
}

/** The status of a tenant's money. PAST_DUE is inside the grace period, OVERDUE after it. */
export type PaymentStatus = 'NONE' | 'PENDING' | 'PAID' | 'PAST_DUE' | 'OVERDUE' | 'FAILED';

/**
 * What happened to the money, read from refetched invoices, never from the order of deliveries.
 * nothing_owed: no invoice is open any more, without a payment (voided or credited).
 */
export type PaymentFact =
  | 'invoice_opened'
  | 'invoice_paid'
  | 'payment_failed'
  | 'grace_ended'
  | 'invoice_uncollectible'
  | 'dispute_lost'
  | 'nothing_owed';

/** A new invoice changes nothing for a tenant that already owes; paying settles every state. */
const NEXT_PAYMENT: Readonly<Record<PaymentStatus, Readonly<Partial<Record<PaymentFact, PaymentStatus>>>>> = {
  NONE: { invoice_opened: 'PENDING', payment_failed: 'PAST_DUE' },
  PENDING: { payment_failed: 'PAST_DUE', nothing_owed: 'PAID' },
  PAID: { invoice_opened: 'PENDING', payment_failed: 'PAST_DUE' },
  PAST_DUE: { grace_ended: 'OVERDUE', nothing_owed: 'PAID' },
  OVERDUE: { nothing_owed: 'PAID' },
  FAILED: {},
};

/** From every status alike. */
const ALWAYS: Readonly<Partial<Record<PaymentFact, PaymentStatus>>> = {
  invoice_paid: 'PAID',
  invoice_uncollectible: 'FAILED',
  dispute_lost: 'FAILED',
};

/** The payment status after a fact (decisions 27); the same one where the fact changes nothing. */
export function nextPaymentStatus(current: PaymentStatus, fact: PaymentFact): PaymentStatus {
  return ALWAYS[fact] ?? NEXT_PAYMENT[current][fact] ?? current;
}

/** One of a tenant's subscriptions, as far as choosing needs it. FREE has no Stripe id. */
export interface LiveCandidate {
  readonly status: BillingStatus;
  readonly stripeSubscriptionId: string | null;
  /** When it began in Stripe, not when we first heard of it. */
  readonly createdAt: Date;
}

/**
 * Which of two subscriptions of one tenant is the tenant's: the stronger status, then the newest, then the
 * larger id. It is a total order, so the answer does not depend on the order in which they are met.
 * The same subscription read again is 'incoming': what was fetched last is true.
 *
 * When the chosen one ends, the caller asks Stripe for the customer's others and chooses again: a live one
 * may have lost to it before.
 */
export function chooseLive(current: LiveCandidate | null, incoming: LiveCandidate): 'current' | 'incoming' {
  if (current === null || current.stripeSubscriptionId === incoming.stripeSubscriptionId) return 'incoming';
  const strength = MEANING[current.status].strength - MEANING[incoming.status].strength;
  const age = current.createdAt.getTime() - incoming.createdAt.getTime();
  const currentIdLarger = (current.stripeSubscriptionId ?? '') > (incoming.stripeSubscriptionId ?? '');
  const ahead = strength || age || (currentIdLarger ? 1 : -1);
  return ahead > 0 ? 'current' : 'incoming';
}

/** The mirrored subscription, as far as its changes mean something. */
export interface MirroredSubscription {
  readonly status: BillingStatus;
  readonly stripeSubscriptionId: string | null;
  readonly plan: PlanPrice | null;
  readonly quantity: number;
  readonly currentPeriodStart: Date | null;
  readonly currentPeriodEnd: Date | null;
  readonly cancelAtPeriodEnd: boolean;
  /** A cancellation at a date that is not the period's end. */
  readonly cancelAt: Date | null;
  /** Stripe's `cancellation_details.reason`, or the reason the tenant gave. */
  readonly cancellationReason: string | null;
  readonly endedAt: Date | null;
  readonly pausedAt: Date | null;
  readonly pendingPlanId: string | null;
  readonly pendingChangeAt: Date | null;
  readonly items: readonly { readonly priceId: string; readonly quantity: number | null }[];
}

/** The events a change of the subscription can mean. */
export type SubscriptionEventType = Extract<EventType, `subscription.${string}`>;

/**
 * What a change of the mirrored subscription means, from comparing the two rows and never from the type of
 * a webhook, so that duplicates mean nothing and order does not matter. The specific events come first,
 * `subscription.changed` last; nothing when nothing changed. `before` null = there was no row.
 */
export function describeChange(
  before: MirroredSubscription | null,
  after: MirroredSubscription,
): SubscriptionEventType[] {
  if (before !== null && fingerprint(before) === fingerprint(after)) return [];
  return [...meaningOf(before !== null && isPurchase(before) ? before : null, after), 'subscription.changed'];
}

/** `before` is null unless a purchase was running. */
function meaningOf(
  before: MirroredSubscription | null,
  after: MirroredSubscription,
): SubscriptionEventType[] {
  if (before === null) return isPurchase(after) ? beginning(after) : [];
  if (!isPurchase(after)) return ending(before, after);
  if (before.stripeSubscriptionId !== after.stripeSubscriptionId)
    return ['subscription.ended', ...beginning(after)];
  return continuing(before, after);
}

/** A running subscription that is paid for, or will be. */
function isPurchase(subscription: MirroredSubscription): boolean {
  return isLive(subscription.status) && subscription.status !== 'FREE';
}

function beginning(after: MirroredSubscription): SubscriptionEventType[] {
  return [
    'subscription.created',
    ...when(isCancelling(after), 'subscription.cancelled'),
    ...when(after.status === 'PAUSED', 'subscription.paused'),
  ];
}

function ending(before: MirroredSubscription, after: MirroredSubscription): SubscriptionEventType[] {
  // Announced already when the end was scheduled; not a cancellation when Stripe gave up on the payment.
  const cancelledNow = !isCancelling(before) && after.status === 'CANCELED' && !endedByStripe(after);
  return [
    ...when(cancelledNow, 'subscription.cancelled'),
    'subscription.ended',
    ...when(after.status === 'FREE', 'subscription.downgraded'),
  ];
}

function continuing(before: MirroredSubscription, after: MirroredSubscription): SubscriptionEventType[] {
  const step = before.plan !== null && after.plan !== null ? priceStep(before.plan, after.plan) : 'level';
  return [
    ...when(step === 'up', 'subscription.upgraded'),
    ...when(step === 'down', 'subscription.downgraded'),
    // Going down to the free plan is an end in Stripe, and a downgrade to everybody else.
    ...when(
      !isCancelling(before) && isCancelling(after) && after.pendingPlanId === null,
      'subscription.cancelled',
    ),
    ...when(
      isCancelling(before) && !isCancelling(after) && before.pendingPlanId === null,
      'subscription.reactivated',
    ),
    ...when(
      before.pendingPlanId === null && after.pendingPlanId !== null,
      'subscription.downgrade_scheduled',
    ),
    ...when(
      before.pendingPlanId !== null &&
        after.pendingPlanId === null &&
        after.plan?.id !== before.pendingPlanId,
      'subscription.downgrade_canceled',
    ),
    ...when(before.status !== 'PAUSED' && after.status === 'PAUSED', 'subscription.paused'),
    ...when(before.status === 'PAUSED' && after.status !== 'PAUSED', 'subscription.resumed'),
  ];
}

function isCancelling(subscription: MirroredSubscription): boolean {
  return subscription.cancelAtPeriodEnd || subscription.cancelAt !== null;
}

function endedByStripe({ cancellationReason }: MirroredSubscription): boolean {
  return cancellationReason === 'payment_failed' || cancellationReason === 'payment_disputed';
}

function when(condition: boolean, type: SubscriptionEventType): SubscriptionEventType[] {
  return condition ? [type] : [];
}

/** Equal texts = nothing changed. A plan is its id here: editing a plan is `plan.updated`, not a change of all. */
function fingerprint(subscription: MirroredSubscription): string {
  const { plan, items, status, stripeSubscriptionId, quantity, cancellationReason, pendingPlanId } =
    subscription;
  const { cancelAtPeriodEnd, cancelAt, endedAt, pausedAt, pendingChangeAt } = subscription;
  const { currentPeriodStart, currentPeriodEnd } = subscription;
  return JSON.stringify([
    [plan?.id ?? null, status, stripeSubscriptionId, quantity, cancellationReason, pendingPlanId],
    [cancelAtPeriodEnd, cancelAt, endedAt, pausedAt, pendingChangeAt, currentPeriodStart, currentPeriodEnd],
    items.map(({ priceId, quantity: pieces }) => JSON.stringify([priceId, pieces])).sort(),
  ]);
}
