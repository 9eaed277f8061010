import type { Cluster } from './cluster';
import { Findings, type Report, type Scenario, type Size } from './scenario';
import { sendTenths } from './tenths';

const SIZES = { short: 20, long: 1_000 };

/** a million times 0.1 is 100,000, over all replicas. The rest of it is exactness.test.ts. */
export const r28: Scenario = {
  id: 'R-28',
  title: 'a million times 0.1',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const findings = new Findings();
  const batches = SIZES[size];
  await cluster.makeMeter({ key: 'scale_1', aggregation: 'sum', scale: 1 });
  const tenant = await cluster.makeTenant();
  await cluster.setLimit(tenant, 'scale_1', null);
  const client = cluster.client();
  await sendTenths(
    (events) =>
      client.settle({ method: 'POST', path: '/v1/billings/usage/events', key: tenant.key, body: { events } }),
    batches,
  );
  const [counter] = await cluster.postgres.rows<{ used: string }>(
    'select trim_scale(used)::text as used from usage_counters where tenant_id = $1',
    [tenant.id],
  );
  findings.note('events', batches * 1000);
  findings.note('sum', counter!.used);
  if (counter!.used !== String(batches * 100)) findings.fail(`the sum is ${counter!.used}`);
  findings.client(client, cluster);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}
