import type { Cluster, ClusterTenant } from './cluster';
import type { FaultClient, Settled } from './fault-client';
import { forEachOf } from './parallel';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = { short: { races: 150, tenants: 5 }, long: { races: 10_000, tenants: 16 } };
const LIMIT = 5;

/** Two events that race for the last place, each sent twice at once to different replicas. */
interface Race {
  tenant: ClusterTenant;
  client: FaultClient;
  number: number;
}

/** No duplicate and no refusal is ever wrong, even when an original, its retry and a rival meet at the limit. */
export const races: Scenario = {
  id: 'RACE',
  title: 'an original, its retry and a rival with a retry of its own race for the last place of a gauge',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const tenants = await cluster.makeTenants(plan.tenants);
  const client = cluster.client();
  const outcomes = new Map<string, number>();
  await forEachOf(tenants, plan.tenants, async (tenant) => {
    await cluster.setLimit(tenant, 'seats', LIMIT);
    await post(client, tenant, 'events', { event_id: 'first', metric: 'seats', quantity: LIMIT - 1 });
    for (let number = 0; number < plan.races / plan.tenants; number++) {
      const wrong = await raceOnce({ tenant, client, number }, outcomes);
      if (wrong) findings.fail(`tenant ${tenant.id} race ${number}: ${wrong}`);
    }
  });
  const ran = Math.ceil(plan.races / plan.tenants) * plan.tenants;
  findings.must('races', ran - findings.failures.length, ran);
  findings.failures.splice(10);
  for (const [outcome, count] of [...outcomes].sort()) findings.note(outcome, count);
  findings.client(client, cluster);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}

/** @returns what was wrong with the answers, or null */
async function raceOnce(race: Race, outcomes: Map<string, number>): Promise<string | null> {
  const { tenant, client, number } = race;
  const ids = [`race-${number}-a`, `race-${number}-b`];
  const answers = await Promise.all(
    [0, 1, 2, 3].map((at) =>
      client.settle({
        method: 'POST',
        path: '/v1/billings/usage/events',
        key: tenant.key,
        body: { event_id: ids[at % 2], metric: 'seats' },
        replica: (number + (at >> 1) + (at % 2 === 0 ? 0 : number >> 1)) % 3,
      }),
    ),
  );
  const words = ids.map((_, id) => [wordOf(answers[id]!), wordOf(answers[id + 2]!)].sort().join('+'));
  const outcome = words.toSorted().join(' / ');
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  // Makes room for the next race.
  const down = await post(client, tenant, 'decrement', { event_id: `race-${number}-down`, metric: 'seats' });
  if (down.status !== 201 || down.body.current_usage !== LIMIT - 1)
    return `${outcome}, then the decrement: ${down.status} ${JSON.stringify(down.body)}`;
  return outcome === 'duplicate+recorded / refused+refused' ? null : outcome;
}

function wordOf({ status, body }: Settled): string {
  if (status === 201) return 'recorded';
  if (status === 200 && body.status === 'duplicate') return 'duplicate';
  return status === 402 && body.code === 'limit_exceeded' ? 'refused' : `${status}`;
}

function post(client: FaultClient, tenant: ClusterTenant, verb: string, body: unknown): Promise<Settled> {
  return client.settle({ method: 'POST', path: `/v1/billings/usage/${verb}`, key: tenant.key, body });
}
