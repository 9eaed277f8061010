import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from './cluster';
import type { FaultClient } from './fault-client';
import { LedgerBook } from './ledger-book';
import { inStrands } from './parallel';
import { Findings, percentile, type Report, type Scenario, type Size } from './scenario';

const SIZES = {
  short: { rounds: 1, clients: 8, awayMs: 500 },
  long: { rounds: 5, clients: 32, awayMs: 4_000 },
};
const WORKING_AGAIN_MS = 30_000;

/** What is done to Redis, in turns. */
const TROUBLES = ['crash', 'read_only', 'black_hole'] as const;
type Trouble = (typeof TROUBLES)[number];

/** Redis goes away and comes back, and everything goes on by itself. */
export const r05: Scenario = {
  id: 'R-05',
  title:
    'Redis crashes, is read only, or swallows everything for seconds; usage goes on and every accepted job finishes',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const tenants = await cluster.makeTenants(3);
  const client = cluster.client();
  const book = new LedgerBook();
  const accepted: string[] = [];
  const working: number[] = [];
  let sent = 0;
  let isOver = false;

  const sending = inStrands(
    plan.clients,
    () => isOver,
    async (strand) => {
      const tenant = tenants[strand % tenants.length]!;
      await book.send(client, tenant, { event_id: `r05-${sent++}`, metric: 'api_calls' });
      if (sent % 10 === 0)
        await client.settle({ method: 'GET', path: '/v1/billings/subscription', key: tenant.key });
    },
  );
  const breaking = (async () => {
    for (let round = 0; round < plan.rounds; round++)
      for (const trouble of TROUBLES) {
        accepted.push(await acceptJob(cluster, client));
        const over = happen(cluster, trouble, plan.awayMs);
        // While Redis is away the queue takes nothing, and the job must not be forgotten for that.
        await pause(plan.awayMs / 2);
        accepted.push(await acceptJob(cluster, client));
        await over;
        const begun = performance.now();
        const job = await acceptJob(cluster, client);
        accepted.push(job);
        await untilFinished(cluster, [job]);
        working.push(performance.now() - begun);
      }
    await untilFinished(cluster, accepted);
  })().finally(() => (isOver = true));
  await Promise.all([breaking, sending]);

  const found = await book.compare(cluster);
  // While one waits, that one is answered again.
  const jobs = [...new Set(accepted)];
  const [finished] = await cluster.postgres.rows<{ jobs: string }>(
    `select count(*) as jobs from plan_sync_runs where id = any($1) and status = 'succeeded'`,
    [jobs],
  );
  findings.note('troubles', plan.rounds * TROUBLES.length);
  findings.note('events', book.size);
  findings.note('jobs', jobs.length);
  findings.must('unfinished_jobs', jobs.length - Number(finished!.jobs), 0);
  findings.mustBeAtMost('working_after_ms', Math.round(percentile(working, 1)), WORKING_AGAIN_MS);
  findings.must('lost', found.lost, 0);
  findings.must('doubled', found.recordedTwice, 0);
  findings.must('unavailable', client.counts.unavailable, 0);
  findings.client(client, cluster);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}

async function happen(cluster: Cluster, trouble: Trouble, ms: number): Promise<void> {
  if (trouble === 'crash') await cluster.redis.crashAndRestart(ms);
  else if (trouble === 'read_only') await cluster.redis.readOnlyFor(ms);
  else {
    cluster.redisProxy.set({ blackHole: true });
    await pause(ms);
    cluster.redisProxy.heal();
  }
}

/** A sync of the plans: the service answers 202, and a worker does it. */
async function acceptJob(cluster: Cluster, client: FaultClient): Promise<string> {
  const { status, body } = await client.settle({
    method: 'POST',
    path: '/v1/admin/plans/sync',
    key: cluster.adminKey,
  });
  if (status !== 202) throw new Error(`the job was not accepted: ${status} ${JSON.stringify(body)}`);
  return body.id as string;
}

function untilFinished(cluster: Cluster, jobs: readonly string[]): Promise<true> {
  return cluster.until(
    'the accepted jobs',
    async () => {
      const [open] = await cluster.postgres.rows<{ jobs: string }>(
        `select count(*) as jobs from plan_sync_runs where id = any($1) and status in ('queued', 'running')`,
        [jobs],
      );
      return Number(open!.jobs) === 0 && (true as const);
    },
    60_000,
  );
}
