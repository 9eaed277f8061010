import type Stripe from 'stripe';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster, ClusterTenant } from './cluster';
import { forEachOf } from './parallel';
import { Findings, percentile, type Report, type Scenario, type Size } from './scenario';

const SIZES = {
  short: { tenants: 12, clients: 6, kills: 2 },
  long: { tenants: 300, clients: 16, kills: 20 },
};
const FAULTS = { cut_after_execute: 0.3, status: { '429': 0.1, '409': 0.05, '500': 0.05 }, seed: 15 };
const MOST_WAIT_MS = 10_000;
const SETTLED_WITHIN_SECONDS = 60;

/** what we write to Stripe exists once, and in the end we know of it. */
export const r15: Scenario = {
  id: 'R-15',
  title: 'purchases while Stripe loses 30 % of its answers and refuses 20 %, and processes are killed',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const shared = await cluster.makePlan();
  const tenants = await cluster.makeTenants(plan.tenants);
  // Every third is invoiced: then the subscription itself is what we make.
  const plans: string[] = [];
  for (const [at, { id }] of tenants.entries())
    plans.push(
      at % 3 === 0 ? (await cluster.makePlan({ manual_invoicing: true, tenant_id: id })).id : shared.id,
    );

  const client = cluster.client({ timeoutMs: 20_000 });
  const waits: number[] = [];
  cluster.stripe.setFaults(FAULTS);
  const buying = forEachOf(tenants, plan.clients, async (tenant, at) => {
    const call = {
      method: 'POST',
      path: '/v1/billings/subscription/checkout',
      key: tenant.key,
      body: { plan_id: plans[at] },
    };
    // Half of them give up after the first answer: what that left open is the janitor's.
    for (let attempt = 0; attempt < (at % 2 === 0 ? 1 : 5); attempt += 1) {
      const began = performance.now();
      const { attempt: outcome } = await client.attempt(call, (at + attempt) % cluster.replicas.length);
      waits.push(performance.now() - began);
      if (outcome.outcome === 'answered') return;
    }
  });
  for (let kill = 0; kill < plan.kills; kill += 1) {
    await pause(size === 'long' ? 2000 : 700);
    await cluster.killAndRestart(kill % cluster.replicas.length);
  }
  await buying;

  await cluster.until('no unknown outcome', async () => (await unknowns(cluster)) === 0, 120_000);
  cluster.stripe.setFaults({});
  await cluster.untilInboxIsEmpty();

  findings.note('tenants', plan.tenants);
  findings.note('kills', plan.kills);
  findings.note('wait_p50_ms', Math.round(percentile(waits, 0.5)));
  findings.mustBeAtMost('wait_max_ms', Math.round(Math.max(...waits)), MOST_WAIT_MS);
  findings.mustBeAtMost('settled_within_seconds', await slowestOutcome(cluster), SETTLED_WITHIN_SECONDS);
  countObjects(cluster, tenants, findings);
  findings.must('customers_unknown_here', await unknownCustomers(cluster, tenants), 0);
  findings.client(client, cluster);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}

/** Writes to Stripe whose outcome nobody knows. */
async function unknowns(cluster: Cluster): Promise<number> {
  const [row] = await cluster.postgres.rows<{ n: string }>(
    `select (select count(*) from stripe_operations where state in ('pending', 'unknown'))
          + (select count(*) from checkout_sessions where state = 'creating') as n`,
  );
  return Number(row!.n);
}

/** Seconds from the wish to the known outcome, of the write that took longest; kills and retries included. */
async function slowestOutcome(cluster: Cluster): Promise<number> {
  const [row] = await cluster.postgres.rows<{ seconds: string }>(
    `select max(seconds) as seconds from (
       select extract(epoch from updated_at - started_at) as seconds from stripe_operations
        where state = 'succeeded' and tenant_id <> $1
       union all
       select extract(epoch from updated_at - created_at) from checkout_sessions where state = 'open') as outcomes`,
    ['00000000-0000-0000-0000-000000000000'],
  );
  return Math.ceil(Number(row!.seconds));
}

function countObjects(cluster: Cluster, tenants: readonly ClusterTenant[], findings: Findings): void {
  const perTenant = <T>(type: string, ownerOf: (object: T) => string | undefined): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const object of cluster.stripe.objects(type) as T[]) {
      const owner = ownerOf(object);
      if (owner) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
    return counts;
  };
  const customers = perTenant<Stripe.Customer>('customer', (one) => one.metadata?.tenantId);
  const subscriptions = perTenant<Stripe.Subscription>('subscription', (one) => one.metadata.tenantId);
  const sessions = perTenant<Stripe.Checkout.Session>('checkout.session', (one) =>
    one.status === 'open' ? one.metadata?.tenantId : undefined,
  );
  const over = (counts: Map<string, number>): number =>
    tenants.filter(({ id }) => (counts.get(id) ?? 0) > 1).length;
  findings.note('customers', tenants.filter(({ id }) => customers.has(id)).length);
  findings.must('doubled_customers', over(customers), 0);
  findings.must('doubled_subscriptions', over(subscriptions), 0);
  findings.must('doubled_sessions', over(sessions), 0);
}

/** Customers that Stripe made and our tenants do not know of. */
async function unknownCustomers(cluster: Cluster, tenants: readonly ClusterTenant[]): Promise<number> {
  const rows = await cluster.postgres.rows<{ id: string }>(
    'select stripe_customer_id as id from tenants where stripe_customer_id is not null',
  );
  const known = new Set(rows.map(({ id }) => id));
  const ours = new Set(tenants.map(({ id }) => id));
  return (cluster.stripe.objects('customer') as Stripe.Customer[]).filter(
    (customer) => ours.has(customer.metadata?.tenantId ?? '') && !known.has(customer.id),
  ).length;
}
