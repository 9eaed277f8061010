import Stripe from 'stripe';
import type { Cluster } from './cluster';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = { short: { subscriptions: 10, changes: 5 }, long: { subscriptions: 200, changes: 20 } };

/** what Stripe told and nobody heard is found. */
export const r12: Scenario = {
  id: 'R-12',
  title: 'every twentieth delivery is lost for ever; then one search, and another one',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const { hostname, port } = new URL(cluster.stripe.url);
  const stripe = new Stripe(cluster.stripe.secretKey, {
    host: hostname,
    port: Number(port),
    protocol: 'http',
  });
  const { id: planId } = await cluster.makePlan();
  const subscriptions: string[] = [];
  for (const tenant of await cluster.makeTenants(plan.subscriptions))
    subscriptions.push(await cluster.subscribe(tenant, planId));
  await cluster.untilInboxIsEmpty();
  await heal(cluster);

  const isLost = (): number =>
    cluster.stripe.deliveries().filter(({ status }) => status === 'dropped').length;
  const lostBefore = isLost();
  cluster.stripe.setFaults({ drop: size === 'long' ? 0.05 : 0.6, seed: 12 });
  for (const [at, id] of subscriptions.entries()) {
    for (let change = 0; change < plan.changes; change += 1)
      await stripe.subscriptions.update(id, { cancel_at_period_end: (at + change) % 2 === 0 });
  }
  await cluster.untilInboxIsEmpty();
  for (const [at, id] of subscriptions.entries())
    if (at % 2 === 0) await stripe.subscriptions.cancel(id);
    else await stripe.subscriptions.update(id, { cancel_at_period_end: (at + plan.changes) % 2 === 0 });
  await cluster.untilInboxIsEmpty();
  cluster.stripe.setFaults({});
  const lost = isLost() - lostBefore;
  findings.note('changes', plan.subscriptions * plan.changes);
  findings.mustBeAtLeast('lost', lost, 1);
  findings.mustBeAtLeast('drift_before', await drift(cluster), 1);

  const first = await heal(cluster);
  await cluster.untilInboxIsEmpty();
  findings.must('found', first, lost);
  findings.must('drift', await drift(cluster), 0);
  findings.must('found_again', await heal(cluster), 0);
  await findings.invariants(cluster);
  return findings.report();
}

/** Looks for missed events; answers how many there were. */
async function heal(cluster: Cluster): Promise<number> {
  const asked = await cluster.admin('POST', '/v1/admin/stripe-events/heal');
  const run = await cluster.until(
    'the end of the search',
    async () => {
      const last = await cluster.admin('GET', '/v1/admin/stripe-events/heal');
      return last.id === asked.id && last.status === 'succeeded' ? last : null;
    },
    120_000,
  );
  return run.report.missed as number;
}

/** How many mirrored subscriptions say something else than Stripe (I5). */
async function drift(cluster: Cluster): Promise<number> {
  const rows = await cluster.postgres.rows<{ id: string; status: string; ending: boolean }>(
    `select stripe_subscription_id as id, stripe_status as status, cancel_at_period_end as ending
       from billings where stripe_subscription_id is not null`,
  );
  const mirrored = new Map(rows.map((row) => [row.id, row]));
  return (cluster.stripe.objects('subscription') as Stripe.Subscription[]).filter((truth) => {
    const row = mirrored.get(truth.id);
    return row?.status !== truth.status || row.ending !== truth.cancel_at_period_end;
  }).length;
}
