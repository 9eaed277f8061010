import type { EntitlementSource } from './entitlements';
import { BillingStatus, PaymentStatus, PauseMode, Standing, standing } from './subscription-status';

/** The tenant's purchase, as far as its standing needs it. */
export interface PurchaseFacts {
  readonly status: BillingStatus;
  readonly pauseMode: PauseMode | null;
}

/**
 * How a tenant stands, in four words (decisions 27). Our own trial has no subscription, and a tenant whose purchase
 * gives no access may live on the free plan: then the debt of the purchase still shows, its end does not.
 * @param source what the tenant's entitlements come from now
 * @param bought its subscription; null when nothing was bought or chosen
 */
export function tenantStanding(source: EntitlementSource, bought: PurchaseFacts | null): Standing {
  const own = bought === null ? 'canceled' : standing(bought.status, bought.pauseMode);
  if (source === 'trial') return 'trial';
  if (source === 'free') return own === 'past_due' ? 'past_due' : 'active';
  return own;
}

/** Where a tenant stands with its money. */
export interface PaymentFacts {
  readonly paymentStatus: PaymentStatus;
  readonly graceUntil: Date | null;
}

/** in_grace: a payment failed and there is time to mend it. overdue: the time is over, or the invoice was given up. */
export type PaymentStanding = 'good' | 'in_grace' | 'overdue';

/** Time alone ends the grace; the job that writes OVERDUE only tidies up. */
export function paymentStanding({ paymentStatus, graceUntil }: PaymentFacts, now: Date): PaymentStanding {
  if (paymentStatus === 'OVERDUE' || paymentStatus === 'FAILED') return 'overdue';
  if (paymentStatus !== 'PAST_DUE') return 'good';
  return graceUntil !== null && graceUntil <= now ? 'overdue' : 'in_grace';
}

/** The status of a tenant that owes, by time: PAST_DUE with its grace over is OVERDUE. Null for one that owes nothing. */
export function owingStatus(facts: PaymentFacts, now: Date): 'PAST_DUE' | 'OVERDUE' | 'FAILED' | null {
  const standing = paymentStanding(facts, now);
  if (standing === 'good') return null;
  if (standing === 'in_grace') return 'PAST_DUE';
  return facts.paymentStatus === 'FAILED' ? 'FAILED' : 'OVERDUE';
}
