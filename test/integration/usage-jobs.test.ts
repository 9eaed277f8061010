import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMailbox, type Mailbox } from '../../sandbox/mail/server';
import { Clock } from '../../src/platform/clock';
import { JobSlotsRepository } from '../../src/platform/queue/job-slots.repository';
import { Metrics } from '../../src/platform/metrics';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import { moveClock, runJob, use } from '../support/usage-jobs';

const OPERATORS = 'operators@example.test';
/** The middle of a month, so that no test crosses its end by accident. */
const START = new Date('2027-03-15T12:00:00Z');
const DAY_MS = 86_400_000;
const ALWAYS = '1970-01-01T00:00:00.000Z';

let dir: string;
let mailbox: Mailbox;
let service: TestService;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-usage-jobs-'));
  mailbox = await startMailbox({ dir });
  service = await startTestService({
    // Jobs run when a test says so.
    env: {
      ROLE: 'api',
      TRIAL_PLAN_SLUG: '',
      SMTP_URL: mailbox.smtpUrl,
      ALERT_EMAIL: OPERATORS,
      USAGE_RETENTION_DAYS: '120',
    },
  });
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: 100, seats: 10, api_calls: null, referred_users: 100 },
  });
  await moveClock(service, START);
});

afterAll(async () => {
  await service.close();
  await mailbox.stop();
  rmSync(dir, { recursive: true, force: true });
});

beforeEach(() => moveClock(service, START));

interface Row {
  metric_name: string;
  period_date: string;
  period_start: Date;
  current_usage: string;
  limit_value: string | null;
  closed_at: Date | null;
}

function archived(tenant: TestTenant, kind: 'day' | 'month'): Promise<Row[]> {
  return service.rows<Row>(
    `select metric_name, period_date::text, period_start, current_usage, limit_value, closed_at from tenant_usage u
      where tenant_id = $1 and period_kind = $2 order by u.period_date, metric_name`,
    [tenant.id, kind],
  );
}

interface Told {
  type: string;
  data: { metrics: unknown[]; period: unknown } & Record<string, unknown>;
}

function told(tenant: TestTenant, type: string): Promise<Told[]> {
  return service.rows<Told>('select type, data from outbox where tenant_id = $1 and type = $2 order by id', [
    tenant.id,
    type,
  ]);
}

async function counterOf(tenant: TestTenant, metric: string): Promise<Record<string, unknown>> {
  const [row] = await service.rows<Record<string, unknown>>(
    `select used, reserved, closed_at, events_kept from usage_counters where tenant_id = $1 and metric_name = $2
      order by period_start desc limit 1`,
    [tenant.id, metric],
  );
  return row!;
}

async function valueOf(metric: 'usageDrift'): Promise<number> {
  return (await service.get(Metrics)[metric].get()).values[0]?.value ?? 0;
}

async function mailsToOperators(): Promise<{ subject: string; text: string }[]> {
  const answer = await fetch(`${mailbox.url}/api/messages?to=${encodeURIComponent(OPERATORS)}`);
  const { data } = (await answer.json()) as { data: { subject: string; text: string }[] };
  return data;
}

/** Takes the limits of all meters there are away from a tenant. */
async function unlimited(tenant: TestTenant): Promise<void> {
  const meters = await service.rows<{ key: string }>('select key from meters');
  await service.api('GET', '/v1/billings/alerts', { key: tenant.key });
  await service.rows(
    'update tenant_entitlements set version = version + 1, limits = $2, updated_at = $3 where tenant_id = $1',
    [tenant.id, Object.fromEntries(meters.map(({ key }) => [key, null])), service.get(Clock).now()],
  );
}

/** Makes a meter of the test's own. */
async function makeMeter(aggregation: string): Promise<string> {
  const key = `m_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  await service.rows(
    `insert into meters (key, name, unit, aggregation, kind, scale) values ($1, $1, 'things', $2, 'flow', 2)`,
    [key, aggregation],
  );
  return key;
}

/** A number that no event explains, as a mistake of ours would leave it. */
async function falsify(tenant: TestTenant, metric: string, used: number, reserved = 0): Promise<void> {
  await service.rows(
    `update usage_counters set used = $3, reserved = $4, version = version + 1, updated_at = $5
      where tenant_id = $1 and metric_name = $2`,
    [tenant.id, metric, used, reserved, service.get(Clock).now()],
  );
}

describe('the audit', () => {
  it('finds nothing wrong with any aggregation, and changes nothing', async () => {
    const tenant = await service.makeTenant();
    const before = await valueOf('usageDrift');
    for (const aggregation of ['sum', 'count', 'max', 'unique', 'latest']) {
      const metric = await makeMeter(aggregation);
      await unlimited(tenant);
      for (const [quantity, subject] of [
        ['2.5', 'ann'],
        ['7.25', 'bob'],
        ['1.5', 'ann'],
      ] as const)
        await use(service, tenant, metric, quantity, { subject });
    }
    await use(service, tenant, 'seats', 3);
    await runJob(service, 'usage.audit');
    expect(await valueOf('usageDrift')).toBe(before);
  });

  it('mends a counter that differs, tells metric and operators, and the next reader', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 40);
    await falsify(tenant, 'email_sends', 55, 3);
    const before = await valueOf('usageDrift');

    await runJob(service, 'usage.audit');

    expect(await valueOf('usageDrift')).toBe(before + 1);
    expect(await counterOf(tenant, 'email_sends')).toMatchObject({ used: '40', reserved: '0' });
    expect((await use(service, tenant, 'email_sends', 1)).body).toMatchObject({ current_usage: 41 });
    const mail = (await mailsToOperators()).find(({ text }) => text.includes(tenant.id));
    expect(mail).toMatchObject({ subject: '1 usage counter(s) differed from the ledger' });
    expect(mail!.text).toContain('used 55, counted 40; reserved 3, held 0');
    expect(
      await service.rows(
        'select action, before, after from audit_logs where tenant_id = $1 and action = $2',
        [tenant.id, 'USAGE_COUNTER_REPAIRED'],
      ),
    ).toEqual([
      {
        action: 'USAGE_COUNTER_REPAIRED',
        before: { used: '55', reserved: '3' },
        after: { used: '40', reserved: '0' },
      },
    ]);
  });

  it('mends meters that cannot be added up, and who they have counted', async () => {
    const tenant = await service.makeTenant();
    const expected: Record<string, string> = { max: '7.25', unique: '2', latest: '1.5', count: '3' };
    const metrics: Record<string, string> = {};
    for (const aggregation of Object.keys(expected)) {
      const metric = (metrics[aggregation] = await makeMeter(aggregation));
      await unlimited(tenant);
      await use(service, tenant, metric, '2.5', { subject: 'ann' });
      await use(service, tenant, metric, '7.25', { subject: 'bob' });
      await use(service, tenant, metric, '1.5', { subject: 'ann' });
      await falsify(tenant, metric, 99);
    }
    await service.rows(
      `update usage_subjects set subject = 'nobody' where tenant_id = $1 and subject = 'bob'`,
      [tenant.id],
    );

    await runJob(service, 'usage.audit');

    for (const [aggregation, used] of Object.entries(expected))
      expect([aggregation, (await counterOf(tenant, metrics[aggregation]!)).used]).toEqual([
        aggregation,
        used,
      ]);
    const subjects = await service.rows<{ subject: string }>(
      'select subject from usage_subjects where tenant_id = $1 order by 1',
      [tenant.id],
    );
    expect(subjects.map(({ subject }) => subject)).toEqual(['ann', 'bob']);
  });

  it('looks only at what was changed since the last run', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 40);
    await falsify(tenant, 'email_sends', 55);
    await runJob(service, 'usage.audit', { previous: new Date(START.getTime() + 10 * 60_000) });
    expect(await counterOf(tenant, 'email_sends')).toMatchObject({ used: '55' });
    await runJob(service, 'usage.audit', { previous: START });
    expect(await counterOf(tenant, 'email_sends')).toMatchObject({ used: '40' });
  });

  it('holds up against usage that is recorded meanwhile: no false alarm, nothing lost', async () => {
    const tenant = await service.makeTenant();
    await unlimited(tenant);
    const before = await valueOf('usageDrift');
    const recording = Array.from({ length: 200 }, () => use(service, tenant, 'api_calls', 1));
    for (let run = 0; run < 5; run++) await runJob(service, 'usage.audit');
    await Promise.all(recording);
    await runJob(service, 'usage.audit');
    expect(await valueOf('usageDrift')).toBe(before);
    expect(await counterOf(tenant, 'api_calls')).toMatchObject({ used: '200' });
  });
});

describe('the nightly rollup', () => {
  const MIDNIGHT = new Date('2027-03-16T00:00:00Z');

  it('keeps what counters showed at the end of the day, however late it runs, and again the same', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 30);
    await use(service, tenant, 'seats', 4);
    await moveClock(service, new Date(MIDNIGHT.getTime() + 3_600_000));
    await use(service, tenant, 'email_sends', 5);
    const expected = [
      { metric_name: 'email_sends', period_date: '2027-03-15', current_usage: '30', limit_value: '100' },
      { metric_name: 'seats', period_date: '2027-03-15', current_usage: '4', limit_value: '10' },
    ];

    await runJob(service, 'usage.rollup', { slot: MIDNIGHT });
    const first = await archived(tenant, 'day');
    await runJob(service, 'usage.rollup', { slot: MIDNIGHT });

    expect(first).toMatchObject(expected);
    expect(await archived(tenant, 'day')).toEqual(first);
  });

  it('has one row a day, of the period that holds at its end', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 30);
    await moveClock(service, new Date('2027-04-01T10:00:00Z'));
    await use(service, tenant, 'email_sends', 5);
    await runJob(service, 'usage.rollup', { slot: new Date('2027-04-01T00:00:00Z') });
    await runJob(service, 'usage.rollup', { slot: new Date('2027-04-02T00:00:00Z') });
    expect(await archived(tenant, 'day')).toMatchObject([
      { period_date: '2027-03-31', current_usage: '30', period_start: new Date('2027-03-01T00:00:00Z') },
      { period_date: '2027-04-01', current_usage: '5', period_start: new Date('2027-04-01T00:00:00Z') },
    ]);
  });

  it('mends counters that no audit saw, has Redis read anew, and keeps the true number', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 30);
    await falsify(tenant, 'email_sends', 99);
    const [before] = await service.rows<{ generation: string }>(
      'select generation from usage_cache_generation',
    );
    await moveClock(service, new Date(MIDNIGHT.getTime() + 1000));
    await runJob(service, 'usage.rollup', { slot: MIDNIGHT });
    const [after] = await service.rows<{ generation: string }>(
      'select generation from usage_cache_generation',
    );
    expect(Number(after!.generation)).toBeGreaterThan(Number(before!.generation));
    expect(await counterOf(tenant, 'email_sends')).toMatchObject({ used: '30' });
    expect(await archived(tenant, 'day')).toMatchObject([{ current_usage: '30' }]);
  });

  it('writes nothing once another replica has taken its slot over', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 30);
    const slots = service.get(JobSlotsRepository);
    const slot = new Date('2027-03-16T00:00:00Z');
    await moveClock(service, new Date(slot.getTime() + 1000));
    const paused = await slots.claim('usage.rollup', slot, 'paused', 0);
    const successor = await slots.claim('usage.rollup', slot, 'successor', 60_000);
    await expect(runJob(service, 'usage.rollup', { slot, fence: paused!.fence })).rejects.toThrow(
      'taken over',
    );
    expect(await archived(tenant, 'day')).toEqual([]);
    await runJob(service, 'usage.rollup', { slot, fence: successor!.fence });
    expect(await archived(tenant, 'day')).toHaveLength(1);
  });
});

describe('the closing of a month', () => {
  const APRIL = new Date('2027-04-01T00:01:00Z');

  it('keeps its numbers, closes its counters and tells the tenant once', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 70);
    await use(service, tenant, 'api_calls', 5);
    await use(service, tenant, 'seats', 3);
    await moveClock(service, APRIL);

    await Promise.all([runJob(service, 'usage.close'), runJob(service, 'usage.close')]);
    await runJob(service, 'usage.close');

    expect(await archived(tenant, 'month')).toMatchObject([
      { metric_name: 'api_calls', period_date: '2027-03-01', current_usage: '5', limit_value: null },
      { metric_name: 'email_sends', period_date: '2027-03-01', current_usage: '70', limit_value: '100' },
    ]);
    expect((await counterOf(tenant, 'email_sends')).closed_at).not.toBeNull();
    expect((await counterOf(tenant, 'seats')).closed_at).toBeNull();
    const events = await told(tenant, 'usage.period_closed');
    expect(events).toHaveLength(1);
    expect(events[0]!.data).toMatchObject({
      period: { start: '2027-03-01T00:00:00.000Z', end: '2027-04-01T00:00:00.000Z' },
      metrics: [
        { metric: 'api_calls', name: 'API calls', kind: 'flow', current_usage: 5, limit: null },
        { metric: 'email_sends', kind: 'flow', current_usage: 70, limit: 100 },
        { metric: 'seats', kind: 'gauge', current_usage: 3, limit: 10 },
      ],
    });
    await service.drain();
    expect(
      await service.rows('select type from notifications where tenant_id = $1 and type = $2', [
        tenant.id,
        'usage_summary',
      ]),
    ).toHaveLength(1);
  });

  it('starts the next month at 0, and counts late usage there', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 70);
    await moveClock(service, APRIL);
    await runJob(service, 'usage.close');
    const late = await use(service, tenant, 'email_sends', 60, { timestamp: '2027-03-20T00:00:00Z' });
    expect(late.body).toMatchObject({
      current_usage: 60,
      is_late: true,
      period_start: '2027-04-01T00:00:00.000Z',
    });
    expect(await archived(tenant, 'month')).toMatchObject([{ current_usage: '70' }]);
  });

  it('waits for held reservations', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 10);
    await moveClock(service, new Date('2027-03-31T23:50:00Z'));
    const held = await service.api('POST', '/v1/billings/usage/reservations', {
      key: tenant.key,
      body: { metric: 'email_sends', quantity: 5, ttl_seconds: 3600 },
    });
    expect(held.status).toBe(201);
    await moveClock(service, APRIL);
    await runJob(service, 'usage.close');
    expect(await archived(tenant, 'month')).toEqual([]);

    await moveClock(service, new Date('2027-04-01T01:00:00Z'));
    await runJob(service, 'usage.reservation_expiry');
    await runJob(service, 'usage.close');
    expect(await archived(tenant, 'month')).toMatchObject([{ current_usage: '10' }]);
    expect(await told(tenant, 'usage.period_closed')).toHaveLength(1);
  });

  it('tells nothing of a month without usage, and leaves running months open', async () => {
    const [idle, busy] = [await service.makeTenant(), await service.makeTenant()];
    const refused = await service.api('POST', '/v1/billings/usage/events', {
      key: idle.key,
      body: { event_id: 'too-much', metric: 'email_sends', quantity: 1000 },
    });
    expect(refused.status).toBe(402);
    await moveClock(service, APRIL);
    await use(service, busy, 'email_sends', 1);
    await runJob(service, 'usage.close');
    expect(await told(idle, 'usage.period_closed')).toEqual([]);
    expect((await counterOf(busy, 'email_sends')).closed_at).toBeNull();
  });

  it('keeps two months that began on one day, after a change of anchor', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 10);
    await service.rows(
      `insert into usage_counters (tenant_id, metric_name, period_start, period_end, used)
       values ($1, 'email_sends', '2027-03-01T09:00:00Z', '2027-04-01T09:00:00Z', 7)`,
      [tenant.id],
    );
    await moveClock(service, new Date('2027-04-02T00:00:00Z'));
    await runJob(service, 'usage.close');
    expect(await archived(tenant, 'month')).toMatchObject([
      { period_date: '2027-03-01', current_usage: '10', period_start: new Date('2027-03-01T00:00:00Z') },
      { period_date: '2027-03-02', current_usage: '7', period_start: new Date('2027-03-01T09:00:00Z') },
    ]);
    await service.rows('delete from usage_counters where tenant_id = $1', [tenant.id]);
  });
});

describe('retention', () => {
  /** An event of long ago in a period that was closed then. */
  async function oldUsage(tenant: TestTenant, ageDays: number, closed = true): Promise<void> {
    const end = new Date(service.get(Clock).realNow().getTime() - ageDays * DAY_MS);
    const start = new Date(end.getTime() - 30 * DAY_MS);
    const at = new Date(end.getTime() - DAY_MS);
    await service.rows(
      `insert into usage_counters (tenant_id, metric_name, period_start, period_end, used, closed_at)
       values ($1, 'email_sends', $2, $3, 3, $4)`,
      [tenant.id, start, end, closed ? end : null],
    );
    await service.rows(
      `insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
         timestamp_given, period, received_at)
       select $1, 'old-' || n, 'usage', 'email_sends', 1, $2, false, $3, $2 from generate_series(1, 3) n`,
      [tenant.id, at, start],
    );
    await service.rows(
      `insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
         timestamp_given, period, received_at)
       values ($1, 'seat', 'usage', 'seats', 1, $2, false, 'epoch', $2)`,
      [tenant.id, at],
    );
  }

  function eventsOf(tenant: TestTenant): Promise<{ event_id: string }[]> {
    return service.rows('select event_id from billing_events where tenant_id = $1 order by 1', [tenant.id]);
  }

  // Real time counts for the guard.
  beforeEach(() => moveClock(service, service.get(Clock).realNow()));

  it('deletes the events of old closed months, and keeps the counter and the events of gauges', async () => {
    const tenant = await service.makeTenant();
    await oldUsage(tenant, 130);
    await runJob(service, 'usage.retention');
    expect(await eventsOf(tenant)).toEqual([{ event_id: 'seat' }]);
    expect(await counterOf(tenant, 'email_sends')).toMatchObject({ used: '3', events_kept: 'none' });
    // What can no longer be recounted is no drift.
    const before = await valueOf('usageDrift');
    await falsify(tenant, 'email_sends', 3);
    await runJob(service, 'usage.audit');
    expect([await valueOf('usageDrift'), (await counterOf(tenant, 'email_sends')).used]).toEqual([
      before,
      '3',
    ]);
  });

  it('leaves younger months and open ones alone', async () => {
    const [younger, open] = [await service.makeTenant(), await service.makeTenant()];
    await oldUsage(younger, 110);
    await oldUsage(open, 200, false);
    await runJob(service, 'usage.retention');
    expect(await eventsOf(younger)).toHaveLength(4);
    expect(await eventsOf(open)).toHaveLength(4);
    await service.rows('delete from usage_counters where tenant_id = $1', [open.id]);
  });

  it('never deletes an event of the last 100 days, whatever it is asked and the counters say', async () => {
    const tenant = await service.makeTenant();
    await oldUsage(tenant, 90);
    await service.rows(
      `update usage_counters set period_end = '2000-01-01', closed_at = '2000-01-01' where tenant_id = $1`,
      [tenant.id],
    );
    const other = await service.makeTenant();
    await oldUsage(other, 110);
    await service.rows(
      `select set_config('app.tenant_id', '*', false), delete_old_usage_events('infinity', 1000)`,
    );
    expect(await eventsOf(other)).toEqual([{ event_id: 'seat' }]);
    expect(await eventsOf(tenant)).toHaveLength(4);
  });

  it('forgets refusals and settled reservations after a month', async () => {
    const tenant = await service.makeTenant();
    const old = new Date(service.get(Clock).now().getTime() - 31 * DAY_MS);
    const young = new Date(service.get(Clock).now().getTime() - 29 * DAY_MS);
    for (const [name, at] of [
      ['old', old],
      ['young', young],
    ] as const) {
      await service.rows(
        `insert into usage_refusals (tenant_id, event_id, metric_name, quantity, code, refused_at)
         values ($1, $2, 'email_sends', 1, 'limit_exceeded', $3)`,
        [tenant.id, name, at],
      );
      for (const status of ['released', 'held'])
        await service.rows(
          `insert into usage_reservations (tenant_id, id, metric_name, period_start, quantity, subject, status,
             expires_at, created_at, settled_at)
           values ($1, $2, 'email_sends', $3, 1, $4, $5::text, 'infinity', $6,
             case when $5::text = 'held' then null else $6::timestamptz end)`,
          [tenant.id, randomUUID(), ALWAYS, `${name} ${status}`, status, at],
        );
    }
    await runJob(service, 'usage.retention');
    expect(
      await service.rows('select event_id from usage_refusals where tenant_id = $1', [tenant.id]),
    ).toEqual([{ event_id: 'young' }]);
    const left = await service.rows<{ subject: string }>(
      'select subject from usage_reservations where tenant_id = $1 order by 1',
      [tenant.id],
    );
    expect(left.map(({ subject }) => subject)).toEqual(['old held', 'young held', 'young released']);
  });
});
