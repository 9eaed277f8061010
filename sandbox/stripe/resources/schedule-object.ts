import type Stripe from 'stripe';
import type { Account } from '../account';
import { only } from '../call';
import { invalidRequest } from '../errors';
import { intervalsAfter } from '../periods';
import { newId } from '../random';
import { mergeMetadata } from './metadata';
import { orderLine } from './subscription-create';

type Phase = Stripe.SubscriptionSchedule.Phase;

/** A phase as create, update and preview give it. */
export type PhaseParams = Stripe.SubscriptionScheduleUpdateParams.Phase;

/** The one phase a subscription is in when a schedule takes it over: its items until the end of its period. */
export function phaseOfSubscription(subscription: Stripe.Subscription): Phase {
  const starts = subscription.items.data.map((item) => item.current_period_start);
  const ends = subscription.items.data.map((item) => item.current_period_end);
  return {
    ...emptyPhase(subscription.currency),
    discounts: (subscription.discounts as string[]).map((discount) => ({
      coupon: null,
      discount,
      promotion_code: null,
    })),
    end_date: Math.min(...ends),
    items: subscription.items.data.map((item) => ({
      billing_thresholds: null,
      discounts: [],
      metadata: item.metadata,
      plan: item.price.id,
      price: item.price.id,
      ...(item.quantity === undefined ? {} : { quantity: item.quantity }),
      tax_rates: [],
    })),
    metadata: {},
    start_date: Math.max(...starts),
    trial_end: subscription.status === 'trialing' ? subscription.trial_end : null,
  };
}

function emptyPhase(currency: string): Omit<Phase, 'items' | 'start_date' | 'end_date'> {
  return {
    add_invoice_items: [],
    application_fee_percent: null,
    billing_cycle_anchor: null,
    billing_thresholds: null,
    collection_method: null,
    currency,
    default_payment_method: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    invoice_settings: null,
    metadata: {},
    on_behalf_of: null,
    proration_behavior: 'create_prorations',
    transfer_data: null,
    trial_end: null,
  };
}

/**
 * Reads the phases of a request: each begins where the one before it ends.
 * @param start Where the first begins when it does not say so.
 * @throws StripeApiError 400 for gaps, ends before starts, and prices that do not exist.
 */
export function readPhases(account: Account, given: PhaseParams[], start: number, currency: string): Phase[] {
  if (given.length === 0) throw invalidRequest('You must pass at least one phase.', 'phases');
  let from = start;
  return given.map((phase, index) => {
    const param = `phases[${index}]`;
    only(
      phase,
      'billing_cycle_anchor',
      'currency',
      'discounts',
      'duration',
      'end_date',
      'items',
      'metadata',
      'proration_behavior',
      'start_date',
    );
    const begins = phase.start_date === 'now' ? account.now() : (phase.start_date ?? from);
    if (index > 0 && begins !== from)
      throw invalidRequest(
        'The start date of a phase must be the end date of the one before.',
        `${param}[start_date]`,
      );
    const end = endOf(account, phase, begins, param);
    if (end <= begins) throw invalidRequest('A phase must end after it starts.', `${param}[end_date]`);
    from = end;
    return {
      ...emptyPhase(currency),
      billing_cycle_anchor: phase.billing_cycle_anchor ?? null,
      discounts: (phase.discounts || []).map(({ coupon, discount, promotion_code }) => ({
        coupon: coupon ?? null,
        discount: discount ?? null,
        promotion_code: promotion_code ?? null,
      })),
      end_date: end,
      items: phase.items.map((item, at) => itemOf(account, item, `${param}[items][${at}]`)),
      metadata: mergeMetadata(null, phase.metadata),
      proration_behavior: phase.proration_behavior ?? 'create_prorations',
      start_date: begins,
    };
  });
}

function endOf(account: Account, phase: PhaseParams, begins: number, param: string): number {
  if (phase.end_date === 'now') return account.now();
  if (phase.end_date !== undefined) return phase.end_date;
  if (phase.duration)
    return intervalsAfter(begins, phase.duration.interval, phase.duration.interval_count ?? 1);
  // Without either, the last phase would have no end that the sandbox could keep.
  throw invalidRequest('Pass `end_date` or `duration`.', `${param}[end_date]`, 'parameter_missing');
}

function itemOf(account: Account, item: PhaseParams['items'][number], param: string): Phase['items'][number] {
  only(item, 'metadata', 'price', 'price_data', 'quantity');
  const line = orderLine(account, { ...item, metadata: item.metadata ?? {} }, param);
  return {
    billing_thresholds: null,
    discounts: [],
    metadata: line.metadata,
    plan: line.price.id,
    price: line.price.id,
    ...(line.quantity === null ? {} : { quantity: line.quantity }),
    tax_rates: [],
  };
}

/** A schedule as Stripe answers it right after creation. */
export function makeSchedule(
  account: Account,
  order: {
    customer: Stripe.Customer;
    subscription: Stripe.Subscription | null;
    billingMode: Stripe.Subscription.BillingMode;
    phases: Phase[];
    endBehavior: Stripe.SubscriptionSchedule.EndBehavior;
    metadata: Stripe.Metadata;
  },
): Stripe.SubscriptionSchedule {
  const { subscription } = order;
  const first = order.phases[0] as Phase;
  const { updated_at: _updated, ...billingMode } = order.billingMode;
  return {
    id: newId('sub_sched'),
    object: 'subscription_schedule',
    application: null,
    billing_mode: billingMode,
    canceled_at: null,
    completed_at: null,
    created: account.now(),
    current_phase: subscription ? { start_date: first.start_date, end_date: first.end_date } : null,
    customer: order.customer.id,
    customer_account: null,
    default_settings: {
      application_fee_percent: null,
      automatic_tax: { disabled_reason: null, enabled: false, liability: null },
      billing_cycle_anchor: 'automatic',
      billing_thresholds: null,
      collection_method: subscription?.collection_method ?? 'charge_automatically',
      default_payment_method: (subscription?.default_payment_method as string | null) ?? null,
      description: null,
      invoice_settings: {
        account_tax_ids: null,
        custom_fields: null,
        days_until_due: null,
        description: null,
        footer: null,
        issuer: { type: 'self' },
      },
      on_behalf_of: null,
      transfer_data: null,
    },
    end_behavior: order.endBehavior,
    livemode: false,
    metadata: order.metadata,
    pause_schedules: [],
    phases: order.phases,
    released_at: null,
    released_subscription: null,
    status: subscription ? 'active' : 'not_started',
    subscription: subscription?.id ?? null,
    test_clock: order.customer.test_clock ?? null,
  };
}
