import type { Cluster } from './cluster';
import { LedgerBook } from './ledger-book';
import { forEachOf } from './parallel';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = { short: { ids: 40, tenants: 4 }, long: { ids: 1_000, tenants: 10 } };

/** ids are each tenant's own. */
export const r03: Scenario = {
  id: 'R-03',
  title: 'the same ids from ten tenants at once, single and in batches',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const tenants = await cluster.makeTenants(plan.tenants);
  const client = cluster.client();
  const book = new LedgerBook();
  const ids = Array.from({ length: plan.ids }, (_, at) => at);
  await forEachOf(ids, 16, async (id) => {
    // All tenants at the same moment; each in its own words, so that a mix-up would also be a conflict.
    await Promise.all(
      tenants.map((tenant, at) => {
        const event = { event_id: `r03-${id}`, metric: 'api_calls', quantity: at + 1 };
        return id % 2 === 0 ? book.send(client, tenant, event) : book.sendBatch(client, tenant, [event]);
      }),
    );
  });
  const found = await book.compare(cluster);
  const wanted = plan.ids * plan.tenants;
  const [ledger] = await cluster.postgres.rows<{ rows: string }>(
    'select count(*) as rows from billing_events where tenant_id = any($1)',
    [tenants.map(({ id }) => id)],
  );
  findings.must('rows', Number(ledger!.rows), wanted);
  findings.must('acknowledged', found.acknowledged, wanted);
  findings.must('cross_tenant_duplicates', found.wrongDuplicates, 0);
  findings.must('altered', found.altered, 0);
  findings.must('other_answers', found.otherAnswers, 0);
  findings.client(client, cluster);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}
