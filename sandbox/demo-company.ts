/** What the sandbox sells and to whom: a small price list and two customers, to have something to look at. */

export interface DemoPlan {
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  readonly currency: 'usd';
  /** Cents per interval. */
  readonly amount: number;
  readonly interval: 'month' | 'year';
  readonly limits: Record<
    'referred_users' | 'campaigns' | 'seats' | 'leaderboard_entries' | 'email_sends',
    number | null
  >;
  readonly features: string[];
  readonly metadata: Record<string, string>;
  readonly sort_order: number;
}

const limits = (
  referred_users: number | null,
  campaigns: number | null,
  seats: number | null,
  leaderboard_entries: number | null,
  email_sends: number | null,
): DemoPlan['limits'] => ({ referred_users, campaigns, seats, leaderboard_entries, email_sends });

const FREE = { limits: limits(100, 1, 1, 10, 500), features: ['referral_links', 'basic_analytics'] };
const STARTER = {
  limits: limits(1_000, 5, 3, 50, 10_000),
  features: [...FREE.features, 'custom_branding', 'email_campaigns'],
};
const PRO = {
  limits: limits(10_000, 25, 10, 250, 100_000),
  features: [...STARTER.features, 'ab_testing', 'webhooks', 'api_access'],
};
const SCALE = {
  limits: limits(100_000, null, 50, 1_000, 1_000_000),
  features: [...PRO.features, 'sso', 'audit_log', 'priority_support'],
};

function plan(
  slug: string,
  name: string,
  description: string,
  dollars: number,
  interval: 'month' | 'year',
  sort_order: number,
  offer: Pick<DemoPlan, 'limits' | 'features'>,
  metadata: Record<string, string> = {},
): DemoPlan {
  return {
    slug,
    name,
    description,
    currency: 'usd',
    amount: dollars * 100,
    interval,
    sort_order,
    ...offer,
    metadata,
  };
}

/** Public plans; yearly ones cost ten months. */
export const DEMO_PLANS: readonly DemoPlan[] = [
  plan('free', 'Free', 'Try referrals with your first hundred users.', 0, 'month', 10, FREE),
  plan('starter', 'Starter', 'For teams running their first programmes.', 29, 'month', 20, STARTER),
  plan('starter-yearly', 'Starter', 'For teams running their first programmes.', 290, 'year', 21, STARTER),
  plan('pro', 'Pro', 'Growing companies with several campaigns.', 99, 'month', 30, PRO, { popular: 'true' }),
  plan('pro-yearly', 'Pro', 'Growing companies with several campaigns.', 990, 'year', 31, PRO),
  plan('scale', 'Scale', 'Large audiences, single sign-on and support.', 299, 'month', 40, SCALE),
  plan('scale-yearly', 'Scale', 'Large audiences, single sign-on and support.', 2_990, 'year', 41, SCALE),
];

/** Sold to one customer alone; to everybody else it does not exist. */
export const ENTERPRISE_PLAN: DemoPlan = plan(
  'acme-enterprise',
  'Acme Enterprise',
  'Made for Acme Rockets: everything unlimited.',
  1_500,
  'month',
  50,
  { limits: limits(null, null, null, null, null), features: SCALE.features },
);

export interface DemoTenant {
  readonly name: string;
  /** The first contact, who gets the mail. */
  readonly email: string;
  readonly enterprise: boolean;
}

export const DEMO_TENANTS: readonly DemoTenant[] = [
  { name: 'Acme Rockets', email: 'owner@acme-rockets.example', enterprise: true },
  { name: 'Blue Bicycle Co.', email: 'owner@blue-bicycle.example', enterprise: false },
];
