import { randomUUID } from 'node:crypto';
import type { Answered, ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

const CORRECTIONS = '/v1/billings/usage/corrections';

let service: TestService;
let serviceKey: string;

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  await service.rows(
    `insert into meters (key, name, unit, aggregation, kind, scale) values
       ('signups', 'Sign-ups', 'sign-ups', 'count', 'flow', 0),
       ('peak', 'Peak', 'users', 'max', 'flow', 0),
       ('level', 'Level', 'points', 'latest', 'flow', 0),
       ('visitors', 'Visitors', 'visitors', 'unique', 'flow', 0),
       ('hours', 'Hours', 'hours', 'sum', 'flow', 2)`,
  );
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: 10, campaigns: 3, seats: 5, signups: 20, visitors: 3, hours: null },
  });
  serviceKey = (await service.admin('POST', '/v1/api-keys', { name: 'back end', kind: 'service' })).secret;
});
afterAll(() => service.close());

/** A tenant on the free plan that may also use the meters which no plan can limit. */
async function makeTenant(): Promise<TestTenant> {
  const tenant = await service.makeTenant();
  // Its entitlements are written when they are first asked for.
  await service.api('GET', '/v1/billings/subscription', { key: tenant.key });
  await service.rows(
    `update tenant_entitlements set limits = limits || '{"peak": null, "level": null}', version = version + 1
      where tenant_id = $1`,
    [tenant.id],
  );
  return tenant;
}

async function record(tenant: TestTenant, fields: Record<string, unknown>): Promise<ApiAnswer> {
  const body = { event_id: randomUUID(), ...fields };
  return service.api('POST', '/v1/billings/usage/events', { key: tenant.key, body });
}

/** Records an event that must count. @returns its id */
async function counted(tenant: TestTenant, fields: Record<string, unknown>): Promise<string> {
  const { status, body } = await record(tenant, fields);
  expect([status, body.status]).toEqual([201, 'recorded']);
  return body.event_id as string;
}

function correct(tenant: TestTenant, eventId: string, reason = 'Imported twice'): Promise<ApiAnswer> {
  return service.api('POST', CORRECTIONS, {
    key: serviceKey,
    tenantId: tenant.id,
    body: { event_id: eventId, reason },
  });
}

async function usedOf(tenant: TestTenant, metric: string): Promise<string | undefined> {
  const rows = await service.rows<{ used: string }>(
    'select trim_scale(used)::text as used from usage_counters where tenant_id = $1 and metric_name = $2',
    [tenant.id, metric],
  );
  return rows[0]?.used;
}

async function sumOfLedger(tenant: TestTenant, metric: string): Promise<string> {
  const [row] = await service.rows<{ sum: string }>(
    `select trim_scale(coalesce(sum(increment), 0))::text as sum from billing_events
      where tenant_id = $1 and metric_name = $2`,
    [tenant.id, metric],
  );
  return row!.sum;
}

describe('a correction', () => {
  it('takes an event back, which stays in the ledger beside it', async () => {
    const tenant = await makeTenant();
    await counted(tenant, { metric: 'email_sends', quantity: 4 });
    const wrong = await counted(tenant, { metric: 'email_sends', quantity: 6 });
    expect((await record(tenant, { metric: 'email_sends' })).status).toBe(402);

    const corrected = await correct(tenant, wrong, 'Mailing was never sent');

    expect(corrected.status).toBe(201);
    expect(corrected.body).toMatchObject({
      event_id: `correction~${wrong}`,
      corrects: wrong,
      metric: 'email_sends',
      quantity: -6,
      reason: 'Mailing was never sent',
      current_usage: 4,
    });
    expect(await usedOf(tenant, 'email_sends')).toBe('4');
    expect(await sumOfLedger(tenant, 'email_sends')).toBe('4');
    const events = await service.rows<Answered>(
      'select * from billing_events where tenant_id = $1 and (event_id = $2 or reverses = $2) order by increment',
      [tenant.id, wrong],
    );
    expect(events.map(({ event_type, increment }) => [event_type, increment])).toEqual([
      ['correction', '-6'],
      ['usage', '6'],
    ]);
    expect(events[0].timestamp).toEqual(events[1].timestamp);
    expect((await record(tenant, { metric: 'email_sends', quantity: 6 })).body).toMatchObject({
      status: 'recorded',
      current_usage: 10,
    });
  });

  it('does not free the id: the same event again is still a duplicate', async () => {
    const tenant = await makeTenant();
    const wrong = await counted(tenant, { metric: 'email_sends', quantity: 2 });
    await correct(tenant, wrong);
    const again = await record(tenant, { event_id: wrong, metric: 'email_sends', quantity: 2 });
    expect([again.status, again.body.status, again.body.current_usage]).toEqual([200, 'duplicate', 0]);
  });

  it('is audited with who, what and why', async () => {
    const tenant = await makeTenant();
    const wrong = await counted(tenant, { metric: 'email_sends', quantity: 2, subject: 'ann' });
    await correct(tenant, wrong, 'Test data');
    const rows = await service.rows<Answered>(
      `select action, actor_kind, target_id, before, after from audit_logs
        where tenant_id = $1 and action = 'USAGE_CORRECTED'`,
      [tenant.id],
    );
    expect(rows).toEqual([
      {
        action: 'USAGE_CORRECTED',
        actor_kind: 'service',
        target_id: wrong,
        before: { metric: 'email_sends', quantity: 2, subject: 'ann', period_start: expect.any(String) },
        after: { corrected_by: `correction~${wrong}`, reason: 'Test data', current_usage: 0 },
      },
    ]);
  });

  it('happens once: the second answers the first', async () => {
    const tenant = await makeTenant();
    const wrong = await counted(tenant, { metric: 'email_sends', quantity: 2 });
    const first = await correct(tenant, wrong, 'First reason');
    const second = await correct(tenant, wrong, 'Second reason');
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual(first.body);
    expect(await usedOf(tenant, 'email_sends')).toBe('0');
  });

  it('happens once when twenty are sent together', async () => {
    const tenant = await makeTenant();
    await counted(tenant, { metric: 'email_sends', quantity: 5 });
    const wrong = await counted(tenant, { metric: 'email_sends', quantity: 2 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => correct(tenant, wrong)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array<number>(19).fill(200), 201]);
    expect(await usedOf(tenant, 'email_sends')).toBe('5');
    const audited = await service.rows(
      `select from audit_logs where tenant_id = $1 and action = 'USAGE_CORRECTED'`,
      [tenant.id],
    );
    expect(audited).toHaveLength(1);
  });

  it('beside events that are being recorded leaves the counter exact', async () => {
    const tenant = await makeTenant();
    const wrong: string[] = [];
    for (let at = 0; at < 10; at++) wrong.push(await counted(tenant, { metric: 'hours', quantity: '0.25' }));
    await Promise.all([
      ...wrong.map((id) => correct(tenant, id)),
      ...Array.from({ length: 40 }, () => counted(tenant, { metric: 'hours', quantity: '1.10' })),
    ]);
    expect(await usedOf(tenant, 'hours')).toBe('44');
    expect(await sumOfLedger(tenant, 'hours')).toBe('44');
  });

  it("of a reservation's commit gives the capacity back", async () => {
    const tenant = await makeTenant();
    const key = tenant.key;
    const path = '/v1/billings/usage/reservations';
    const held = await service.api('POST', path, { key, body: { metric: 'email_sends', quantity: 8 } });
    const { body } = await service.api('POST', `${path}/${held.body.id}/commit`, { key, body: {} });
    expect((await correct(tenant, body.event_id)).body).toMatchObject({ quantity: -8, current_usage: 0 });
  });
});

describe('counters of each kind come out as if the event had never been', () => {
  it('count', async () => {
    const tenant = await makeTenant();
    await counted(tenant, { metric: 'signups' });
    const wrong = await counted(tenant, { metric: 'signups', quantity: 7 });
    expect((await correct(tenant, wrong)).body).toMatchObject({ quantity: -7, current_usage: 1 });
  });

  it('max: the largest that is left', async () => {
    const tenant = await makeTenant();
    const events = [3, 9, 5].map((quantity) => ({ metric: 'peak', quantity }));
    const ids: string[] = [];
    for (const event of events) ids.push(await counted(tenant, event));
    expect((await correct(tenant, ids[0]!)).body.current_usage).toBe(9);
    expect((await correct(tenant, ids[1]!)).body.current_usage).toBe(5);
    expect((await correct(tenant, ids[2]!)).body.current_usage).toBe(0);
    await counted(tenant, { metric: 'peak', quantity: 1 });
    expect(await usedOf(tenant, 'peak')).toBe('1');
  });

  it('latest: the newest that is left, and older ones stay older', async () => {
    const tenant = await makeTenant();
    const now = Date.now();
    const at = (minutesAgo: number): string => new Date(now - minutesAgo * 60_000).toISOString();
    await counted(tenant, { metric: 'level', quantity: 30, timestamp: at(3) });
    const wrong = await counted(tenant, { metric: 'level', quantity: 90, timestamp: at(1) });
    expect((await correct(tenant, wrong)).body.current_usage).toBe(30);
    await counted(tenant, { metric: 'level', quantity: 40, timestamp: at(4) });
    expect(await usedOf(tenant, 'level')).toBe('30');
    await counted(tenant, { metric: 'level', quantity: 50, timestamp: at(2) });
    expect(await usedOf(tenant, 'level')).toBe('50');
  });

  it('unique: a subject is forgotten with the last of its events', async () => {
    const tenant = await makeTenant();
    const ann = await counted(tenant, { metric: 'visitors', subject: 'ann' });
    const again = await counted(tenant, { metric: 'visitors', subject: 'ann' });
    await counted(tenant, { metric: 'visitors', subject: 'bob' });
    expect((await correct(tenant, ann)).body.current_usage).toBe(2);
    expect((await correct(tenant, again)).body.current_usage).toBe(1);
    await counted(tenant, { metric: 'visitors', subject: 'ann' });
    expect(await usedOf(tenant, 'visitors')).toBe('2');
  });

  it('gauge: a decrement too; but never below 0', async () => {
    const tenant = await makeTenant();
    const created = await counted(tenant, { metric: 'campaigns', quantity: 2 });
    const down = await service.api('POST', '/v1/billings/usage/decrement', {
      key: tenant.key,
      body: { metric: 'campaigns', event_id: randomUUID() },
    });

    const below = await correct(tenant, created);
    expect([below.status, below.body.code]).toEqual([409, 'state_conflict']);
    expect(await sumOfLedger(tenant, 'campaigns')).toBe('1');

    expect((await correct(tenant, down.body.event_id)).body).toMatchObject({ quantity: 1, current_usage: 2 });
    expect((await correct(tenant, created)).body).toMatchObject({ quantity: -2, current_usage: 0 });
  });

  it('of a meter that was archived meanwhile, too', async () => {
    const tenant = await makeTenant();
    const wrong = await counted(tenant, { metric: 'peak', quantity: 4 });
    try {
      await service.rows(`update meters set archived_at = now() where key = 'peak'`);
      expect((await correct(tenant, wrong)).body.current_usage).toBe(0);
    } finally {
      await service.rows(`update meters set archived_at = null where key = 'peak'`);
    }
  });
});

it('in a closed month takes the archived number along', async () => {
  const tenant = await makeTenant();
  const wrong = await counted(tenant, { metric: 'email_sends', quantity: 6 });
  await counted(tenant, { metric: 'email_sends', quantity: 1 });
  await service.rows(
    `with closed as (
       update usage_counters set closed_at = now() where tenant_id = $1 and metric_name = 'email_sends' returning *)
     insert into tenant_usage (tenant_id, metric_name, period_kind, period_date, period_start, current_usage, closed_at)
     select tenant_id, metric_name, 'month', period_start::date, period_start, used, closed_at from closed`,
    [tenant.id],
  );

  expect((await correct(tenant, wrong)).status).toBe(201);

  const archived = await service.rows('select current_usage from tenant_usage where tenant_id = $1', [
    tenant.id,
  ]);
  expect(archived).toEqual([{ current_usage: '1' }]);
});

it('what is left of a ledger after its retention is not counted anew', async () => {
  const tenant = await makeTenant();
  const wrong = await counted(tenant, { metric: 'peak', quantity: 6 });
  await service.rows(
    `update usage_counters set events_kept = 'some' where tenant_id = $1 and metric_name = 'peak'`,
    [tenant.id],
  );
  const refused = await correct(tenant, wrong);
  expect([refused.status, refused.body.code]).toEqual([409, 'state_conflict']);
  expect(await usedOf(tenant, 'peak')).toBe('6');
});

describe('is refused', () => {
  it('for an event that is not there, or is another tenant’s', async () => {
    const [tenant, other] = await Promise.all([makeTenant(), makeTenant()]);
    const theirs = await counted(other, { metric: 'email_sends' });
    for (const id of [randomUUID(), theirs]) {
      const answer = await correct(tenant, id);
      expect([answer.status, answer.body.code]).toEqual([404, 'event_not_found']);
    }
    expect(await usedOf(other, 'email_sends')).toBe('1');
  });

  it('for a correction', async () => {
    const tenant = await makeTenant();
    const wrong = await counted(tenant, { metric: 'email_sends' });
    const { body } = await correct(tenant, wrong);
    const answer = await correct(tenant, body.event_id);
    expect([answer.status, answer.body.code]).toEqual([422, 'unprocessable']);
  });

  it('to keys of tenants; operators may', async () => {
    const tenant = await makeTenant();
    const wrong = await counted(tenant, { metric: 'email_sends' });
    const body = { event_id: wrong, reason: 'x' };
    const own = await service.api('POST', CORRECTIONS, { key: tenant.key, body });
    expect([own.status, own.body.code]).toEqual([403, 'insufficient_scope']);
    const key = service.adminKey;
    expect((await service.api('POST', CORRECTIONS, { key, body })).body.code).toBe('tenant_header_required');
    expect((await service.api('POST', CORRECTIONS, { key, tenantId: tenant.id, body })).status).toBe(201);
  });

  it.each([
    ['no event', { reason: 'x' }],
    ['no id', { event_id: 'a b', reason: 'x' }],
    ['no reason', { event_id: 'a' }],
    ['nothing in its reason', { event_id: 'a', reason: ' ' }],
    ['a line break in its reason', { event_id: 'a', reason: 'x\ny' }],
    ['a reason too long', { event_id: 'a', reason: 'x'.repeat(501) }],
    ['fields nobody knows', { event_id: 'a', reason: 'x', quantity: 1 }],
  ])('with %s', async (_name, body) => {
    const tenant = await service.makeTenant();
    const answer = await service.api('POST', CORRECTIONS, { key: serviceKey, tenantId: tenant.id, body });
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
  });
});

it('callers cannot take the id of a correction or of a reservation', async () => {
  const tenant = await service.makeTenant();
  for (const event_id of ['correction~a', `reservation~${randomUUID()}`]) {
    const answer = await record(tenant, { event_id, metric: 'email_sends' });
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
  }
});
