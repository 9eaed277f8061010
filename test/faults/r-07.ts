import type { Cluster } from './cluster';
import { LedgerBook } from './ledger-book';
import { forEachOf, inStrands } from './parallel';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = {
  short: { refused: 300, cuts: 20, clients: 16 },
  long: { refused: 10_000, cuts: 1_000, clients: 64 },
};
const LIMIT = 5;

/** a refused request uses no quota, and an admitted one is not charged twice. */
export const r07: Scenario = {
  id: 'R-07',
  title: 'ten thousand refusals, then one place more; then a thousand answers of Redis are cut off',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const client = cluster.client();
  await refusals(cluster, plan.refused, findings);
  await cutAnswers(cluster, plan, findings);
  findings.client(client, cluster);
  await findings.invariants(cluster);
  client.close();
  return findings.report();

  async function refusals(on: Cluster, count: number, told: Findings): Promise<void> {
    const tenant = await on.makeTenant();
    const book = new LedgerBook();
    await on.setLimit(tenant, 'api_calls', LIMIT);
    await book.send(client, tenant, { event_id: 'r07-fill', metric: 'api_calls', quantity: LIMIT });
    const numbers = Array.from({ length: count }, (_, at) => at);
    await forEachOf(numbers, plan.clients, (at) =>
      book.send(client, tenant, { event_id: `r07-no-${at}`, metric: 'api_calls', quantity: 1 + (at % 3) }),
    );
    const refused = (await book.compare(on)).refused;
    await on.setLimit(tenant, 'api_calls', LIMIT + 1);
    const late = await Promise.all(
      numbers
        .slice(0, 50)
        .map((at) => book.send(client, tenant, { event_id: `r07-yes-${at}`, metric: 'api_calls' })),
    );
    told.must('refused', refused, count);
    told.must('admitted_by_one_more', late.filter(({ status }) => status === 201).length, 1);
    const found = await book.compare(on);
    told.must('refused_but_counted', found.refusedButCounted, 0);
    told.must('wrong_refusals', found.wrongRefusals, 0);
  }

  async function cutAnswers(
    on: Cluster,
    { cuts, clients }: { cuts: number; clients: number },
    told: Findings,
  ): Promise<void> {
    const tenant = await on.makeTenant();
    const book = new LedgerBook();
    const before = on.redisProxy.counts.cut;
    const isOver = (): boolean => on.redisProxy.counts.cut - before >= cuts;
    let sent = 0;
    on.redisProxy.set({ cutAnswer: 0.3 });
    await inStrands(clients, isOver, async () => {
      const event = { event_id: `r07-cut-${sent++}`, metric: 'api_calls' };
      await book.send(client, tenant, event);
      // What Redis answers to a read is cut off as well.
      if (sent % 5 === 0)
        await client.settle({
          method: 'POST',
          path: '/v1/billings/limits/check',
          key: tenant.key,
          body: { metric: 'api_calls', count: 1 },
        });
    });
    on.redisProxy.heal();
    const found = await book.compare(on);
    const [counter] = await on.postgres.rows<{ used: string }>(
      'select used from usage_counters where tenant_id = $1',
      [tenant.id],
    );
    told.note('redis_answers_cut', on.redisProxy.counts.cut - before);
    told.note('events_meanwhile', sent);
    told.must('drift', Number(counter!.used) - found.acknowledged, 0);
    told.must('lost', found.lost, 0);
    told.must('doubled', found.recordedTwice, 0);
  }
}
