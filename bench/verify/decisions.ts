/** Shows that the fast door is the strict one: repeats are known, and a limit near by is kept. */
import { randomUUID } from 'node:crypto';
import { Incorrect } from '../bench-case';
import { METRIC } from '../load/events';
import type { Stage } from '../stage/stage';

const LIMIT = 10;
const SENT_AT_ONCE = 40;

interface EventAnswer {
  readonly status: number;
  readonly body: { status?: string; code?: string };
}

/**
 * On a tenant of its own, whose limit is ten: forty different events at once, and then each once more.
 * @throws Incorrect unless exactly ten are recorded, and those ten are known again
 */
export async function verifyDecisions(stage: Stage): Promise<void> {
  const tenant = await tenantWithLimit(stage, LIMIT);
  const ids = Array.from({ length: SENT_AT_ONCE }, (_, at) => `seed_decision_${at}`);
  const first = await Promise.all(ids.map((id) => send(stage, tenant, id)));
  const again = await Promise.all(ids.map((id) => send(stage, tenant, id)));
  const faults = [];
  const recorded = first.filter((answer) => answer.status === 201).length;
  const refused = first.filter((answer) => answer.status === 402).length;
  if (recorded !== LIMIT || refused !== SENT_AT_ONCE - LIMIT)
    faults.push(`limit ${LIMIT}, ${SENT_AT_ONCE} events at once: ${recorded} recorded, ${refused} refused`);
  for (const [at, answer] of again.entries()) {
    const wanted = first[at]!.status === 201 ? 200 : 402;
    if (answer.status !== wanted)
      faults.push(`event answered ${first[at]!.status} at first, ${answer.status} when repeated`);
  }
  const { rows } = await stage.sql.query<{ events: string }>(
    'select count(*) as events from billing_events where tenant_id = $1',
    [tenant],
  );
  if (Number(rows[0]!.events) !== LIMIT)
    faults.push(`limit ${LIMIT}: ${rows[0]!.events} events in the ledger`);
  if (faults.length > 0) throw new Incorrect(faults.slice(0, 5));
}

/** A new tenant that may use so much and no more. */
export async function tenantWithLimit(stage: Stage, limit: number): Promise<string> {
  const id = randomUUID();
  await stage.sql.query(
    `insert into tenants (id, name, email, status, created_at, updated_at)
     values ($1, 'Limited', 'limited@example.test', 'ACTIVE', now(), now())`,
    [id],
  );
  await stage.sql.query(
    `insert into tenant_entitlements (tenant_id, source, plan_id, limits, updated_at)
     values ($1, 'free', (select plans.id from plans where slug = 'free'), $2, now())`,
    [id, { [METRIC]: limit }],
  );
  return id;
}

async function send(stage: Stage, tenant: string, eventId: string): Promise<EventAnswer> {
  const answer = await fetch(`${stage.url}/v1/billings/usage/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${stage.serviceKey}`,
      'tenant-id': tenant,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ event_id: eventId, metric: METRIC, quantity: 1 }),
  });
  return { status: answer.status, body: (await answer.json()) as EventAnswer['body'] };
}
