import { Period } from './period';
import { PlanFacts, RateLimit } from './plan-facts';
import { PlanLimits, mergeLimits } from './plan-limits';
import { BillingStatus, PauseMode, givesAccess } from './subscription-status';
import { TrialFacts, trialState } from './trial';
import { usageMonthOf } from './usage-period';

/** Why a tenant may use what it may use. `free` is the free plan, chosen or fallen back to. */
export type EntitlementSource = 'subscription' | 'trial' | 'free' | 'none';

/** What a tenant may use. */
export interface Allowance {
  readonly source: EntitlementSource;
  readonly plan_id: string | null;
  readonly limits: PlanLimits;
  /** Percent past the limit that still passes, by metric; the main plan's. */
  readonly limit_grace: Readonly<Record<string, number>>;
  /** Union over the plan and all add-ons, sorted (decisions 28). */
  readonly features: string[];
  /** The main plan's; add-ons bring none. */
  readonly rate_limit: RateLimit | null;
}

/** A tenant's effective entitlements, as the entitlements row keeps them. */
export interface Entitlements extends Allowance {
  /** Monthly slices count from here; null = calendar months in UTC. */
  readonly anchor: Date | null;
  /** The usage month that contains the moment of resolving. */
  readonly period: Period;
  /** From this moment on the fallback counts, whether a job has run or not; null = no end in sight. */
  readonly valid_until: Date | null;
  readonly fallback: Allowance | null;
}

/** What holds at one moment. */
export interface CurrentEntitlements extends Allowance {
  /** Monthly slices count from here; null = calendar months in UTC. */
  readonly anchor: Date | null;
  readonly period: Period;
}

/** The facts that decide; plan rows stand for themselves. */
export interface EntitlementFacts {
  readonly tenant: { readonly trial: TrialFacts };
  /** The tenant's live billing row; null when there was never one. */
  readonly billing: {
    readonly status: BillingStatus;
    readonly pauseMode: PauseMode | null;
    /**
     * Stripe's `billing_cycle_anchor`, not the start of the current period: in February that has forgotten
     * that the anchor is the 31st. Null falls back to calendar months.
     */
    readonly anchor: Date | null;
  } | null;
  /** The plan of the billing row; for FREE the free plan that was chosen. */
  readonly plan: PlanFacts | null;
  /** Plans of the subscription's further items. */
  readonly addOns: readonly { readonly plan: PlanFacts; readonly quantity: number }[];
  /** `TRIAL_PLAN_SLUG`; a trial without a plan gives nothing of its own. */
  readonly trialPlan: PlanFacts | null;
  /** `FREE_PLAN_SLUG`; null = tenants without subscription and trial may use nothing. */
  readonly freePlan: PlanFacts | null;
}

function nothing(): Allowance {
  return { source: 'none', plan_id: null, limits: {}, limit_grace: {}, features: [], rate_limit: null };
}

/**
 * What a tenant may use at `now`, and what it falls back to when its trial ends (decisions 24, 28).
 *
 * A purchase with access comes first: ACTIVE, TRIALING in Stripe, PAST_DUE (until the payment guard blocks),
 * PAUSED with access kept. Then our own trial, even over a free plan already chosen, as it gives more. Then
 * the free plan; then nothing. CANCELED, UNPAID and INCOMPLETE subscriptions give nothing themselves.
 */
export function resolveEntitlements(facts: EntitlementFacts, now: Date): Entitlements {
  const { billing } = facts;
  if (billing !== null && billing.status !== 'FREE' && givesAccess(billing.status, billing.pauseMode)) {
    const allowance = allow('subscription', facts.plan, facts.addOns);
    return { ...allowance, anchor: billing.anchor, period: usageMonthOf(billing.anchor, now), ...NO_END };
  }
  const unbought = { anchor: null, period: usageMonthOf(null, now) };
  const without = withoutPurchase(facts);
  const trial = trialState(facts.tenant.trial, now);
  if (trial.active && facts.trialPlan !== null) {
    const fallback = without.source === 'none' ? null : without;
    return { ...allow('trial', facts.trialPlan), ...unbought, valid_until: trial.ends_at, fallback };
  }
  return { ...without, ...unbought, ...NO_END };
}

/**
 * What stored entitlements say at `now`: the stored ones, or past `valid_until` the fallback (nothing, if there
 * is none), with the usage month that contains `now`. Every reader of the row goes through here, so limits
 * follow the time when a trial ends.
 */
export function entitlementsAt(
  stored: Omit<Entitlements, 'period'> & { readonly period?: Period },
  now: Date,
): CurrentEntitlements {
  if (stored.valid_until !== null && stored.valid_until <= now) {
    return { ...nothing(), ...stored.fallback, anchor: null, period: usageMonthOf(null, now) };
  }
  const { source, plan_id, limits, limit_grace, features, rate_limit } = stored;
  return {
    source,
    plan_id,
    limits,
    limit_grace,
    features,
    rate_limit,
    anchor: stored.anchor,
    period: usageMonthOf(stored.anchor, now),
  };
}

const NO_END = { valid_until: null, fallback: null };

/** A free plan the tenant chose, else the configured one, else nothing. */
function withoutPurchase({ billing, plan, addOns, freePlan }: EntitlementFacts): Allowance {
  if (billing?.status === 'FREE' && plan !== null) return allow('free', plan, addOns);
  return freePlan === null ? nothing() : allow('free', freePlan);
}

/** A purchase whose plan we do not know (a price made by hand in Stripe) gives only what its add-ons give. */
function allow(
  source: EntitlementSource,
  plan: PlanFacts | null,
  addOns: EntitlementFacts['addOns'] = [],
): Allowance {
  const bought = addOns.filter(({ quantity }) => quantity > 0);
  const features = [...(plan?.features ?? []), ...bought.flatMap((addOn) => addOn.plan.features)];
  return {
    source,
    plan_id: plan?.id ?? null,
    limits: mergeLimits(
      plan?.limits ?? {},
      bought.map((addOn) => ({ limits: addOn.plan.limits, quantity: addOn.quantity })),
    ),
    limit_grace: plan?.limitGrace ?? {},
    features: [...new Set(features)].sort(),
    rate_limit: plan?.rateLimit ?? null,
  };
}
