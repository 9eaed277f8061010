import { PlanId } from '../../contracts/ids';
import { Plan } from './plan';

/**
 * Port to those who know which tenants are on a plan: subscriptions and entitlements stand above plans in the
 * module graph, so they come to us. Implemented and provided globally by modules/billing.
 */
export abstract class PlanUsage {
  /** Tenants that are on the plan now: by a live subscription, a free plan or a trial's fallback. */
  abstract tenantsOnAcrossTenants(planId: PlanId): Promise<number>;

  /**
   * Moves the tenants that are on the plan without a Stripe subscription to another plan.
   * @throws BillingError state_conflict or plan_in_use, having moved nobody, when some have a subscription
   */
  abstract move(planId: PlanId, replacement: Plan): Promise<void>;
}
