/** The chapters of the document: what a route is for, in the order a reader meets them. */
export const TAGS = {
  Plans: 'What may be bought: for everybody, and with a credential also the tenant’s own plans.',
  Subscription: 'What a tenant has bought, may use and begins to buy.',
  Payments: 'How a tenant pays, what it was charged, and what it owes.',
  'Admin: subscriptions': 'What tenants have bought, changed by operators.',
  Usage: 'How much a tenant uses: recorded, held, corrected and read back.',
  Limits: 'What a tenant may use, and whether it may use more.',
  Events: 'What happened to a tenant, in order, for consumers that catch up.',
  'API keys': 'Credentials: issued by operators, shown without their secrets.',
  'Admin: plans': 'What is sold, for operators.',
  Tenants: 'The customers, for operators.',
  'Stripe webhook': 'Where Stripe delivers.',
  'Admin: Stripe events': 'What Stripe told us, what became of it, and what never arrived.',
  Sandbox: 'Time travel; these routes exist beside the sandbox only.',
  Health: 'For orchestrators, load balancers and Prometheus.',
  Documents: 'The API about itself.',
} as const satisfies Record<string, string>;
