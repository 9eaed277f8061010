/** Whether checks tell the truth: what they say is used is what the ledger holds. */
import { Incorrect } from '../bench-case';
import { METRIC } from '../load/events';
import type { Stage } from '../stage/stage';
import { tenantWithLimit } from './decisions';

/** How many of very many tenants are asked. */
const ASKED = 200;

interface CheckAnswer {
  readonly allowed?: boolean;
  readonly current_usage?: number | string;
}

/**
 * Records another quantity on each tenant and asks again, compared with a recount; then a used-up tenant.
 * @throws Incorrect when a check says anything but what the ledger says
 */
export async function verifyChecks(stage: Stage, tenants: readonly string[]): Promise<void> {
  const asked = tenants.slice(0, ASKED);
  for (const [at, tenant] of asked.entries()) await record(stage, tenant, at + 1);
  const faults = await wrongUsage(stage, asked);
  const limited = await tenantWithLimit(stage, 5);
  await record(stage, limited, 5);
  const answer = await check(stage, limited);
  if (answer.allowed !== false) faults.push(`a used-up tenant is told ${JSON.stringify(answer)}`);
  if (faults.length > 0) throw new Incorrect(faults.slice(0, 5));
}

/** Tenants whose check does not say what a recount of the ledger says, in words. */
export async function wrongUsage(stage: Stage, tenants: readonly string[]): Promise<string[]> {
  const { rows } = await stage.sql.query<{ tenant_id: string; quantity: string }>(
    `select tenant_id, sum(increment) as quantity from billing_events
      where tenant_id = any($1::uuid[]) and metric_name = $2 group by tenant_id`,
    [tenants, METRIC],
  );
  const recounted = new Map(rows.map((row) => [row.tenant_id, Number(row.quantity)]));
  const faults = [];
  for (const tenant of tenants) {
    const { current_usage } = await check(stage, tenant);
    const used = recounted.get(tenant) ?? 0;
    if (Number(current_usage) !== used)
      faults.push(`tenant ${tenant}: told ${current_usage} used, the ledger has ${used}`);
  }
  return faults;
}

async function check(stage: Stage, tenant: string): Promise<CheckAnswer> {
  const answer = await ask(stage, tenant, '/v1/billings/limits/check', { metric: METRIC, count: 1 });
  return (await answer.json()) as CheckAnswer;
}

async function record(stage: Stage, tenant: string, quantity: number): Promise<void> {
  const event = { event_id: `seed_check_${tenant}`, metric: METRIC, quantity };
  const answer = await ask(stage, tenant, '/v1/billings/usage/events', event);
  if (answer.status !== 201)
    throw new Incorrect([`an event was answered ${answer.status}: ${await answer.text()}`]);
}

function ask(stage: Stage, tenant: string, path: string, body: unknown): Promise<Response> {
  return fetch(`${stage.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${stage.serviceKey}`,
      'tenant-id': tenant,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
}
