import type Stripe from 'stripe';
import type { Account } from '../account';
import { only, type Call } from '../call';
import { cancelNow } from '../engine/cancellation';
import { applyPhase, releaseSchedule, startSchedule } from '../engine/schedule-phases';
import { invalidRequest, parameterMissing } from '../errors';
import { inRange, listPage } from '../pagination';
import { mergeMetadata } from './metadata';
import { makeSchedule, phaseOfSubscription, readPhases, type PhaseParams } from './schedule-object';
import { billingModeOf } from './subscription-object';

/** Puts a subscription under a schedule, or plans one that starts now or later. */
export function createSchedule({ account, params }: Call<Stripe.SubscriptionScheduleCreateParams>): object {
  only(
    params,
    'billing_mode',
    'customer',
    'end_behavior',
    'from_subscription',
    'metadata',
    'phases',
    'start_date',
  );
  if (params.from_subscription) return fromSubscription(account, params, params.from_subscription);
  if (!params.customer) throw parameterMissing('customer');
  const customer = account.get('customer', params.customer, 'customer');
  const start =
    params.start_date === undefined || params.start_date === 'now' ? account.now() : params.start_date;
  const phases = readPhases(
    account,
    (params.phases ?? []) as PhaseParams[],
    start,
    customer.currency ?? 'usd',
  );
  const schedule = makeSchedule(account, {
    customer,
    subscription: null,
    billingMode: billingModeOf(params.billing_mode),
    phases,
    endBehavior: params.end_behavior ?? 'release',
    metadata: mergeMetadata(null, params.metadata),
  });
  account.add('subscription_schedule', schedule, 'subscription_schedule.created');
  if (start <= account.now()) startSchedule(account, schedule.id);
  return account.get('subscription_schedule', schedule.id);
}

function fromSubscription(
  account: Account,
  params: Stripe.SubscriptionScheduleCreateParams,
  id: string,
): object {
  if (params.phases || params.customer || params.start_date || params.end_behavior || params.metadata) {
    throw invalidRequest(
      'You cannot set other parameters if `from_subscription` is set.',
      'from_subscription',
      'parameters_exclusive',
    );
  }
  const subscription = account.get('subscription', id, 'from_subscription');
  if (subscription.schedule !== null)
    throw invalidRequest('This subscription is already attached to a schedule.', 'from_subscription');
  if (
    subscription.ended_at !== null ||
    subscription.status === 'incomplete' ||
    subscription.status === 'paused'
  )
    throw invalidRequest(
      `You cannot migrate a subscription that is ${subscription.status} to a schedule.`,
      'from_subscription',
    );
  const schedule = makeSchedule(account, {
    customer: account.get('customer', subscription.customer as string),
    subscription,
    billingMode: subscription.billing_mode,
    phases: [phaseOfSubscription(subscription)],
    // A subscription set to end does so under its schedule too.
    endBehavior: subscription.cancel_at_period_end ? 'cancel' : 'release',
    metadata: {},
  });
  account.add('subscription_schedule', schedule, 'subscription_schedule.created');
  account.change('subscription', subscription, { schedule: schedule.id }, 'customer.subscription.updated');
  return schedule;
}

/** Replaces the phases: past ones may be left out, the current one must be there with its own start. */
export function updateSchedule({
  account,
  params,
  id,
}: Call<Stripe.SubscriptionScheduleUpdateParams>): object {
  only(params, 'end_behavior', 'metadata', 'phases', 'proration_behavior');
  const schedule = account.get('subscription_schedule', id);
  refuseUnlessOpen(schedule, 'update');
  const phases = params.phases ? newPhases(account, schedule, params.phases) : schedule.phases;
  const now = account.now();
  const current = schedule.subscription
    ? phases.find((phase) => phase.start_date <= now && phase.end_date > now)
    : undefined;
  const changed = account.change(
    'subscription_schedule',
    schedule,
    {
      current_phase: current
        ? { start_date: current.start_date, end_date: current.end_date }
        : schedule.current_phase,
      end_behavior: params.end_behavior ?? schedule.end_behavior,
      metadata: mergeMetadata(schedule.metadata, params.metadata),
      phases,
    },
    'subscription_schedule.updated',
  );
  if (params.phases && current && schedule.subscription) {
    applyPhase(
      account,
      schedule.subscription as string,
      current,
      params.proration_behavior ?? 'create_prorations',
    );
  }
  return changed;
}

function newPhases(
  account: Account,
  schedule: Stripe.SubscriptionSchedule,
  given: PhaseParams[],
): Stripe.SubscriptionSchedule.Phase[] {
  const currency = schedule.phases[0]?.currency ?? 'usd';
  const starts = schedule.current_phase?.start_date ?? schedule.phases[0]?.start_date ?? account.now();
  const phases = readPhases(account, given, given[0]?.start_date === undefined ? starts : 0, currency);
  const running = schedule.current_phase;
  if (!running) return phases;
  const kept = phases.find((phase) => phase.start_date === running.start_date);
  if (!kept) {
    throw invalidRequest('You can not modify the start date of the current phase.', 'phases[0][start_date]');
  }
  if (kept.end_date <= account.now())
    throw invalidRequest('The current phase must end in the future.', 'phases[0][end_date]');
  return phases;
}

function refuseUnlessOpen(schedule: Stripe.SubscriptionSchedule, what: string): void {
  if (schedule.status === 'active' || schedule.status === 'not_started') return;
  throw invalidRequest(
    `You cannot ${what} a subscription schedule that is currently in the \`${schedule.status}\` status. It must be in the \`not_started\` or \`active\` status to ${what}.`,
  );
}

export function releaseScheduleNow({
  account,
  params,
  id,
}: Call<Stripe.SubscriptionScheduleReleaseParams>): object {
  only(params, 'preserve_cancel_date');
  const schedule = account.get('subscription_schedule', id);
  refuseUnlessOpen(schedule, 'release');
  return releaseSchedule(account, schedule);
}

/** Cancels the schedule and its subscription, at once. */
export function cancelSchedule({
  account,
  params,
  id,
}: Call<Stripe.SubscriptionScheduleCancelParams>): object {
  only(params, 'invoice_now', 'prorate');
  const schedule = account.get('subscription_schedule', id);
  refuseUnlessOpen(schedule, 'cancel');
  const subscription = schedule.subscription
    ? account.store.find('subscription', schedule.subscription as string)
    : undefined;
  if (subscription && subscription.ended_at === null) {
    cancelNow(
      account,
      subscription,
      { prorate: params.prorate ?? true, invoiceNow: params.invoice_now ?? true },
      {},
    );
    return account.get('subscription_schedule', id);
  }
  return account.change(
    'subscription_schedule',
    schedule,
    { canceled_at: account.now(), current_phase: null, status: 'canceled' },
    'subscription_schedule.canceled',
  );
}

export function retrieveSchedule({ account, id }: Call<Stripe.SubscriptionScheduleRetrieveParams>): object {
  return account.get('subscription_schedule', id);
}

export function listSchedules({ account, params }: Call<Stripe.SubscriptionScheduleListParams>): object {
  only(
    params,
    'canceled_at',
    'completed_at',
    'created',
    'customer',
    'ending_before',
    'limit',
    'released_at',
    'scheduled',
    'starting_after',
  );
  const rows = account.newest(
    'subscription_schedule',
    (row) =>
      inRange(row.created, params.created) &&
      inRange(row.canceled_at ?? 0, params.canceled_at) &&
      inRange(row.completed_at ?? 0, params.completed_at) &&
      inRange(row.released_at ?? 0, params.released_at) &&
      (params.customer === undefined || row.customer === params.customer) &&
      (params.scheduled === undefined || (row.status === 'not_started') === params.scheduled),
  );
  return listPage(rows, params, '/v1/subscription_schedules');
}
