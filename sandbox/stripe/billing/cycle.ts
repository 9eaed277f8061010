import type Stripe from 'stripe';
import { intervalsAfter, type Period } from '../periods';

const SECONDS: Record<string, number> = { day: 86_400, week: 604_800, month: 2_629_746, year: 31_556_952 };

/**
 * The billing period of a price that contains a moment: one of the stretches that the billing cycle anchor cuts
 * time into. The anchor may lie in the future (trial) or far in the past; months keep its day.
 */
export function periodContaining(anchor: number, recurring: Stripe.Price.Recurring, at: number): Period {
  const { interval, interval_count: count } = recurring;
  const boundary = (n: number) => intervalsAfter(anchor, interval, n * count);
  let n = Math.floor((at - anchor) / ((SECONDS[interval] ?? 86_400) * count));
  while (boundary(n) > at) n--;
  while (boundary(n + 1) <= at) n++;
  return { start: boundary(n), end: boundary(n + 1) };
}

/** Whether two prices are billed at the same pace. */
export function sameInterval(a: Stripe.Price, b: Stripe.Price): boolean {
  return (
    a.recurring?.interval === b.recurring?.interval &&
    a.recurring?.interval_count === b.recurring?.interval_count
  );
}

export function isMetered(price: Stripe.Price): boolean {
  return price.recurring?.usage_type === 'metered';
}
