/**
 * Which object an event is news of; the type never decides what happens, only what is fetched. The last four are
 * happenings: each counts for itself, so one never stands for another.
 */
export type NewsOf =
  | 'checkout'
  | 'subscription'
  | 'schedule'
  | 'invoice'
  | 'customer'
  | 'upcoming_invoice'
  | 'payment_method'
  | 'refund'
  | 'dispute';

/** Every type we act on. All others are kept and marked ignored. */
const HANDLED: Readonly<Record<string, NewsOf>> = {
  'checkout.session.completed': 'checkout',
  'checkout.session.expired': 'checkout',
  'checkout.session.async_payment_succeeded': 'checkout',
  'checkout.session.async_payment_failed': 'checkout',
  'customer.subscription.created': 'subscription',
  'customer.subscription.updated': 'subscription',
  'customer.subscription.deleted': 'subscription',
  'customer.subscription.paused': 'subscription',
  'customer.subscription.resumed': 'subscription',
  'customer.subscription.trial_will_end': 'subscription',
  'customer.subscription.pending_update_applied': 'subscription',
  'customer.subscription.pending_update_expired': 'subscription',
  'subscription_schedule.updated': 'schedule',
  'subscription_schedule.released': 'schedule',
  'subscription_schedule.canceled': 'schedule',
  'subscription_schedule.completed': 'schedule',
  'subscription_schedule.aborted': 'schedule',
  'invoice.finalized': 'invoice',
  'invoice.finalization_failed': 'invoice',
  'invoice.updated': 'invoice',
  'invoice.paid': 'invoice',
  'invoice.payment_succeeded': 'invoice',
  'invoice.payment_failed': 'invoice',
  'invoice.payment_action_required': 'invoice',
  'invoice.overdue': 'invoice',
  'invoice.voided': 'invoice',
  'invoice.marked_uncollectible': 'invoice',
  'invoice.upcoming': 'upcoming_invoice',
  'customer.updated': 'customer',
  'customer.deleted': 'customer',
  'payment_method.attached': 'payment_method',
  'payment_method.detached': 'payment_method',
  'payment_method.updated': 'payment_method',
  'charge.refunded': 'refund',
  'charge.dispute.created': 'dispute',
  'charge.dispute.closed': 'dispute',
};

const HAPPENINGS: ReadonlySet<NewsOf> = new Set(['upcoming_invoice', 'payment_method', 'refund', 'dispute']);

/** What the event is news of; null for types that mean nothing to us. */
export function newsOf(type: string): NewsOf | null {
  return Object.hasOwn(HANDLED, type) ? HANDLED[type]! : null;
}

/** The types that one look at the object answers together; none where each counts for itself. */
export function typesOf(news: NewsOf): string[] {
  return HAPPENINGS.has(news) ? [] : Object.keys(HANDLED).filter((type) => HANDLED[type] === news);
}
