import { Cluster } from './cluster';
import { EventSource, unprocessed } from './event-source';
import { Findings, percentile, type Report, type Scenario, type Size } from './scenario';

const SIZES = {
  short: { seconds: 5, perSecond: 100, subscriptions: 5 },
  long: { seconds: 300, perSecond: 200, subscriptions: 50 },
};
const MOST_MS = 200;

/** Stripe is answered quickly, however much waits behind the answer. */
export const r11: Scenario = {
  id: 'R-11',
  title: 'the worker stands still for five minutes while 200 events a second arrive',
  needsCluster: false,
  run: async (_none, size) => {
    // One process answers, the other one works: only the second is to stand still.
    const cluster = await Cluster.start({ replicas: 2, roles: ['api', 'worker'], fsync: size === 'long' });
    try {
      return await run(cluster, size);
    } finally {
      await cluster.close();
    }
  },
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const { id: planId } = await cluster.makePlan();
  const subscriptions: string[] = [];
  for (const tenant of await cluster.makeTenants(plan.subscriptions))
    subscriptions.push(await cluster.subscribe(tenant, planId));
  await cluster.untilInboxIsEmpty();

  const source = new EventSource(cluster, subscriptions, [0]);
  const worker = cluster.replicas[1]!;
  worker.freeze();
  await source.send(plan.seconds * plan.perSecond, plan.perSecond);
  const backlog = await unprocessed(cluster, source.acknowledged);
  const thawed = performance.now();
  worker.thaw();
  await cluster.untilInboxIsEmpty(plan.seconds * 1000);
  const drainSeconds = (performance.now() - thawed) / 1000;

  const half = Math.floor(source.latencies.length / 2);
  findings.note('backlog', backlog);
  findings.note('first_half_p99_ms', Math.round(percentile(source.latencies.slice(0, half), 0.99)));
  findings.mustBeAtMost('p99_ms', Math.round(percentile(source.latencies, 0.99)), MOST_MS);
  findings.note('drained_per_second', Math.round(backlog / drainSeconds));
  if (size === 'long')
    findings.mustBeAtLeast('times_arrival', Math.floor(backlog / drainSeconds / plan.perSecond), 5);
  findings.must('refused', source.refused, 0);
  findings.must('not_processed', await unprocessed(cluster, source.acknowledged), 0);
  await findings.invariants(cluster);
  return findings.report();
}
