import { PlanId, StripePriceId, StripeProductId, TenantId } from '../../contracts/ids';
import { BillingInterval } from '../../domain/period';
import { PlanFacts, RateLimit } from '../../domain/plan-facts';
import { LimitGrace, PlanLimits } from '../../domain/plan-limits';

/** What is sold: public, or enterprise, which is owned by one tenant and does not exist for the others. */
export interface Plan extends PlanFacts {
  readonly id: PlanId;
  readonly name: string;
  /** Unique among the public plans, and among those of one tenant. */
  readonly slug: string;
  readonly description: string | null;
  /** Lower-case ISO 4217. */
  readonly currency: string;
  /** Minor units per interval; 0 is a free plan. */
  readonly amount: number;
  readonly interval: BillingInterval;
  readonly intervalCount: number;
  readonly stripeProductId: StripeProductId | null;
  readonly stripePriceId: StripePriceId | null;
  /** Prices this plan was sold at before; their subscribers keep them and stay on this plan. */
  readonly formerStripePriceIds: readonly StripePriceId[];
  readonly limits: PlanLimits;
  readonly limitGrace: LimitGrace;
  readonly features: readonly string[];
  readonly rateLimit: RateLimit | null;
  /** Null for public plans. */
  readonly tenantId: TenantId | null;
  /** Invoices are sent to be paid within `daysUntilDue`, instead of charging a card. */
  readonly manualInvoicing: boolean;
  readonly daysUntilDue: number | null;
  /** Days of trial at the first purchase; null = none of its own. */
  readonly trialDays: number | null;
  readonly sortOrder: number;
  readonly isActive: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The parts of a plan that a Stripe price fixes for ever. */
export function sameCommercialTerms(a: Plan, b: Plan): boolean {
  return (
    a.currency === b.currency &&
    a.amount === b.amount &&
    a.interval === b.interval &&
    a.intervalCount === b.intervalCount
  );
}

/** Names the shelf a plan stands on: slugs are unique on it, and edits of one shelf wait for each other. */
export function shelfOf(tenantId: TenantId | null): string {
  return tenantId ?? 'public';
}
