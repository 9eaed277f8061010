import { Currency, Money, currencyOf, money, monthlyEquivalent } from './money';
import { BillingInterval } from './period';
import { LimitGrace, PlanLimits } from './plan-limits';

/** How fast and how often a plan's keys may call; null or missing = the service's default. */
export interface RateLimit {
  readonly per_second?: number | null;
  readonly burst?: number | null;
  readonly per_day?: number | null;
}

/** What a plan costs, and which family of plans it belongs to. */
export interface PlanPrice {
  readonly id: string;
  readonly slug: string;
  /** Lower-case ISO 4217; `currencyOf` checked it when the plan was written. */
  readonly currency: Currency | string;
  /** Minor units per interval; 0 is a free plan. */
  readonly amount: number;
  readonly interval: BillingInterval;
  readonly intervalCount: number;
  /** `family` groups the monthly and yearly form of one plan, `popular` = 'true' marks the public favourite. */
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

/** What the rules need to know about a plan; plan rows satisfy it as they are. */
export interface PlanFacts extends PlanPrice {
  readonly name: string;
  readonly stripeProductId: string | null;
  readonly limits: PlanLimits;
  /** Percent past the limit that still passes, by metric; missing = the service's default. */
  readonly limitGrace?: LimitGrace;
  readonly features: readonly string[];
  readonly rateLimit: RateLimit | null;
  readonly sortOrder: number;
}

/** The plan's price as money. Throws RangeError when the row holds no known currency. */
export function priceOf(plan: PlanPrice): Money {
  return money(plan.amount, currencyOf(plan.currency));
}

/** The plan's price per month, for comparing plans of different intervals. */
export function monthlyPriceOf(plan: PlanPrice): Money {
  return monthlyEquivalent(priceOf(plan), plan.interval, plan.intervalCount);
}

/** The order plans are shown in; the id decides ties so that every replica shows the same order. */
export function byShownOrder(
  a: Pick<PlanFacts, 'sortOrder' | 'id'>,
  b: Pick<PlanFacts, 'sortOrder' | 'id'>,
): number {
  return a.sortOrder - b.sortOrder || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
