/** A small price list and subscriptions, in the service's shapes, for the tests of the pages. */

const FREE_FEATURES = ['referral_links'];
const STARTER_FEATURES = [...FREE_FEATURES, 'custom_branding', 'api_access'];
const PRO_FEATURES = [...STARTER_FEATURES, 'advanced_analytics', 'sso'];

/** Overrides of one plan's fields. */
type PlanFields = Record<string, unknown> & { id: string; name: string; slug: string; amount: number };

/** One plan as `GET /v1/plans` lists it. */
export function plan(fields: PlanFields) {
  return {
    description: null,
    currency: 'USD',
    interval: 'month',
    interval_count: 1,
    trial_days: null as number | null,
    manual_invoicing: false,
    is_enterprise: false,
    sort_order: 0,
    limits: {} as Record<string, number | null>,
    features: [] as string[],
    rate_limit: null,
    monthly_equivalent_amount: fields.interval === 'year' ? Math.round(fields.amount / 12) : fields.amount,
    annual_savings: null,
    recommended: false,
    recommendation_reason: null,
    comparison: { features: [], next_plan: null },
    ...fields,
  };
}

type PlanFacts = ReturnType<typeof plan>;

export const free = plan({
  id: 'plan-free',
  name: 'Free',
  slug: 'free',
  amount: 0,
  limits: { seats: 1, email_sends: 500 },
  features: FREE_FEATURES,
  comparison: { features: [], next_plan: nextUp('plan-starter', 'Starter') },
});

export const starter = plan({
  id: 'plan-starter',
  name: 'Starter',
  slug: 'starter',
  amount: 2900,
  sort_order: 1,
  limits: { seats: 3, email_sends: 5000 },
  features: STARTER_FEATURES,
  comparison: { features: [], next_plan: nextUp('plan-pro', 'Pro') },
});

export const starterYearly = plan({
  ...starter,
  id: 'plan-starter-yearly',
  slug: 'starter-yearly',
  amount: 29000,
  interval: 'year',
  monthly_equivalent_amount: 2417,
  annual_savings: { amount: 5800, percent: 16.7, monthly_plan_id: 'plan-starter' },
  comparison: { features: [], next_plan: nextUp('plan-pro-yearly', 'Pro') },
});

export const pro = plan({
  id: 'plan-pro',
  name: 'Pro',
  slug: 'pro',
  amount: 9900,
  sort_order: 2,
  limits: { seats: 10, email_sends: null },
  features: PRO_FEATURES,
  recommended: true,
  recommendation_reason: { code: 'popular', message: 'Chosen by most teams' },
});

export const proYearly = plan({
  ...pro,
  id: 'plan-pro-yearly',
  slug: 'pro-yearly',
  amount: 99000,
  interval: 'year',
  monthly_equivalent_amount: 8250,
  annual_savings: { amount: 19800, percent: 16.7, monthly_plan_id: 'plan-pro' },
  recommended: false,
  recommendation_reason: null,
});

export const enterprise = plan({
  id: 'plan-enterprise',
  name: 'Acme Rockets',
  slug: 'acme-rockets',
  amount: 250000,
  sort_order: 9,
  is_enterprise: true,
  manual_invoicing: true,
  limits: { seats: null, email_sends: null },
  features: PRO_FEATURES,
});

export const publicPlans = [free, starter, starterYearly, pro, proYearly];

/** The answer of `GET /v1/plans` with these plans, its matrix included. */
export function priceList(plans: PlanFacts[]) {
  const features = [...new Set(plans.flatMap((one) => one.features))];
  const metrics = [...new Set(plans.flatMap((one) => Object.keys(one.limits)))];
  const perPlan = <T>(value: (one: PlanFacts) => T) =>
    Object.fromEntries(plans.map((one) => [one.id, value(one)]));
  return {
    data: plans,
    comparison: {
      features: features.map((feature) => ({
        feature,
        plans: perPlan((one) => one.features.includes(feature)),
      })),
      limits: metrics.map((metric) => ({ metric, plans: perPlan((one) => one.limits[metric] ?? null) })),
    },
    has_more: false,
    next_cursor: null,
  };
}

/** The answer of `GET /v1/billings/subscription`; without fields, of a tenant that has nothing yet. */
export function subscription(fields: Record<string, unknown> = {}) {
  return {
    tenant_id: 'b9a7a1c2-0000-4000-8000-000000000001',
    status: 'NONE',
    plan: null,
    quantity: 1,
    current_period_start: null,
    current_period_end: null,
    cancel_at_period_end: false,
    trial: { active: false, started_at: null, ends_at: null, days_left: null },
    payment_status: 'NONE',
    grace_until: null,
    usage: [],
    items: [],
    next_invoice: null,
    stripe_subscription_id: null as string | null,
    stripe: { status: null, as_of: null, stale: false },
    ...fields,
  };
}

/** A tenant in the service's own trial of a plan: it has bought nothing, and Stripe knows no subscription. */
export const ownTrialOf = (one: PlanFacts) =>
  subscription({
    plan: one,
    trial: {
      active: true,
      started_at: '2026-11-20T00:00:00Z',
      ends_at: '2026-12-04T00:00:00Z',
      days_left: 13,
    },
  });

/** A tenant that has bought a plan. */
export const activeOn = (one: PlanFacts) =>
  subscription({
    status: 'ACTIVE',
    plan: one,
    current_period_end: '2026-12-21T12:00:00Z',
    payment_status: 'PAID',
    stripe_subscription_id: 'sub_1',
    stripe: { status: 'active', as_of: '2026-11-21T12:00:00Z', stale: false },
  });

function nextUp(planId: string, name: string) {
  return { plan_id: planId, name, amount_difference: 0, added_features: [], raised_limits: [] };
}
