/**
 * Which object an event is news of; the type never decides what happens, only what is fetched. The last five are
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
  | 'dispute'
  | 'meter_error';

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
  'v1.billing.meter.error_report_triggered': 'meter_error',
  'v1.billing.meter.no_meter_found': 'meter_error',
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

const HAPPENINGS: ReadonlySet<NewsOf> = new Set([
  'upcoming_invoice',
  'payment_method',
  'refund',
  'dispute',
  'meter_error',
]);

/** What the event is news of; null for types that mean nothing to us. */
export function newsOf(type: string): NewsOf | null {
  if (Object.hasOwn(HANDLED, type)) return HANDLED[type]!;
  // An event notification of a v1 object: the same news under another name (decisions 29).
  const classic = type.startsWith('v1.') ? type.slice(3) : type;
  return Object.hasOwn(HANDLED, classic) ? HANDLED[classic]! : null;
}

/** The types that one look at the object answers together; none where each counts for itself. */
export function typesOf(news: NewsOf): string[] {
  if (HAPPENINGS.has(news)) return [];
  const types = Object.keys(HANDLED).filter((type) => HANDLED[type] === news);
  return [...types, ...types.map((type) => `v1.${type}`)];
}
