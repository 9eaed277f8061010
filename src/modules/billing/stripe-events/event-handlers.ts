/** Which object an event is news of; the type never decides what happens, only what is fetched. */
export type NewsOf = 'checkout' | 'subscription' | 'meter_error';

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
};

/** What the event is news of; null for types that mean nothing to us. */
export function newsOf(type: string): NewsOf | null {
  if (Object.hasOwn(HANDLED, type)) return HANDLED[type]!;
  // An event notification of a v1 object: the same news under another name (decisions 29).
  const classic = type.startsWith('v1.') ? type.slice(3) : type;
  return Object.hasOwn(HANDLED, classic) ? HANDLED[classic]! : null;
}

/** The types that are news of the same kind of object. */
export function typesOf(news: NewsOf): string[] {
  const types = Object.keys(HANDLED).filter((type) => HANDLED[type] === news);
  return [...types, ...types.filter((type) => !type.startsWith('v1.')).map((type) => `v1.${type}`)];
}
