import { setTimeout as pause } from 'node:timers/promises';
import { seeded } from '../support/random';
import type { Cluster, ClusterTenant } from './cluster';
import { LedgerBook } from './ledger-book';
import { inStrands } from './parallel';
import { Findings, percentile, type Report, type Scenario, type Size } from './scenario';

const SIZES = {
  short: { restarts: 1, terminations: 3, clients: 16, betweenMs: 300 },
  long: { restarts: 10, terminations: 20, clients: 64, betweenMs: 1_500 },
};
const BACK_MS = 5_000;

/** a Postgres that crashes takes nothing acknowledged with it and no process down. */
export const r08: Scenario = {
  id: 'R-08',
  title: 'Postgres crashes and restarts, and all its sessions are ended, under load',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const random = seeded(8);
  const tenants = await cluster.makeTenants(4);
  const client = cluster.client();
  const book = new LedgerBook();
  const back: number[] = [];
  let sent = 0;
  let isOver = false;
  let sessions = 0;
  let idle = 0;

  const sending = inStrands(
    plan.clients,
    () => isOver,
    async () => {
      const tenant = tenants[Math.floor(random() * tenants.length)]!;
      const event = {
        event_id: `r08-${sent++}`,
        metric: 'api_calls',
        quantity: 1 + Math.floor(random() * 3),
      };
      if (random() < 0.8) await book.send(client, tenant, event);
      else await book.sendBatch(client, tenant, [event, { event_id: `r08-${sent++}`, metric: 'seats' }]);
    },
  );
  const breaking = (async () => {
    for (let at = 0; at < plan.restarts; at++) {
      await pause(plan.betweenMs);
      await cluster.postgres.crashAndRestart(200);
      await cluster.restartEnded();
      back.push(await untilRecorded(cluster, tenants[0]!, `r08-back-${at}`));
    }
    for (let at = 0; at < plan.terminations; at++) {
      await pause(plan.betweenMs / 2);
      sessions += await cluster.postgres.terminateSessions();
      await cluster.restartEnded();
      idle = Math.max(idle, await cluster.postgres.idleInTransaction(5));
    }
  })().finally(() => (isOver = true));
  await Promise.all([breaking, sending]);

  const found = await book.compare(cluster);
  findings.note('events', book.size);
  findings.note('restarts', plan.restarts);
  findings.note('sessions_ended', sessions);
  findings.must('lost', found.lost, 0);
  findings.must('doubled', found.recordedTwice, 0);
  findings.must('unacknowledged', book.size - found.acknowledged, 0);
  findings.must('wrong_duplicates', found.wrongDuplicates, 0);
  findings.mustBeAtMost('back_after_ms', Math.round(percentile(back, 1)), BACK_MS);
  findings.must('idle_in_transaction', idle, 0);
  findings.client(client, cluster);
  findings.note('saved_by_retry', found.savedByRetry);
  for (const oddity of book.oddities) findings.fail(oddity);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}

/** Milliseconds until every replica has recorded an event again, once Postgres takes connections. */
async function untilRecorded(cluster: Cluster, tenant: ClusterTenant, id: string): Promise<number> {
  const begun = performance.now();
  const probe = cluster.client();
  for (const replica of cluster.replicas.keys()) {
    const call = {
      method: 'POST',
      path: '/v1/billings/usage/events',
      key: tenant.key,
      body: { event_id: `${id}-${replica}`, metric: 'campaigns' },
    };
    while ((await probe.attempt(call, replica)).attempt.outcome !== 'answered') await pause(20);
  }
  probe.close();
  return performance.now() - begun;
}
