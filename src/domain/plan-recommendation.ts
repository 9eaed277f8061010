import { PlanFacts, byShownOrder, monthlyPriceOf } from './plan-facts';
import { covers, limitOf } from './plan-limits';

/** Room a recommended plan leaves above what the tenant is heading for: 20 % (spec 01). */
export const RECOMMENDED_HEADROOM = 1.2;

/** One plan, and why; the message is for people. */
export interface Recommendation {
  readonly plan_id: string;
  readonly reason: {
    readonly code: 'projected_usage' | 'largest' | 'popular';
    readonly message: string;
  };
}

/**
 * The plan to recommend among those a tenant sees, or null.
 *
 * With projected usage (metric → whole period): the cheapest plan per month whose limits cover it with 20 %
 * headroom; at the same price the one with the shorter commitment. When none covers it, the plan that
 * carries it furthest, and the reason says so. Without: the plan marked popular.
 *
 * Prices compare within one currency only: that of most plans, unless `currency` names the tenant's own.
 */
export function recommendPlan(
  plans: readonly PlanFacts[],
  projectedUsage: Readonly<Record<string, number>> | null,
  currency: string = commonCurrency(plans),
): Recommendation | null {
  if (projectedUsage === null) return recommendPopular(plans);

  const affordable = plans.filter((plan) => plan.currency === currency).sort(byPrice);
  const cheapest = affordable.find((plan) => covers(plan.limits, projectedUsage, RECOMMENDED_HEADROOM));
  if (cheapest !== undefined) {
    return recommend(
      cheapest,
      'projected_usage',
      'The lowest price that covers your usage with 20 % to spare.',
    );
  }
  const largest = furthestReaching(affordable, projectedUsage);
  if (largest === undefined) return null;
  return recommend(
    largest,
    'largest',
    'No plan covers your usage with 20 % to spare; this one carries it furthest.',
  );
}

function recommendPopular(plans: readonly PlanFacts[]): Recommendation | null {
  const popular = plans.filter((plan) => plan.metadata?.['popular'] === 'true').sort(byShownOrder)[0];
  return popular === undefined ? null : recommend(popular, 'popular', 'Chosen most often.');
}

/**
 * The plan whose tightest limit, as a share of the usage, is the widest; equally tight plans are told apart
 * by price, the cheaper first.
 */
function furthestReaching(
  plansByPrice: readonly PlanFacts[],
  usage: Readonly<Record<string, number>>,
): PlanFacts | undefined {
  let furthest: PlanFacts | undefined;
  let furthestReach = -1;
  for (const plan of plansByPrice) {
    const reach = reachOf(plan, usage);
    if (reach > furthestReach) [furthest, furthestReach] = [plan, reach];
  }
  return furthest;
}

/** The share of the usage that the plan carries before its first limit stops it; above 1 is room to spare. */
function reachOf(plan: PlanFacts, usage: Readonly<Record<string, number>>): number {
  const shares = Object.entries(usage)
    .filter(([, used]) => used > 0)
    .map(([metric, used]) => (limitOf(plan.limits, metric) ?? Number.POSITIVE_INFINITY) / used);
  return Math.min(...shares);
}

function byPrice(a: PlanFacts, b: PlanFacts): number {
  const perMonth = monthlyPriceOf(a).amount - monthlyPriceOf(b).amount;
  const commitment = a.amount - b.amount; // at the same price per month the longer term is the larger amount
  return perMonth || commitment || byShownOrder(a, b);
}

/** The currency most plans are priced in; at a tie the one shown first. */
function commonCurrency(plans: readonly PlanFacts[]): string {
  const counts = new Map<string, number>();
  for (const plan of [...plans].sort(byShownOrder)) {
    counts.set(plan.currency, (counts.get(plan.currency) ?? 0) + 1);
  }
  const mostFirst = [...counts].sort(([, a], [, b]) => b - a); // stable: a tie keeps the shown order
  return mostFirst[0]?.[0] ?? '';
}

function recommend(plan: PlanFacts, code: Recommendation['reason']['code'], message: string): Recommendation {
  return { plan_id: plan.id, reason: { code, message } };
}
