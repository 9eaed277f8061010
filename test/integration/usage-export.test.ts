import { randomUUID } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { CopyOut } from '../../src/platform/database/copy-out';
import type { TenantId } from '../../src/contracts/ids';
import type { ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

const EXPORT = '/v1/billings/usage/export';
const HEADER =
  'event_id,event_type,metric,quantity,subject,timestamp,received_at,period_start,corrects,reason,metadata';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: null, api_calls: null, campaigns: null },
  });
});
afterAll(() => service.close());

async function record(tenant: TestTenant, fields: Record<string, unknown> = {}): Promise<string> {
  const body = { event_id: randomUUID(), metric: 'email_sends', ...fields };
  const answer = await service.api('POST', '/v1/billings/usage/events', { key: tenant.key, body });
  expect(answer.status).toBe(201);
  return body.event_id;
}

const exported = (tenant: TestTenant, query = ''): Promise<ApiAnswer> =>
  service.api('GET', `${EXPORT}?${query}`, { key: tenant.key });

/** Reads CSV as RFC 4180 says: fields by name; what is null and what is empty is not told apart. */
function readCsv(text: string): Record<string, string>[] {
  expect(text.endsWith('\r\n')).toBe(true);
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy)) {
    rows.at(-1)!.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
  }
  expect(rows.pop()).toEqual([]);
  const [names, ...lines] = rows;
  for (const line of lines) expect(line).toHaveLength(names!.length);
  return lines.map((line) => Object.fromEntries(names!.map((name, at) => [name, line[at]!])));
}

/** Puts many events into the ledger, past the service. */
async function seed(tenant: TestTenant, events: number): Promise<void> {
  await service.rows(
    `insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
       timestamp_given, period, received_at, subject)
     select $1, 'seed_' || n, 'usage', 'api_calls', n % 7, now() - n * interval '1 second', true,
            date_trunc('month', now()), now(), repeat('s', 100)
       from generate_series(1, $2) n`,
    [tenant.id, events],
  );
}

/** The export as a stream that the test reads as it likes. */
function open(tenant: TestTenant, query = ''): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${tenant.key}` };
    get(`${service.url}${EXPORT}?${query}`, { headers, agent: false }, resolve).on('error', reject);
  });
}

/** Connections of exports that the database knows. */
async function connections(): Promise<number> {
  const [row] = await service.rows<{ open: number }>(
    `select count(*)::int as open from pg_stat_activity
      where datname = current_database() and application_name = 'tenant-billing-export' and backend_type = 'client backend'`,
  );
  return row!.open;
}

describe('the export', () => {
  it('has each event as a row, the oldest first, and is a file', async () => {
    const tenant = await service.makeTenant();
    const second = await record(tenant, { quantity: 2, subject: 'ann', metadata: { b: '2', a: '1' } });
    const first = await record(tenant, {
      quantity: 1,
      timestamp: new Date(Date.now() - 60_000).toISOString(),
    });

    const answer = await exported(tenant);

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="usage.csv"');
    expect(answer.text.split('\r\n')[0]).toBe(HEADER);
    const rows = readCsv(answer.text);
    expect(rows.map(({ event_id }) => event_id)).toEqual([first, second]);
    expect(rows[1]).toMatchObject({
      event_type: 'usage',
      metric: 'email_sends',
      quantity: '2',
      subject: 'ann',
      corrects: '',
      reason: '',
      metadata: '{"a": "1", "b": "2"}',
    });
    for (const field of ['timestamp', 'received_at', 'period_start'])
      expect(rows[1]![field]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/);
  });

  it('of nothing is its header', async () => {
    expect((await exported(await service.makeTenant())).text).toBe(`${HEADER}\r\n`);
  });

  it('makes no formulas, and quotes what must be quoted', async () => {
    const tenant = await service.makeTenant();
    const subjects = [
      '=HYPERLINK("http://evil.test","x")',
      '+1+1',
      '-1+1',
      '@SUM(1)',
      '＝1+1',
      'a,b "c"',
      '${jndi:ldap://x}',
      '-12.5',
      'plain',
      '漢字 🎉',
      '; DROP TABLE x',
    ];
    for (const subject of subjects) await record(tenant, { subject });
    await record(tenant, { event_id: '-x', subject: '-' });
    await record(tenant, { event_id: '-5' });
    const rows = readCsv((await exported(tenant)).text);
    const bySubject = rows.map(({ subject }) => subject!);
    for (const subject of subjects)
      expect(bySubject).toContain(/^[=+@＝]|^-1\+/.test(subject) ? `'${subject}` : subject);
    expect(rows.filter(({ event_id }) => event_id === "'-x")).toMatchObject([{ subject: "'-" }]);
    expect(rows.map(({ event_id }) => event_id)).toContain('-5');
  });

  it('keeps line breaks of stored texts inside their quotes', async () => {
    const tenant = await service.makeTenant();
    await record(tenant, { event_id: 'a', metadata: { text: 'one\r\ntwo, "three"' } });
    await service.rows(
      `insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
         timestamp_given, period, received_at, reason)
       values ($1, 'b', 'correction', 'email_sends', -1, now() + interval '1 minute', true, now(), now(), $2)`,
      [tenant.id, '\tone\r\ntwo'],
    );
    const [event, correction] = readCsv((await exported(tenant)).text);
    expect(JSON.parse(event!.metadata!)).toEqual({ text: 'one\r\ntwo, "three"' });
    expect(correction).toMatchObject({ quantity: '-1', reason: "'\tone\r\ntwo" });
  });

  it('filters by time and meter, the end not included', async () => {
    const tenant = await service.makeTenant();
    const minute = Math.floor(Date.now() / 60_000) * 60_000;
    const at = (minutesAgo: number): string => new Date(minute - minutesAgo * 60_000).toISOString();
    for (const minutes of [1, 2, 3, 4])
      await record(tenant, { event_id: `m${minutes}`, timestamp: at(minutes) });
    await record(tenant, { event_id: 'other', metric: 'campaigns', timestamp: at(2) });
    const idsOf = async (query: string): Promise<string[]> =>
      readCsv((await exported(tenant, query)).text).map(({ event_id }) => event_id!);
    expect(await idsOf(`from=${at(3)}&to=${at(1)}&metric=email_sends`)).toEqual(['m3', 'm2']);
    expect(await idsOf('metric=campaigns')).toEqual(['other']);
    const named = await exported(tenant, `from=${at(3)}&metric=campaigns`);
    const day = at(3).slice(0, 10);
    expect(named.headers.get('content-disposition')).toBe(
      `attachment; filename="usage_campaigns_${day}.csv"`,
    );
    expect(readCsv(named.text)[0]!.period_start).toBe('');
  });

  it('adds up to the counters', async () => {
    const tenant = await service.makeTenant();
    for (let at = 1; at <= 20; at++) await record(tenant, { quantity: at, subject: `s${at % 3}` });
    await record(tenant, { metric: 'campaigns', quantity: 3 });
    await service.api('POST', '/v1/billings/usage/decrement', {
      key: tenant.key,
      body: { metric: 'campaigns' },
    });
    const wrong = await record(tenant, { quantity: 1000 });
    await service.api('POST', '/v1/billings/usage/corrections', {
      key: service.adminKey,
      tenantId: tenant.id,
      body: { event_id: wrong, reason: 'Test data' },
    });
    const sums = new Map<string, number>();
    for (const { metric, quantity } of readCsv((await exported(tenant)).text))
      sums.set(metric!, (sums.get(metric!) ?? 0) + Number(quantity));
    const counters = await service.rows<{ metric_name: string; used: string }>(
      'select metric_name, used from usage_counters where tenant_id = $1',
      [tenant.id],
    );
    expect(Object.fromEntries(sums)).toEqual(
      Object.fromEntries(counters.map(({ metric_name, used }) => [metric_name, Number(used)])),
    );
    expect(sums.get('email_sends')).toBe(210);
  });

  it('shows nothing of other tenants', async () => {
    const [own, other] = await Promise.all([service.makeTenant(), service.makeTenant()]);
    await record(other);
    const mine = await record(own);
    expect(readCsv((await exported(own)).text).map(({ event_id }) => event_id)).toEqual([mine]);
  });

  it.each([
    ['from=yesterday', 400, 'validation_failed'],
    ['to=2026-02-30T00:00:00Z', 400, 'validation_failed'],
    ['from=2026-02-02T00:00:00Z&to=2026-02-02T00:00:00Z', 400, 'validation_failed'],
    ["metric=x';drop", 400, 'validation_failed'],
    ['metric=nothing_known', 404, 'unknown_meter'],
    ['more=1', 400, 'validation_failed'],
  ])('refuses %s', async (query, status, code) => {
    const answer = await exported(await service.makeTenant(), query);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers.get('content-disposition')).toBeNull();
  });

  it('asked for its head only, makes nobody work', async () => {
    const tenant = await service.makeTenant();
    const answer = await service.api('HEAD', EXPORT, { key: tenant.key });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
    expect(await connections()).toBe(0);
  });
});

describe('a large export', () => {
  const EVENTS = 60_000;
  let tenant: TestTenant;
  beforeAll(async () => {
    tenant = await service.makeTenant();
    await seed(tenant, EVENTS);
  });

  it('comes whole, in order, each event once', async () => {
    const { text } = await exported(tenant);
    // Seeded rows hold no line break and no comma before the one behind their id.
    const ids = text
      .split('\r\n')
      .slice(1, -1)
      .map((line) => line.slice(0, line.indexOf(',')));
    const expected = Array.from({ length: EVENTS }, (_, at) => `seed_${EVENTS - at}`);
    expect(ids.join() === expected.join()).toBe(true);
    expect(await service.until(async () => (await connections()) === 0)).toBe(true);
  });

  it('that nobody reads waits, and its connection ends with the client', async () => {
    const answer = await open(tenant);
    answer.pause();
    await once(answer, 'readable');
    expect(await connections()).toBe(1);
    const waiting = await service.until(async () => {
      const [row] = await service.rows<{ wait_event: string | null }>(
        `select wait_event from pg_stat_activity
          where datname = current_database() and application_name = 'tenant-billing-export' and backend_type = 'client backend'`,
      );
      return row?.wait_event === 'ClientWrite' && row;
    });
    expect(waiting.wait_event).toBe('ClientWrite');
    answer.destroy();
    expect(await service.until(async () => (await connections()) === 0)).toBe(true);
  });

  it('is one of two of a tenant; a third is told to wait, others are not', async () => {
    const running = [await open(tenant), await open(tenant)];
    const third = await exported(tenant);
    expect([third.status, third.body.code, third.headers.get('retry-after')]).toEqual([
      429,
      'rate_limited',
      '10',
    ]);
    const other = await service.makeTenant();
    expect((await exported(other)).status).toBe(200);
    for (const answer of running) answer.destroy();
    await service.until(async () => (await exported(tenant, 'metric=campaigns')).status === 200);
  });

  it('that the database breaks off ends without its end', async () => {
    const answer = await open(tenant);
    answer.pause();
    const broken = new Promise((resolve) => answer.once('close', resolve));
    answer.on('error', () => undefined);
    await service.rows(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'tenant-billing-export' and backend_type = 'client backend'`,
    );
    answer.resume();
    await broken;
    expect(answer.complete).toBe(false);
    expect((await exported(tenant, 'metric=campaigns')).status).toBe(200);
  });

  it('of a reader who has stopped reading is given up', async () => {
    const copy = await CopyOut.open({
      url: service.database.appUrl,
      name: 'tenant-billing-export',
      tenantId: tenant.id as TenantId,
      select: 'select * from billing_events where tenant_id = $1::uuid',
      parameters: [tenant.id],
      stalledMs: 50,
    });
    const [error] = (await once(copy, 'error')) as [Error];
    expect(error.message).toContain('stopped reading');
    expect(await service.until(async () => (await connections()) === 0)).toBe(true);
  });
});
