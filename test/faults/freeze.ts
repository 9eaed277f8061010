import { setTimeout as pause } from 'node:timers/promises';
import { seeded } from '../support/random';
import type { Cluster } from './cluster';
import { MixedWork, SEATS } from './mixed-work';
import { inStrands } from './parallel';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = {
  short: { freezes: 2, clients: 12, frozenMs: [1_500, 3_000] },
  long: { freezes: 20, clients: 48, frozenMs: [1_000, 12_000] },
};

/** A process that stands still keeps its locks and its sockets; when it wakes, the world has moved on. */
export const freeze: Scenario = {
  id: 'FREEZE',
  title: 'a replica is stopped for seconds in the middle of its work and woken again, under mixed work',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const random = seeded(13);
  const tenants = await cluster.makeTenants(3);
  for (const tenant of tenants) await cluster.setLimit(tenant, 'seats', SEATS);
  // Shorter than a freeze: the client asks elsewhere, and the frozen attempt may still be carried out later.
  const client = cluster.client({ seed: 13, timeoutMs: 1_000 });
  const work = new MixedWork(cluster, client, tenants, random);
  let isOver = false;
  const freezing = (async () => {
    for (let at = 0; at < plan.freezes; at++) {
      await pause(300 + random() * 700);
      const replica = cluster.replicas[at % cluster.replicas.length]!;
      replica.freeze();
      await pause(plan.frozenMs[0]! + random() * (plan.frozenMs[1]! - plan.frozenMs[0]!));
      replica.thaw();
    }
  })().finally(() => (isOver = true));
  await Promise.all([
    freezing,
    inStrands(
      plan.clients,
      () => isOver,
      () => work.step(),
    ),
  ]);

  // What a woken process still has on its list is done before it is counted.
  await cluster.until('the woken processes', async () => cluster.isIdle());
  const found = await work.book.compare(cluster);
  findings.note('freezes', plan.freezes);
  for (const [name, count] of [...work.done].sort()) findings.note(name, count);
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
