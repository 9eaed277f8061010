import { divideRounded } from './decimal';
import { multiply, subtract } from './money';
import { intervalMonths } from './period';
import { PlanFacts, PlanPrice, byShownOrder, monthlyPriceOf, priceOf } from './plan-facts';
import { compareLimits, limitOf, metricsOf } from './plan-limits';

/** What paying yearly saves per term, in minor units, and in percent with one decimal, halves up. */
export interface AnnualSavings {
  readonly amount: number;
  readonly percent: number;
}

/**
 * What a plan paid by the year saves against paying its monthly sibling all that time (spec 01).
 * Null when there is nothing to compare with, or nothing saved.
 */
export function annualSavings(yearly: PlanPrice, monthlySibling: PlanPrice | null): AnnualSavings | null {
  if (monthlySibling === null || yearly.interval !== 'year') return null;
  if (yearly.currency !== monthlySibling.currency || !isPaidMonthly(monthlySibling)) return null;

  const months = intervalMonths(yearly.interval, yearly.intervalCount);
  const paidMonthly = multiply(priceOf(monthlySibling), months);
  const saved = subtract(paidMonthly, priceOf(yearly)).amount;
  if (saved <= 0) return null;
  const tenths = divideRounded(BigInt(saved) * 1000n, BigInt(paidMonthly.amount));
  return { amount: saved, percent: Number(tenths) / 10 };
}

const INTERVAL_SUFFIX = /-(?:monthly|yearly|annual|month|year)$/;

/** The plan without its interval: `pro` for `pro-monthly` and `pro-yearly`, unless `metadata.family` says. */
export function familyOf(plan: Pick<PlanPrice, 'slug' | 'metadata'>): string {
  const family = plan.metadata?.['family'];
  return typeof family === 'string' && family !== '' ? family : plan.slug.replace(INTERVAL_SUFFIX, '');
}

/**
 * The plan one would pay monthly instead of this one: same family, or else same Stripe product, same
 * currency, every single month. Null for a plan that is paid so itself.
 */
export function findMonthlySibling<Plan extends PlanFacts>(
  plan: PlanFacts,
  plans: readonly Plan[],
): Plan | null {
  if (isPaidMonthly(plan)) return null;
  const monthly = plans
    .filter((other) => other.id !== plan.id && other.currency === plan.currency && isPaidMonthly(other))
    .sort(byShownOrder);
  const sameFamily = monthly.find((other) => familyOf(other) === familyOf(plan));
  const sameProduct = monthly.find(
    (other) => plan.stripeProductId !== null && other.stripeProductId === plan.stripeProductId,
  );
  return sameFamily ?? sameProduct ?? null;
}

/** Feature × plan and limit × plan, ready to draw as a table. */
export interface PlanMatrix {
  readonly features: { feature: string; plans: Record<string, boolean> }[];
  readonly limits: { metric: string; plans: Record<string, number | null> }[];
}

/**
 * All plans side by side. Features stand in the order in which the plans, as shown, first name them.
 * A metric that a plan does not name is not included in it and stands as 0; unlimited is null.
 */
export function comparePlans(plans: readonly PlanFacts[]): PlanMatrix {
  const shown = [...plans].sort(byShownOrder);
  const forEachPlan = <Cell>(cell: (plan: PlanFacts) => Cell): Record<string, Cell> =>
    Object.fromEntries(shown.map((plan) => [plan.id, cell(plan)]));

  const features = [...new Set(shown.flatMap((plan) => plan.features))];
  const metrics = metricsOf(shown.map((plan) => plan.limits));
  return {
    features: features.map((feature) => ({
      feature,
      plans: forEachPlan((plan) => plan.features.includes(feature)),
    })),
    limits: metrics.map((metric) => ({ metric, plans: forEachPlan((plan) => limitOf(plan.limits, metric)) })),
  };
}

/** What the next plan up costs more, in minor units per interval, and what it adds. */
export interface NextPlan {
  readonly plan_id: string;
  readonly name: string;
  readonly amount_difference: number;
  readonly added_features: string[];
  readonly raised_limits: { metric: string; from: number | null; to: number | null }[];
}

/**
 * The next plan up: paid in the same interval and currency, the next higher price. Null at the top.
 */
export function differencesToNextPlan(plan: PlanFacts, plans: readonly PlanFacts[]): NextPlan | null {
  const next = plans
    .filter((other) => isPaidLike(other, plan) && other.amount > plan.amount)
    .sort((a, b) => a.amount - b.amount || byShownOrder(a, b))[0];
  if (next === undefined) return null;

  return {
    plan_id: next.id,
    name: next.name,
    amount_difference: subtract(priceOf(next), priceOf(plan)).amount,
    added_features: next.features.filter((feature) => !plan.features.includes(feature)),
    raised_limits: compareLimits(plan.limits, next.limits)
      .filter(({ direction }) => direction === 'raised')
      .map(({ metric, from, to }) => ({ metric, from, to })),
  };
}

/**
 * Whether going from one plan to another is a step up or down in price per month. The monthly and yearly
 * form of one family are the same plan, and two currencies do not compare: both are 'level'.
 */
export function priceStep(from: PlanPrice, to: PlanPrice): 'up' | 'down' | 'level' {
  if (from.currency !== to.currency || familyOf(from) === familyOf(to)) return 'level';
  const difference = subtract(monthlyPriceOf(to), monthlyPriceOf(from)).amount;
  return difference > 0 ? 'up' : difference < 0 ? 'down' : 'level';
}

function isPaidMonthly(plan: PlanPrice): boolean {
  return plan.interval === 'month' && plan.intervalCount === 1;
}

function isPaidLike(a: PlanPrice, b: PlanPrice): boolean {
  const sameInterval =
    intervalMonths(a.interval, a.intervalCount) === intervalMonths(b.interval, b.intervalCount);
  return sameInterval && a.currency === b.currency;
}
