import { seeded, shuffled } from '../support/random';
import type { Cluster, ClusterTenant } from './cluster';
import { LedgerBook, type SentEvent } from './ledger-book';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = { short: { rounds: 4, requests: 120 }, long: { rounds: 20, requests: 1_000 } };
const REMAINING = 10;
const QUANTITIES = [1, 1, 3, 7];
const REPLAYS = 0.25;

/** a hard limit is never exceeded, and all of it can be used. */
export const r06: Scenario = {
  id: 'R-06',
  title:
    'a thousand at once with 10 left, quantities 1, 3 and 7 with replays; a replica is killed in every second round',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const random = seeded(6);
  const tenant = await cluster.makeTenant();
  const client = cluster.client({ connections: plan.requests });
  const book = new LedgerBook();
  let kills = 0;
  let exact = 0;
  for (let round = 0; round < plan.rounds; round++) {
    await cluster.setLimit(tenant, 'api_calls', (round + 1) * REMAINING);
    const sending = Promise.all(
      requestsOf(round, plan.requests, random).map((event) => book.send(client, tenant, event)),
    );
    if (round % 2 === 1) {
      kills++;
      await cluster.killAndRestart(round % cluster.replicas.length);
    }
    await sending;
    const used = await usedBy(cluster, tenant);
    if (used === (round + 1) * REMAINING) exact++;
    else findings.fail(`after round ${round} ${used} are used, and must be ${(round + 1) * REMAINING}`);
  }
  const found = await book.compare(cluster);
  findings.note('rounds', plan.rounds);
  findings.note('requests', plan.rounds * plan.requests);
  findings.note('kills', kills);
  findings.must('exact_rounds', exact, plan.rounds);
  findings.note('ids_admitted', found.acknowledged);
  findings.note('ids_refused', found.refused);
  findings.must('lost', found.lost, 0);
  findings.must('doubled', found.recordedTwice, 0);
  findings.must('wrong_refusals', found.wrongRefusals, 0);
  findings.must('wrong_duplicates', found.wrongDuplicates, 0);
  findings.must('refused_but_counted', found.refusedButCounted, 0);
  findings.must('other_answers', found.otherAnswers, 0);
  findings.client(client, cluster);
  for (const oddity of book.oddities) findings.fail(oddity);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}

/** New events, and some of them twice, in any order. Enough have quantity 1 to use up whatever is left. */
function requestsOf(round: number, count: number, random: () => number): SentEvent[] {
  const fresh = Math.ceil(count * (1 - REPLAYS));
  const events = Array.from({ length: fresh }, (_, at) => ({
    event_id: `r06-${round}-${at}`,
    metric: 'api_calls',
    quantity: QUANTITIES[at % QUANTITIES.length]!,
  }));
  const replays = Array.from({ length: count - fresh }, () => events[Math.floor(random() * fresh)]!);
  return shuffled([...events, ...replays], random);
}

async function usedBy(cluster: Cluster, tenant: ClusterTenant): Promise<number> {
  const [row] = await cluster.postgres.rows<{ used: string }>(
    `select coalesce(sum(increment), 0) as used from billing_events where tenant_id = $1 and metric_name = 'api_calls'`,
    [tenant.id],
  );
  return Number(row!.used);
}
