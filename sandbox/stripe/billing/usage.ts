import type Stripe from 'stripe';
import type { Account } from '../account';
import type { Period } from '../periods';

/** How much of a meter a customer used in a stretch of time. Set by whoever keeps the meter events. */
export type UsageReader = (
  account: Account,
  meter: Stripe.Billing.Meter,
  customer: string,
  period: Period,
) => number;

/** Without meter events nothing is used. */
let read: UsageReader = () => 0;

/** Names the one reader of meter events. @returns The one before. */
export function readUsageBy(reader: UsageReader): UsageReader {
  const before = read;
  read = reader;
  return before;
}

/** The units of a metered item used in a period; whole, as prices count them. */
export function usageOf(
  account: Account,
  item: Stripe.SubscriptionItem,
  customer: string,
  period: Period,
): number {
  const id = item.price.recurring?.meter;
  const meter = id ? account.store.find('billing.meter', id) : undefined;
  return meter ? Math.max(0, Math.trunc(read(account, meter, customer, period))) : 0;
}
