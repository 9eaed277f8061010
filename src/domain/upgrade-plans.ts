import { compareDecimals, parseDecimal } from './decimal';
import { byShownOrder, monthlyPriceOf, PlanFacts } from './plan-facts';
import { limitOf } from './plan-limits';

const MOST_SUGGESTIONS = 3;

/** Plans from the cheapest per month to the dearest; among equals in the order they are shown. */
export function cheapestFirst<P extends PlanFacts>(plans: readonly P[]): P[] {
  return plans
    .map((plan) => ({ plan, monthly: monthlyPriceOf(plan).amount }))
    .sort((a, b) => a.monthly - b.monthly || byShownOrder(a.plan, b.plan))
    .map(({ plan }) => plan);
}

/** Whether the plan's limit for the metric leaves room for so much; `needed` is a decimal text. */
export function planCovers(plan: Pick<PlanFacts, 'limits'>, metric: string, needed: string): boolean {
  const limit = limitOf(plan.limits, metric);
  return limit === null || compareDecimals(parseDecimal(needed, 38), parseDecimal(String(limit), 0)) <= 0;
}

/**
 * At most three plans that would help, the cheapest first. Prices of two currencies cannot be compared: those in
 * the currency of the current plan come first.
 * @param plans from the cheapest to the dearest
 * @param helps whether a plan allows what was refused
 */
export function upgradePlans<P extends PlanFacts>(
  plans: readonly P[],
  currentPlanId: string | null,
  helps: (plan: P) => boolean,
): P[] {
  const currency = plans.find(({ id }) => id === currentPlanId)?.currency;
  const helpful = plans.filter((plan) => plan.id !== currentPlanId && helps(plan));
  if (currency === undefined) return helpful.slice(0, MOST_SUGGESTIONS);
  const [same, other] = [true, false].map((isSame) =>
    helpful.filter((plan) => (plan.currency === currency) === isSame),
  ) as [P[], P[]];
  return [...same, ...other].slice(0, MOST_SUGGESTIONS);
}
