import { PlanFacts } from './plan-facts';

/** A plan for the specs of this folder: 10.00 EUR a month, nothing in it, unless said. */
export function makePlan(facts: Partial<PlanFacts> & { id: string }): PlanFacts {
  return {
    name: facts.id,
    slug: facts.id,
    currency: 'eur',
    amount: 1000,
    interval: 'month',
    intervalCount: 1,
    metadata: null,
    stripeProductId: null,
    limits: {},
    features: [],
    rateLimit: null,
    sortOrder: 0,
    ...facts,
  };
}
