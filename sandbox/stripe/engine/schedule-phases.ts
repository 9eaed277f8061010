import type Stripe from 'stripe';
import type { Account } from '../account';
import type { SubscriptionChange } from '../billing/change';
import { invalidRequest } from '../errors';
import { collectFirst } from '../resources/subscription-create';
import { settleChange } from '../resources/subscription-change-payment';
import { newDiscounts } from '../resources/subscription-discounts';
import { itemChanges, type ItemParams } from '../resources/item-changes';
import { endSubscription } from '../resources/subscription-end';
import { startSubscription } from '../resources/subscription-start';

type Phase = Stripe.SubscriptionSchedule.Phase;

/** The end of a phase: the next one begins, or the schedule is over. */
export function enterNextPhase(account: Account, id: string): void {
  const schedule = account.get('subscription_schedule', id);
  const now = account.now();
  const next = schedule.phases.find((phase) => phase.start_date <= now && phase.end_date > now);
  if (!next) return endSchedule(account, schedule);
  const moved = account.change(
    'subscription_schedule',
    schedule,
    { current_phase: { start_date: next.start_date, end_date: next.end_date } },
    'subscription_schedule.updated',
  );
  applyPhase(account, moved.subscription as string, next, next.proration_behavior);
}

/** Brings a subscription to what a phase says. `behavior` is the phase's own, or the request's for the current one. */
export function applyPhase(account: Account, subscriptionId: string, phase: Phase, behavior: string): void {
  const current = account.get('subscription', subscriptionId);
  settleChange(account, current, changeOfPhase(account, current, phase, behavior), 'allow_incomplete');
}

/** The change that makes a subscription what a phase says. */
export function changeOfPhase(
  account: Account,
  current: Stripe.Subscription,
  phase: Phase,
  behavior: string,
): SubscriptionChange {
  const metadata = { ...current.metadata, ...phase.metadata };
  const given = phase.discounts.map(({ coupon, discount, promotion_code: code }) => ({
    ...(coupon ? { coupon: coupon as string } : {}),
    ...(discount ? { discount: discount as string } : {}),
    ...(code ? { promotion_code: code as string } : {}),
  }));
  return {
    items: itemChanges(account, current, itemsOfPhase(current, phase)),
    behavior: behavior as SubscriptionChange['behavior'],
    at: account.now(),
    anchor:
      phase.billing_cycle_anchor === 'phase_start' && phase.start_date === account.now()
        ? 'now'
        : 'unchanged',
    trialEnd: null,
    other: {
      metadata,
      ...(given.length > 0 ? { discounts: newDiscounts(account, current, given) } : {}),
    },
  };
}

/** A phase's items as an update: same prices stay, others replace one another in order, the rest goes. */
function itemsOfPhase(current: Stripe.Subscription, phase: Phase): ItemParams[] {
  const free = [...current.items.data];
  const take = (fits: (item: Stripe.SubscriptionItem) => boolean) => {
    const index = free.findIndex(fits);
    return index < 0 ? undefined : free.splice(index, 1)[0];
  };
  const kept = phase.items.map((wanted) => ({
    wanted,
    item: take(({ price }) => price.id === wanted.price),
  }));
  const asked = kept.map(({ wanted, item }): ItemParams => {
    const of = item ?? take(() => true);
    const price = wanted.price as string;
    return {
      ...(of ? { id: of.id } : {}),
      price,
      ...(wanted.quantity === undefined ? {} : { quantity: wanted.quantity }),
      metadata: wanted.metadata ?? {},
    };
  });
  return [...asked, ...free.map(({ id }): ItemParams => ({ id, deleted: true }))];
}

/** The last phase is over: the subscription goes on by itself, or ends. */
function endSchedule(account: Account, schedule: Stripe.SubscriptionSchedule): void {
  const now = account.now();
  const subscription = account.get('subscription', schedule.subscription as string);
  if (schedule.end_behavior === 'cancel') {
    account.change(
      'subscription_schedule',
      schedule,
      { completed_at: now, current_phase: null, status: 'completed' },
      'subscription_schedule.completed',
    );
    endSubscription(account, subscription, 'cancellation_requested');
    return;
  }
  releaseSchedule(account, schedule);
}

/** Detaches a schedule from its subscription, which goes on as it is. */
export function releaseSchedule(
  account: Account,
  schedule: Stripe.SubscriptionSchedule,
): Stripe.SubscriptionSchedule {
  const id = schedule.subscription as string | null;
  const released = account.change(
    'subscription_schedule',
    schedule,
    {
      current_phase: null,
      released_at: account.now(),
      released_subscription: id,
      status: 'released',
      subscription: null,
    },
    'subscription_schedule.released',
  );
  const subscription = id ? account.store.find('subscription', id) : undefined;
  if (subscription && subscription.ended_at === null)
    account.change('subscription', subscription, { schedule: null }, 'customer.subscription.updated');
  return released;
}

/** The first phase of a schedule without a subscription begins: the subscription is made. */
export function startSchedule(account: Account, id: string): void {
  const schedule = account.get('subscription_schedule', id);
  const first = schedule.phases[0];
  if (!first) throw invalidRequest('The schedule has no phases.');
  const { subscription, draft } = startSubscription(
    account,
    {
      customer: schedule.customer as string,
      lines: first.items.map((item) => ({
        price: account.get('price', item.price as string),
        quantity: item.quantity ?? null,
        metadata: item.metadata ?? {},
      })),
      status: 'active',
      trialEnd: null,
      billingMode: { flexible: schedule.billing_mode.flexible, type: schedule.billing_mode.type },
      defaultPaymentMethod: schedule.default_settings.default_payment_method as string | null,
      metadata: first.metadata ?? {},
      description: null,
      automaticTax: false,
      collectionMethod: 'charge_automatically',
      daysUntilDue: null,
      cancelAtPeriodEnd: false,
      trialSettings: null,
      saveDefaultPaymentMethod: 'off',
    },
    [],
  );
  account.change('subscription', account.get('subscription', subscription.id), { schedule: id });
  account.change(
    'subscription_schedule',
    schedule,
    {
      current_phase: { start_date: first.start_date, end_date: first.end_date },
      status: 'active',
      subscription: subscription.id,
    },
    'subscription_schedule.updated',
  );
  if (draft) collectFirst(account, draft.id);
}
