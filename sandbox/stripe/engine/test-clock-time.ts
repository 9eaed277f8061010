import type Stripe from 'stripe';
import type { Account } from '../account';
import type { TableName } from '../tables';

/** Tables by the prefix of their ids, longest first where one begins another. */
const BY_PREFIX: [prefix: string, table: TableName][] = [
  ['sub_sched_', 'subscription_schedule'],
  ['sub_', 'subscription'],
  ['cus_', 'customer'],
  ['in_', 'invoice'],
  ['ii_', 'invoiceitem'],
  ['pm_', 'payment_method'],
  ['pi_', 'payment_intent'],
  ['seti_', 'setup_intent'],
];

/** Parameters that name an object with a customer behind it. */
const NAMED = ['customer', 'subscription', 'from_subscription', 'invoice', 'schedule', 'test_clock'];

/**
 * The time a request happens at, when what it is about lives by a test clock: that clock's frozen time.
 * Null for the sandbox's own time.
 */
export function frozenTimeOf(account: Account, pathId: string, params: object): number | null {
  // Most accounts have no test clock, and pay nothing for this.
  if (account.store.rows('test_helpers.test_clock').next().done) return null;
  const ids = [pathId, ...NAMED.map((name) => (params as Record<string, unknown>)[name])];
  for (const id of ids) {
    if (typeof id !== 'string' || id === '') continue;
    const clock = clockOf(account, id);
    const row = clock ? account.store.find('test_helpers.test_clock', clock) : undefined;
    if (row) return row.frozen_time;
  }
  return null;
}

function clockOf(account: Account, id: string): string | null {
  if (id.startsWith('clock_')) return id;
  if (id.startsWith('si_')) {
    for (const subscription of account.store.rows('subscription'))
      if (subscription.items.data.some((item) => item.id === id))
        return subscription.test_clock as string | null;
    return null;
  }
  const table = BY_PREFIX.find(([prefix]) => id.startsWith(prefix))?.[1];
  const row = table ? (account.store.find(table, id) as object | undefined) : undefined;
  if (!row) return null;
  if ('test_clock' in row) return row.test_clock as string | null;
  const owner = 'customer' in row ? (row.customer as string | null) : null;
  const customer = owner ? account.store.find('customer', owner) : undefined;
  return customer && !customer.deleted ? ((customer as Stripe.Customer).test_clock as string | null) : null;
}
