import type { Cluster } from './cluster';
import { LedgerBook } from './ledger-book';
import { Findings, type Report, type Scenario, type Size } from './scenario';

const SIZES = { short: { ids: 5, copies: 120 }, long: { ids: 100, copies: 1_000 } };

/** the same id sent by many at once counts once, and all but one are told so. */
export const r02: Scenario = {
  id: 'R-02',
  title: 'one id by a thousand senders at once over all replicas, a hundred ids',
  run,
};

async function run(cluster: Cluster, size: Size): Promise<Report> {
  const plan = SIZES[size];
  const findings = new Findings();
  const tenant = await cluster.makeTenant();
  const client = cluster.client({ connections: plan.copies, timeoutMs: 30_000 });
  const book = new LedgerBook();
  let wrongRounds = 0;
  for (let id = 0; id < plan.ids; id++) {
    const event = { event_id: `r02-${id}`, metric: 'api_calls', quantity: 3 };
    const answers = await Promise.all(
      Array.from({ length: plan.copies }, () => book.send(client, tenant, event)),
    );
    const created = answers.filter(({ status }) => status === 201).length;
    const duplicates = answers.filter(
      ({ status, body }) => status === 200 && body.status === 'duplicate',
    ).length;
    if (created !== 1 || duplicates !== plan.copies - 1) {
      wrongRounds++;
      findings.fail(`id ${id}: ${created} × 201, ${duplicates} × duplicate of ${plan.copies}`);
    }
  }
  const [ledger] = await cluster.postgres.rows<{ rows: string }>(
    'select count(*) as rows from billing_events where tenant_id = $1',
    [tenant.id],
  );
  findings.note('requests', plan.ids * plan.copies);
  findings.must('rows', Number(ledger!.rows), plan.ids);
  findings.must('201', client.statuses.get(201) ?? 0, plan.ids);
  findings.must('200_duplicate', client.statuses.get(200) ?? 0, plan.ids * (plan.copies - 1));
  findings.must('wrong_rounds', wrongRounds, 0);
  findings.client(client, cluster);
  await findings.invariants(cluster);
  client.close();
  return findings.report();
}
