import type { OpenAPIObject } from '@nestjs/swagger';
import { STRIPE_EVENT_EXAMPLES } from './stripe-event-examples';
import { SUBSCRIPTION_EXAMPLES } from './subscription-examples';
import { USAGE_EXAMPLES } from './usage-examples';

const TENANT = '019aa5b0-6c00-7d3e-9a51-2f64c81b7e02';
const PRO = '019aa5b0-7d10-7b42-8c9f-51d0e6a9b310';
const TEAM = '019aa5b0-7d11-7f08-a2c4-0b6f3d8e4c55';
const SEEN = '2026-11-21T09:30:00.000Z';

const PAGE_END = { has_more: false, next_cursor: null };

const TRIAL = {
  active: true,
  days_left: 12,
  started_at: '2026-11-19T09:30:00.000Z',
  ends_at: '2026-12-03T09:30:00.000Z',
};

const PLAN = {
  name: 'Pro',
  slug: 'pro-monthly',
  description: 'For growing teams',
  currency: 'usd',
  amount: 4900,
  interval: 'month',
  interval_count: 1,
};

const TENANT_VIEW = {
  id: TENANT,
  name: 'Acme',
  email: 'billing@acme.example',
  locale: 'en',
  status: 'ACTIVE',
  status_reason: null,
  status_until: null,
  payment_status: 'NONE',
  payment_failed_at: null,
  grace_until: null,
  trial: { ...TRIAL, converted_at: null },
  confirmed_at: null,
  suspended_at: null,
  locked_at: null,
  deletion_scheduled_at: null,
  deletion_due_at: null,
  stripe_customer_id: null,
  metadata: { crm_id: '4711' },
  version: 1,
  created_at: SEEN,
  updated_at: SEEN,
};

const PLAN_VIEW = {
  id: PRO,
  ...PLAN,
  stripe_product_id: 'prod_Example',
  stripe_price_id: 'price_Example',
  limits: { campaigns: 10, seats: 5, referred_users: null },
  limit_grace: { campaigns: 10 },
  features: ['reports'],
  rate_limit: { per_second: 10, burst: 20, per_day: null },
  tenant_id: null,
  manual_invoicing: false,
  days_until_due: null,
  trial_days: 14,
  sort_order: 10,
  is_active: true,
  metadata: { popular: 'true' },
  version: 1,
  created_at: SEEN,
  updated_at: SEEN,
};

const STANDING = {
  metric: 'campaigns',
  limit: 10,
  current_usage: 3,
  reserved: 0,
  remaining: 7,
  grace_limit: 11,
  over_limit: false,
  source: 'subscription',
  resets_at: null,
};

const OVERRIDE = {
  metric: 'campaigns',
  limit: 25,
  reason: 'Agreed with sales until the new contract',
  expires_at: '2027-01-31T00:00:00.000Z',
  expired: false,
  plan_limit: 10,
  created_at: SEEN,
  updated_at: SEEN,
};

const KEY_VIEW = {
  id: '019aa5b0-9e20-7c31-b7d2-64a1f09c8e77',
  name: 'Back end',
  kind: 'tenant',
  status: 'active',
  tenant_id: TENANT,
  tenant_ids: null,
  scopes: ['billing:read', 'billing:write', 'plans:read'],
  public_id: 'k3v9w2m8q7xz',
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
  created_at: SEEN,
};

const OFFER = {
  id: PRO,
  ...PLAN,
  trial_days: 14,
  manual_invoicing: false,
  is_enterprise: false,
  sort_order: 10,
  limits: { campaigns: 10, seats: 5, referred_users: null },
  features: ['reports'],
  rate_limit: null,
  monthly_equivalent_amount: 4900,
  annual_savings: null,
  recommended: true,
  recommendation_reason: { code: 'popular', message: 'Chosen most often.' },
  comparison: {
    features: [{ feature: 'reports', included: true }],
    next_plan: {
      plan_id: TEAM,
      name: 'Team',
      amount_difference: 5000,
      added_features: ['sso'],
      raised_limits: [{ metric: 'seats', from: 5, to: 25 }],
    },
  },
};

const SUBSCRIPTION = {
  tenant_id: TENANT,
  id: '019aa5b0-af31-7a60-9d14-c8e2b7f05a19',
  status: 'ACTIVE',
  plan: {
    id: PRO,
    name: 'Pro',
    slug: 'pro-monthly',
    amount: 4900,
    currency: 'usd',
    interval: 'month',
    interval_count: 1,
  },
  quantity: 1,
  currency: 'usd',
  current_period_start: SEEN,
  current_period_end: '2026-12-21T09:30:00.000Z',
  trial_end: null,
  cancel_at_period_end: false,
  cancel_at: null,
  canceled_at: null,
  ended_at: null,
  cancellation_reason: null,
  cancellation_feedback: null,
  paused_at: null,
  pause_resumes_at: null,
  pending_change: null,
  stripe_subscription_id: 'sub_Example',
  billing_mode: 'flexible',
  items: [
    {
      id: 'si_Example',
      plan_id: PRO,
      product_id: 'prod_Example',
      price_id: 'price_Example',
      quantity: 1,
      is_metered: false,
      meter_id: null,
      current_period_start: SEEN,
      current_period_end: '2026-12-21T09:30:00.000Z',
    },
  ],
};

/** One of each main request and answer, by schema; a test holds every one against its schema. */
const EXAMPLES: Record<string, object> = {
  CreateTenantDto: {
    name: 'Acme',
    email: 'billing@acme.example',
    locale: 'en',
    metadata: { crm_id: '4711' },
    contacts: [{ email: 'finance@acme.example', name: 'Finance', role: 'billing' }],
  },
  ChangeTenantDto: { name: 'Acme Ltd' },
  TenantDetailView: {
    ...TENANT_VIEW,
    contacts: [
      {
        id: '019aa5b0-6c01-7e90-8f3a-70b5d2c4e6a1',
        email: 'billing@acme.example',
        name: null,
        role: 'owner',
        locale: 'en',
      },
    ],
  },
  TenantPage: { data: [TENANT_VIEW], ...PAGE_END },
  CreatePlanDto: {
    ...PLAN,
    limits: { campaigns: 10, seats: 5, referred_users: null },
    features: ['reports'],
    trial_days: 14,
    metadata: { popular: 'true' },
  },
  UpdatePlanDto: { ...PLAN, limits: { campaigns: 20, seats: 5 }, features: ['reports', 'sso'], version: 1 },
  PlanView: PLAN_VIEW,
  PlanPage: { data: [PLAN_VIEW], ...PAGE_END },
  PlanSyncRunView: {
    id: '019aa5b0-c042-7b15-8e67-1d9a4f3c2b80',
    status: 'succeeded',
    trigger: 'manual',
    requested_at: SEEN,
    started_at: SEEN,
    finished_at: '2026-11-21T09:30:02.000Z',
    error: null,
    report: {
      trigger: 'manual',
      duration_ms: 1840,
      pulled: { products: 3, prices: 5 },
      created: 1,
      updated: 0,
      unchanged: 3,
      deactivated: 0,
      skipped: [{ price_id: 'price_OneTime', reason: 'one_time' }],
      errors: [],
    },
  },
  IssueApiKeyDto: { name: 'Back end', kind: 'tenant', tenant_id: TENANT },
  IssuedApiKeyView: { ...KEY_VIEW, secret: 'the whole key, shown once' },
  ApiKeyView: KEY_VIEW,
  ApiKeyPage: { data: [KEY_VIEW], ...PAGE_END },
  OfferedPlanView: OFFER,
  PlanCatalogView: {
    data: [OFFER],
    comparison: {
      features: [{ feature: 'reports', plans: { [PRO]: true } }],
      limits: [{ metric: 'seats', plans: { [PRO]: 5 } }],
    },
    ...PAGE_END,
  },
  OpenCheckoutDto: {
    plan_id: PRO,
    quantity: 1,
    success_url: 'https://app.acme.example/billing/done',
    cancel_url: 'https://app.acme.example/billing',
    user_id: 'user-17',
  },
  CheckoutView: {
    id: 'cs_test_Example',
    url: 'https://checkout.stripe.com/c/pay/cs_test_Example',
    expires_at: '2026-11-22T09:29:00.000Z',
    status: 'open',
    plan_id: PRO,
  },
  SubscriptionView: {
    ...SUBSCRIPTION,
    entitlements: {
      source: 'subscription',
      plan_id: PRO,
      limits: { campaigns: 10, seats: 5, referred_users: null },
      features: ['reports'],
      period: { start: SEEN, end: '2026-12-21T09:30:00.000Z' },
    },
    trial: { ...TRIAL, active: false, days_left: 0 },
    payment_status: 'PAID',
    grace_until: null,
    usage: [{ metric: 'campaigns', used: 3, limit: 10, percent: 30 }],
    next_invoice: {
      amount: 4900,
      currency: 'usd',
      due_at: '2026-12-21T09:30:00.000Z',
      includes_metered: false,
      estimate: true,
    },
    stripe: { status: 'active', as_of: SEEN, stale: false },
  },
  LimitCheckDto: { metric: 'campaigns', count: 1 },
  LimitCheckView: { allowed: true, reason: 'ok', ...STANDING },
  LimitValidationDto: { metrics: { campaigns: 2, seats: 1 }, plan_id: TEAM },
  LimitValidationView: {
    allowed: true,
    plan_id: null,
    metrics: [{ allowed: true, reason: 'ok', ...STANDING }],
  },
  PlanLimitsView: {
    plan_id: PRO,
    source: 'subscription',
    period: { start: SEEN, end: '2026-12-21T09:30:00.000Z' },
    limits: [{ ...STANDING, kind: 'gauge', unit: 'campaigns', plan_limit: 10, override_expires_at: null }],
  },
  FeatureAccessView: { feature: 'reports', allowed: true, plan_id: PRO, source: 'subscription' },
  SetLimitOverrideDto: {
    limit: 25,
    reason: 'Agreed with sales until the new contract',
    expires_at: '2027-01-31T00:00:00Z',
  },
  LimitOverrideView: OVERRIDE,
  LimitOverridesView: { data: [OVERRIDE] },
  ...SUBSCRIPTION_EXAMPLES,
  ...USAGE_EXAMPLES,
  ...STRIPE_EVENT_EXAMPLES,
  AdvanceClockDto: { advance: 'P14D' },
  ClockView: { now: '2026-12-05T09:30:00.000Z', ahead_ms: 1209600000 },
  JourneyView: {
    from: '2026-11-21T09:30:00.000Z',
    now: '2026-12-05T09:30:00.000Z',
    steps: 3,
    fired: [{ at: '2026-12-01T09:30:00.000Z', what: 'subscription.renew', object: 'sub_Example' }],
    jobs: { 'usage.close': 3 },
  },
  EventPage: {
    data: [
      {
        id: '019aa5b0-d153-7f74-b0c8-9e2d6a1f5b34',
        type: 'subscription.created',
        tenant_id: TENANT,
        sequence: 4,
        occurred_at: SEEN,
        api_version: '2026-11-01',
        data: SUBSCRIPTION,
        previous: null,
      },
    ],
    ...PAGE_END,
  },
  InboxReceipt: { received: true, result: 'stored' },
  LivenessView: { status: 'ok' },
  ReadinessView: { status: 'ok', database: 'ok', redis: 'ok', database_role: 'separate' },
  Problem: {
    type: 'urn:tenant-billing:error:validation_failed',
    title: 'Validation failed',
    status: 400,
    detail: 'Correct the fields named in errors and send the request again.',
    code: 'validation_failed',
    request_id: '0b9d3f6e-52a8-4c17-8e40-7f1c2d95ab63',
    errors: [{ pointer: '/plan_id', code: 'not_uuid', message: 'plan_id must be a UUID' }],
  },
};

/**
 * Puts each example on its schema.
 * @throws Error for an example whose schema is no longer there
 */
export function addExamples(document: OpenAPIObject): void {
  const schemas = document.components?.schemas ?? {};
  for (const [name, example] of Object.entries(EXAMPLES)) {
    const schema = schemas[name];
    if (!schema || '$ref' in schema) throw new Error(`No schema ${name} for its example`);
    schema.example = example;
  }
}
