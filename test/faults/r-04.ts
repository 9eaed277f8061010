import { setTimeout as pause } from 'node:timers/promises';
import { seeded } from '../support/random';
import type { Cluster, ClusterTenant } from './cluster';
import type { FaultClient } from './fault-client';
import { LedgerBook } from './ledger-book';
import { inStrands } from './parallel';
import { Findings, percentile, type Report, type Scenario, type Size } from './scenario';

const SIZES = {
  short: { events: 1_500, clients: 24, flushes: 4, tenants: 4, step: 50 },
  long: { events: 100_000, clients: 64, flushes: 20, tenants: 16, step: 250 },
};
const METRIC = 'email_sends';
const HEALED_MS = 2_000;

/** Redis can lose everything at any moment, and nobody gets more or less for it. */
export const r04: Scenario = {
  id: 'R-04',
  title: 'FLUSHALL at random under load, with limits that are reached all the time and raised step by step',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const random = seeded(4);
  const tenants = await cluster.makeTenants(plan.tenants);
  const limits = new Map(tenants.map((tenant) => [tenant, plan.step]));
  for (const tenant of tenants) await cluster.setLimit(tenant, METRIC, plan.step);
  const client = cluster.client();
  const book = new LedgerBook();
  const healing: number[] = [];
  let sent = 0;
  let flushes = 0;
  let overAdmitted = 0;

  const isOver = (): boolean => sent >= plan.events && flushes >= plan.flushes;
  const sending = inStrands(plan.clients, isOver, async () => {
    const tenant = tenants[Math.floor(random() * tenants.length)]!;
    const event = { event_id: `r04-${sent++}`, metric: METRIC };
    await book.send(client, tenant, event);
  });
  const raising = (async () => {
    // Always near the edge: a tenant that has used up its limit gets a little more.
    while (!isOver()) {
      for (const tenant of tenants) {
        const used = await usedBy(cluster, tenant);
        const limit = limits.get(tenant)!;
        if (used > limit) overAdmitted++;
        if (used < limit || random() < 0.5) continue;
        limits.set(tenant, limit + plan.step);
        await cluster.setLimit(tenant, METRIC, limit + plan.step);
      }
      await pause(50);
    }
  })();
  const flushing = (async () => {
    while (!isOver()) {
      if (sent >= ((flushes + 1) * plan.events) / (plan.flushes + 1)) {
        await cluster.redis.flush();
        flushes++;
        healing.push(await untilRightAgain(cluster, client, tenants[flushes % tenants.length]!));
      }
      await pause(10 + random() * 40);
    }
  })();
  await Promise.all([sending, raising, flushing]);

  const found = await book.compare(cluster);
  findings.note('events', sent);
  findings.must('flushes', flushes, plan.flushes);
  findings.note('admitted', found.acknowledged);
  findings.note('refused', found.refused);
  findings.must('over_admitted', overAdmitted, 0);
  findings.must('lost', found.lost, 0);
  findings.must('doubled', found.recordedTwice, 0);
  findings.must('wrong_refusals', found.wrongRefusals, 0);
  findings.must('refused_but_counted', found.refusedButCounted, 0);
  findings.must('other_answers', found.otherAnswers, 0);
  findings.mustBeAtMost('right_after_flush_ms', Math.round(percentile(healing, 1)), HEALED_MS);
  findings.client(client, cluster);
  for (const oddity of book.oddities) findings.fail(oddity);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}

/**
 * Reads the tenant's usage until each replica's answer lies between the ledger before and the ledger after the
 * question: it is then neither too small nor too large. @returns milliseconds that took
 */
async function untilRightAgain(
  cluster: Cluster,
  client: FaultClient,
  tenant: ClusterTenant,
): Promise<number> {
  const begun = performance.now();
  for (let replica = 0; replica < cluster.replicas.length;) {
    const before = await usedBy(cluster, tenant);
    const answer = await client.settle({
      method: 'POST',
      path: '/v1/billings/limits/check',
      key: tenant.key,
      body: { metric: METRIC, count: 1 },
      replica,
    });
    const after = await usedBy(cluster, tenant);
    const told = answer.body.current_usage as number;
    if (told >= before && told <= after) replica++;
    else if (performance.now() - begun > 30_000) break;
  }
  return performance.now() - begun;
}

async function usedBy(cluster: Cluster, tenant: ClusterTenant): Promise<number> {
  const [row] = await cluster.postgres.rows<{ used: string }>(
    'select coalesce(sum(increment), 0) as used from billing_events where tenant_id = $1 and metric_name = $2',
    [tenant.id, METRIC],
  );
  return Number(row!.used);
}
