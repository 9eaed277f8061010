import Redis from 'ioredis';
import { Client } from 'pg';
import { UsageCloseJobs } from '../../src/modules/usage/upkeep/usage-close.jobs';
import { Clock } from '../../src/platform/clock';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import { findViolations } from './invariants/invariants';

/** Each invariant, broken on purpose: a checker that finds nothing has to be able to find something. */
let service: TestService;
let operator: Client;

beforeAll(async () => {
  service = await startTestService({ env: { ROLE: 'api', TRIAL_PLAN_SLUG: '' } });
  const meter = (key: string, aggregation: string, kind = 'flow'): Promise<unknown> =>
    service.rows(`insert into meters (key, name, unit, aggregation, kind) values ($1, $1, 'u', $2, $3)`, [
      key,
      aggregation,
      kind,
    ]);
  await meter('i_count', 'count');
  await meter('i_max', 'max');
  await meter('i_unique', 'unique');
  await meter('i_latest', 'latest', 'gauge');
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: 100, campaigns: 10, i_count: null, i_max: null, i_unique: null, i_latest: null },
  });
  operator = new Client({ connectionString: service.database.superuserUrl });
  await operator.connect();
  // Past the triggers that keep everyone from rewriting the ledger and the audit log.
  await operator.query('set session_replication_role = replica');
});
afterAll(async () => {
  await operator.end();
  await service.close();
});

/** A tenant with something of everything. */
async function makeBusyTenant(): Promise<TestTenant> {
  const tenant = await service.makeTenant();
  const post = async (path: string, body: unknown, key = tenant.key): Promise<{ id: string }> => {
    const answer = await service.api('POST', `/v1/billings/usage/${path}`, {
      key,
      tenantId: tenant.id,
      body,
    });
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return answer.body as { id: string };
  };
  await post('events', {
    events: [
      { event_id: 'sum-1', metric: 'email_sends', quantity: 5 },
      { event_id: 'sum-2', metric: 'email_sends', quantity: 7 },
      { event_id: 'count-1', metric: 'i_count', quantity: 3 },
      { event_id: 'count-2', metric: 'i_count' },
      { event_id: 'max-1', metric: 'i_max', quantity: 4 },
      { event_id: 'max-2', metric: 'i_max', quantity: 9 },
      { event_id: 'unique-1', metric: 'i_unique', subject: 'ann' },
      { event_id: 'unique-2', metric: 'i_unique', subject: 'ben' },
      { event_id: 'latest-1', metric: 'i_latest', quantity: 8 },
      { event_id: 'gauge-1', metric: 'campaigns', quantity: 4 },
    ],
  });
  await post('decrement', { metric: 'campaigns', event_id: 'down-1' });
  const committed = await post('reservations', { metric: 'email_sends', quantity: 3 });
  await post(`reservations/${committed.id}/commit`, { quantity: 2 });
  await post('reservations', { metric: 'email_sends', quantity: 6 });
  for (const event_id of ['sum-1', 'max-2', 'unique-2'])
    await post('corrections', { event_id, reason: 'by mistake' }, service.adminKey);
  await service.drain();
  return tenant;
}

/** What is broken of a tenant: the ids of the rules, and what they say. */
async function brokenOf(tenant: TestTenant): Promise<string[]> {
  const violations = await findViolations({
    databaseUrl: service.database.superuserUrl,
    redisUrl: service.env.REDIS_URL,
    tenants: [tenant.id],
  });
  return violations.map(({ id, holds }) => `${id}: ${holds}`);
}

it('finds nothing where everything is as it should be', async () => {
  expect(await brokenOf(await makeBusyTenant())).toEqual([]);
});

const ONE = 'tenant_id = $1';

/** SQL that breaks a rule for the tenant `$1`, and words of the rule. */
const SABOTAGE: [string, string, string][] = [
  [
    'I1',
    'every counter is',
    `update usage_counters set used = used + 1 where ${ONE} and metric_name = 'email_sends'`,
  ],
  [
    'I1',
    'every counter is',
    `update usage_counters set used = used - 1 where ${ONE} and metric_name = 'i_count'`,
  ],
  ['I1', 'every counter is', `update usage_counters set used = 9 where ${ONE} and metric_name = 'i_max'`],
  ['I1', 'every counter is', `update usage_counters set used = 2 where ${ONE} and metric_name = 'i_unique'`],
  ['I1', 'every counter is', `update usage_counters set used = 4 where ${ONE} and metric_name = 'campaigns'`],
  ['I1', 'every counter is', `delete from usage_counters where ${ONE} and metric_name = 'i_count'`],
  ['I1', 'every counter is', `delete from billing_events where ${ONE} and event_id = 'sum-2'`],
  ['I1', 'every counter is', copyOf('sum-2', `event_id = 'sum-2-again'`)],
  ['I1', 'latest value', `update usage_counters set used = 7 where ${ONE} and metric_name = 'i_latest'`],
  ['I1', 'subjects of unique', `delete from usage_subjects where ${ONE}`],
  ['I1', 'subjects of unique', `update usage_subjects set subject = 'eve' where ${ONE} and subject = 'ann'`],
  [
    'I1',
    'what is reserved',
    `update usage_counters set reserved = 0 where ${ONE} and metric_name = 'email_sends'`,
  ],
  [
    'I1',
    'what is reserved',
    `update usage_reservations set status = 'expired' where ${ONE} and status = 'held'`,
  ],
  [
    'I1',
    'a committed reservation',
    `update usage_reservations set committed_quantity = 1 where ${ONE} and status = 'committed'`,
  ],
  ['I1', 'a committed reservation', `delete from billing_events where ${ONE} and event_type = 'reservation'`],
  [
    'I1',
    'a closed counter',
    `update usage_counters set closed_at = now() where ${ONE} and metric_name = 'i_count'`,
  ],
  ['I1', 'as their meter says', copyOf('gauge-1', `event_id = 'half', increment = 0.5`)],
  [
    'I1',
    'as their meter says',
    copyOf('sum-2', `event_id = 'negative', increment = -1, event_type = 'decrement'`),
  ],
  ['I1', 'as their meter says', copyOf('sum-2', `event_id = 'whose', metric_name = 'nobodys'`)],
  [
    'I1',
    'a correction names',
    `update billing_events set increment = -4 where ${ONE} and reverses = 'sum-1'`,
  ],
  [
    'I1',
    'in the period that it happened',
    `update billing_events set timestamp = timestamp + interval '40 days' where ${ONE} and event_id = 'sum-2'`,
  ],
  [
    'I1',
    'had to be repaired',
    `update audit_logs set action = 'USAGE_COUNTER_REPAIRED' where ${ONE} and sequence = 1`,
  ],
  [
    'I3',
    'above its grace limit',
    `update usage_counters set grace_limit = 10 where ${ONE} and metric_name = 'email_sends'`,
  ],
  [
    'I2',
    'was refused afterwards',
    `insert into usage_refusals values ($1, 'sum-2', 'email_sends', 7, 'limit_exceeded', now() + interval '1 minute')`,
  ],
  [
    'I7',
    'have no gap',
    `update outbox set sequence = sequence + 1 where ${ONE} and sequence = (select max(sequence) from outbox where ${ONE})`,
  ],
  ['I7', 'have no gap', `update event_streams set last_sequence = last_sequence + 1 where ${ONE}`],
  [
    'I7',
    'in the order in which',
    `update outbox set aggregate_type = 'x', aggregate_id = 'x', sequence = 1000000 - sequence where ${ONE}`,
  ],
  ['I7', 'that was not numbered', `update outbox set sequence = null where ${ONE}`],
  [
    'I8',
    'has an answer',
    `insert into idempotency_keys (tenant_id, principal, route, key, fingerprint, state, locked_until) values ($1, 'p', 'r', 'k', '', 'done', now())`,
  ],
  ['I10', 'unbroken chain', `update audit_logs set after = '{"limit": 1}' where ${ONE} and sequence = 1`],
  [
    'I10',
    'unbroken chain',
    `delete from audit_logs where ${ONE} and sequence = (select max(sequence) from audit_logs where ${ONE})`,
  ],
];

it.each(SABOTAGE)('%s: notices that "%s" is broken by %s', async (id, words, sql) => {
  const tenant = await makeBusyTenant();
  const { rowCount } = await operator.query(sql, [tenant.id]);
  expect(rowCount).toBeGreaterThan(0);
  expect(await brokenOf(tenant)).toContainEqual(expect.stringMatching(new RegExp(`^${id}: .*${words}`)));
});

it('I1: notices an archive that is not what the ledger says', async () => {
  const tenant = await makeBusyTenant();
  const clock = service.get(Clock);
  const now = clock.now();
  // A month with a reservation in it stays open.
  const held = await service.api('GET', '/v1/billings/usage/reservations?status=held', { key: tenant.key });
  for (const { id } of held.body.data as { id: string }[])
    await service.api('POST', `/v1/billings/usage/reservations/${id}/release`, { key: tenant.key, body: {} });
  const later = jest.spyOn(clock, 'now').mockReturnValue(new Date(now.getTime() + 40 * 86_400_000));
  await service.get(UsageCloseJobs).run({}, { slot: null, fence: null, previous: null });
  later.mockRestore();
  expect(await brokenOf(tenant)).toEqual([]);
  await operator.query(
    `update tenant_usage set current_usage = current_usage + 1 where tenant_id = $1 and metric_name = 'i_count'`,
    [tenant.id],
  );
  expect(await brokenOf(tenant)).toEqual([
    expect.stringContaining('the archive of a closed month'),
    expect.stringContaining('a closed counter has its archive'),
  ]);
});

it('I4: notices a number in Redis that is not that of Postgres', async () => {
  const tenant = await makeBusyTenant();
  const redis = new Redis(service.env.REDIS_URL!);
  const keys = await redis.keys(`usage:{${tenant.id}}:*:email_sends:*`);
  expect(keys.length).toBe(1);
  await redis.set(keys[0]!, '1 1 0');
  redis.disconnect();
  expect(await brokenOf(tenant)).toEqual([expect.stringMatching(/^I4: /)]);
});

it('I11: notices a slot with more holders than attempts', async () => {
  const tenant = await makeBusyTenant();
  await operator.query(
    `insert into job_slots (job, slot, fence, owner, lease_until, attempts) values ('x', now(), 3, 'x', now(), 2)`,
  );
  expect(await brokenOf(tenant)).toEqual([expect.stringMatching(/^I11: /)]);
  await operator.query(`delete from job_slots where job = 'x'`);
});

it('I16: notices a transaction of the service that was forgotten', async () => {
  const forgetful = new Client({ connectionString: service.database.appUrl });
  await forgetful.connect();
  await forgetful.query('begin');
  const tenant = await service.makeTenant();
  const broken = await service.until(async () => {
    const found = await brokenOf(tenant);
    return found.length > 0 && found;
  });
  expect(broken).toEqual([expect.stringMatching(/^I16: /)]);
  await forgetful.end();
});

/** The event of that id once more, with changes. */
function copyOf(eventId: string, changes: string): string {
  const columns = changes.split(', ').map((change) => change.split(' = ') as [string, string]);
  const others = [
    ...[
      'event_id',
      'event_type',
      'metric_name',
      'increment',
      'timestamp',
      'timestamp_given',
      'period',
      'received_at',
    ],
  ].filter((column) => !columns.some(([name]) => name === column));
  return `insert into billing_events (tenant_id, ${[...columns.map(([name]) => name), ...others].join(', ')})
    select tenant_id, ${[...columns.map(([, value]) => value), ...others].join(', ')}
      from billing_events where tenant_id = $1 and event_id = '${eventId}'`;
}
