/** Which object an event is news of; the type never decides what happens, only what is fetched. */
export type NewsOf = 'checkout' | 'subscription';

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
};

/** What the event is news of; null for types that mean nothing to us. */
export function newsOf(type: string): NewsOf | null {
  return Object.hasOwn(HANDLED, type) ? HANDLED[type]! : null;
}

/** The types that are news of the same kind of object. */
export function typesOf(news: NewsOf): string[] {
  return Object.keys(HANDLED).filter((type) => HANDLED[type] === news);
}
