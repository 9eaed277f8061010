import { setTimeout as pause } from 'node:timers/promises';
import { seeded } from '../support/random';
import type { Cluster } from './cluster';
import type { NetworkFaults, ProxyCounts } from './fault-proxy';
import { MixedWork, SEATS } from './mixed-work';
import { inStrands } from './parallel';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = { short: { steps: 250, clients: 12 }, long: { steps: 20_000, clients: 48 } };
const CHANGE_EVERY_MS = 700;

/** Kinds of weather: what goes wrong before Postgres, before Redis and before the replicas. */
const WEATHER: { postgres: NetworkFaults; redis: NetworkFaults; service: NetworkFaults }[] = [
  { postgres: { cutAnswer: 0.01 }, redis: {}, service: {} },
  { postgres: { dropRequest: 0.01 }, redis: { cutAnswer: 0.1 }, service: {} },
  { postgres: {}, redis: { delayMs: 300 }, service: { cutAnswer: 0.1 } },
  {
    postgres: { delayMs: 5, jitterMs: 30 },
    redis: { refuse: 0.5, cutAnswer: 0.05 },
    service: { dropRequest: 0.05 },
  },
  { postgres: { cutAnswer: 0.005, halfAnswer: 0.005 }, redis: {}, service: { halfAnswer: 0.1 } },
  {
    postgres: { refuse: 0.5, cutAnswer: 0.01 },
    redis: { blackHole: true },
    service: { delayMs: 5, jitterMs: 50 },
  },
];

/** A network that loses, delays and cuts: before every part at once, under everything that changes a counter. */
export const net: Scenario = {
  id: 'NET',
  title:
    'requests and answers lost, cut, halved and delayed before Postgres, Redis and the replicas, under mixed work',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const random = seeded(11);
  const tenants = await cluster.makeTenants(4);
  for (const tenant of tenants) await cluster.setLimit(tenant, 'seats', SEATS);
  const client = cluster.client({ seed: 11, throughProxies: true });
  const work = new MixedWork(cluster, client, tenants, random);
  let steps = 0;
  let isOver = false;
  const changing = (async () => {
    for (let at = 0; !isOver; at++) {
      const { postgres, redis, service } = WEATHER[at % WEATHER.length]!;
      cluster.postgresProxy.set(postgres);
      cluster.redisProxy.set(redis);
      for (const proxy of cluster.serviceProxies) proxy.set(service);
      await pause(CHANGE_EVERY_MS);
    }
    await cluster.heal();
  })();
  await inStrands(
    plan.clients,
    () => steps++ >= plan.steps,
    () => work.step(),
  ).finally(() => (isOver = true));
  await changing;

  const found = await work.book.compare(cluster);
  for (const [name, count] of [...work.done].sort()) findings.note(name, count);
  const { cut, dropped, halved, refused } = cluster.postgresProxy.counts;
  findings.note('postgres_faults', cut + dropped + halved + refused);
  findings.note('redis_faults', total(cluster.redisProxy.counts));
  findings.note(
    'service_faults',
    cluster.serviceProxies.reduce((sum, { counts }) => sum + total(counts), 0),
  );
  findings.must('lost', found.lost, 0);
  findings.must('doubled', found.recordedTwice, 0);
  findings.must('wrong_duplicates', found.wrongDuplicates, 0);
  findings.must('stray_reservations', await work.strayReservations(), 0);
  findings.must('odd_answers', work.oddities.length + found.otherAnswers, 0);
  for (const oddity of [...work.oddities, ...work.book.oddities]) findings.fail(oddity);
  findings.client(client, cluster);
  findings.note('saved_by_retry', found.savedByRetry);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}

function total({ cut, dropped, halved, refused, swallowed }: ProxyCounts): number {
  return cut + dropped + halved + refused + swallowed;
}
