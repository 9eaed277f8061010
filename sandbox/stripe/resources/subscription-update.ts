import type Stripe from 'stripe';
import type { Account } from '../account';
import type { SubscriptionChange } from '../billing/change';
import { orNull, updated } from '../call';
import { dropPendingUpdate } from '../engine/expiry';
import { forget, note } from '../engine/notes';
import { invalidRequest } from '../errors';
import { mergeMetadata } from './metadata';
import { ownPaymentMethod } from './payment-methods';
import { settleChange } from './subscription-change-payment';
import { newDiscounts } from './subscription-discounts';
import { itemChanges, type ItemParams } from './item-changes';
import { trialEndOf, trialSettingsOf } from './trials';

/** The parameters of an update the sandbox acts on. */
export const UPDATE_PARAMETERS = [
  'automatic_tax',
  'billing_cycle_anchor',
  'cancel_at',
  'cancel_at_period_end',
  'cancellation_details',
  'collection_method',
  'days_until_due',
  'default_payment_method',
  'description',
  'discounts',
  'items',
  'metadata',
  'off_session',
  'pause_collection',
  'payment_behavior',
  'payment_settings',
  'proration_behavior',
  'proration_date',
  'trial_end',
  'trial_settings',
] as const satisfies (keyof Stripe.SubscriptionUpdateParams)[];

/** What an update asks for; previews ask in the same words. */
export type UpdateParams = Omit<
  Pick<Stripe.SubscriptionUpdateParams, (typeof UPDATE_PARAMETERS)[number]>,
  'items' | 'billing_cycle_anchor'
> & {
  items?: ItemParams[];
  billing_cycle_anchor?: { type: string };
};

/** Carries an update out: checks, prorations, the invoice due at once and its payment. */
export function carryOutUpdate(
  account: Account,
  given: Stripe.Subscription,
  params: UpdateParams,
): Stripe.Subscription {
  if (given.ended_at !== null) refuseEnded(params);
  refuseUnderSchedule(given, params);
  const replaces = given.pending_update && (params.items ?? params.trial_end ?? params.billing_cycle_anchor);
  const current = replaces ? dropPendingUpdate(account, given.id) : given;
  const change = changeAskedFor(account, current, params);
  noteCancellation(account, current, params);
  settleChange(account, current, change, params.payment_behavior ?? 'allow_incomplete');
  return account.get('subscription', current.id);
}

/** Reads an update's parameters into a change. @throws StripeApiError 400 for what Stripe refuses. */
export function changeAskedFor(
  account: Account,
  current: Stripe.Subscription,
  params: UpdateParams,
): SubscriptionChange {
  return {
    items: itemChanges(account, current, params.items ?? []),
    behavior: (params.proration_behavior ?? 'create_prorations') as SubscriptionChange['behavior'],
    at: prorationMoment(account, current, params.proration_date),
    anchor: params.billing_cycle_anchor?.type === 'now' ? 'now' : 'unchanged',
    trialEnd: trialAskedFor(account, current, params),
    other: otherChanges(account, current, params),
  };
}

function prorationMoment(account: Account, current: Stripe.Subscription, date: number | undefined): number {
  const now = account.now();
  if (date === undefined) return now;
  const starts = current.items.data.map((item) => item.current_period_start);
  const ends = current.items.data.map((item) => item.current_period_end);
  if (date < Math.min(...starts) || date > Math.max(...ends)) {
    throw invalidRequest(
      'Cannot specify proration date outside of current subscription period.',
      'proration_date',
    );
  }
  return date;
}

function trialAskedFor(
  account: Account,
  current: Stripe.Subscription,
  params: UpdateParams,
): number | 'now' | null {
  if (params.trial_end === undefined) return null;
  // A trial that is not running can not be ended.
  if (params.trial_end === 'now') return current.status === 'trialing' ? 'now' : null;
  return trialEndOf(account, { trial_end: params.trial_end }, []);
}

function otherChanges(
  account: Account,
  current: Stripe.Subscription,
  params: UpdateParams,
): Partial<Stripe.Subscription> {
  const method = params.collection_method ?? current.collection_method;
  if (method === 'send_invoice' && (params.days_until_due ?? current.days_until_due) === null)
    throw invalidRequest('`days_until_due` is required with `send_invoice`.', 'days_until_due');
  return {
    automatic_tax: params.automatic_tax
      ? {
          ...current.automatic_tax,
          enabled: params.automatic_tax.enabled,
          liability: params.automatic_tax.enabled ? { type: 'self' } : null,
        }
      : current.automatic_tax,
    ...cancellation(current, params, account.now()),
    collection_method: method,
    days_until_due: params.days_until_due ?? current.days_until_due,
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
    metadata: mergeMetadata(current.metadata, params.metadata),
    ...(params.pause_collection === undefined ? {} : { pause_collection: pauseOf(account, params) }),
    ...(params.payment_settings?.save_default_payment_method
      ? {
          payment_settings: {
            payment_method_options: null,
            payment_method_types: null,
            ...current.payment_settings,
            save_default_payment_method: params.payment_settings.save_default_payment_method,
          },
        }
      : {}),
    trial_settings: trialSettingsOf(params.trial_settings) ?? current.trial_settings,
  };
}

function pauseOf(account: Account, params: UpdateParams): Stripe.Subscription.PauseCollection | null {
  const asked = orNull(params.pause_collection);
  if (!asked) return null;
  if (asked.resumes_at !== undefined && asked.resumes_at <= account.now())
    throw invalidRequest('`resumes_at` must be in the future.', 'pause_collection[resumes_at]');
  return { behavior: asked.behavior, resumes_at: asked.resumes_at ?? null };
}

/** Remembers that an end inside the running period gives back its rest, when prorations are wanted. */
function noteCancellation(account: Account, current: Stripe.Subscription, params: UpdateParams): void {
  forgetWhenChanged(account, current, params);
  if (typeof params.cancel_at !== 'number' || params.proration_behavior === 'none') return;
  const ends = current.items.data.map((item) => item.current_period_end);
  if (params.cancel_at < Math.max(...ends)) note(account, current.id, 'cancel_prorates', params.cancel_at);
}

function forgetWhenChanged(account: Account, current: Stripe.Subscription, params: UpdateParams): void {
  if (params.cancel_at !== undefined || params.cancel_at_period_end !== undefined)
    forget(account, current.id, 'cancel_prorates');
}

/** How a scheduled subscription ends is its schedule's matter. */
function refuseUnderSchedule(current: Stripe.Subscription, params: UpdateParams): void {
  if (current.schedule === null) return;
  if (params.cancel_at === undefined && params.cancel_at_period_end === undefined) return;
  throw invalidRequest(
    `The subscription is managed by the subscription schedule \`${current.schedule as string}\`, and updating any cancelation behavior directly is not allowed. Please update the schedule instead.`,
    params.cancel_at === undefined ? 'cancel_at_period_end' : 'cancel_at',
  );
}

function refuseEnded(params: UpdateParams): void {
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
  params: UpdateParams,
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
