import { PlanId } from '../../contracts/ids';
import { Plan } from './plan';

/** A plan for the specs of this folder: 10.00 EUR a month, nothing in it, unless said. */
export function makePlan(fields: Partial<Plan> = {}): Plan {
  return {
    id: '0190a5b0-0000-7000-8000-000000000001' as PlanId,
    name: 'Pro',
    slug: 'pro',
    description: null,
    currency: 'eur',
    amount: 1000,
    interval: 'month',
    intervalCount: 1,
    stripeProductId: null,
    stripePriceId: null,
    formerStripePriceIds: [],
    limits: {},
    limitGrace: {},
    features: [],
    rateLimit: null,
    tenantId: null,
    manualInvoicing: false,
    daysUntilDue: null,
    trialDays: null,
    sortOrder: 0,
    isActive: true,
    metadata: {},
    version: 1,
    createdAt: new Date('2026-01-01T00:00:00Z'),
    updatedAt: new Date('2026-01-01T00:00:00Z'),
    ...fields,
  };
}
