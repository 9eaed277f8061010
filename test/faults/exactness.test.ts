import { startTestService, type TestService, type TestTenant } from '../support/service';
import type { ApiAnswer } from '../support/api';
import { expectInvariants } from './invariants/invariants';
import { sendTenths } from './tenths';

/** quantities are exact to the last digit, and what cannot be is refused, never rounded. */
let service: TestService;

const LARGEST = '99999999999999999999999999999999999999';

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  for (const scale of [0, 1, 3, 9])
    await service.rows(
      `insert into meters (key, name, unit, aggregation, kind, scale) values ($1, $1, 'u', 'sum', 'flow', $2)`,
      [`scale_${scale}`, scale],
    );
  for (const aggregation of ['max', 'latest'])
    await service.rows(
      `insert into meters (key, name, unit, aggregation, kind, scale) values ($1, $1, 'u', $2, 'flow', 9)`,
      [`exact_${aggregation}`, aggregation],
    );
  const meters = ['scale_0', 'scale_1', 'scale_3', 'scale_9', 'exact_max', 'exact_latest'];
  const limits = Object.fromEntries(meters.map((key) => [key, null]));
  await service.makePlan({ slug: 'free', amount: 0, limits: { ...limits, campaigns: null } });
});
afterAll(() => service.close());
afterEach(() =>
  expectInvariants({ databaseUrl: service.database.superuserUrl, redisUrl: service.env.REDIS_URL }),
);

const made = { events: 0, tenants: [] as string[] };
const newId = (): string => `exact-${++made.events}`;

async function makeTenant(): Promise<TestTenant> {
  const tenant = await service.makeTenant();
  made.tenants.push(tenant.id);
  return tenant;
}

function send(tenant: TestTenant, body: unknown): Promise<ApiAnswer> {
  return service.api('POST', '/v1/billings/usage/events', { key: tenant.key, body });
}

/** Sends the text of one event as it is: JSON.stringify would rewrite its numbers. */
function sendRaw(tenant: TestTenant, metric: string, quantity: string): Promise<ApiAnswer> {
  return service.api('POST', '/v1/billings/usage/events', {
    key: tenant.key,
    raw: `{"event_id":"${newId()}","metric":"${metric}","quantity":${quantity}}`,
    headers: { 'content-type': 'application/json' },
  });
}

/** What Postgres, the check and the next event's answer say of it. */
async function usedOf(tenant: TestTenant, metric: string): Promise<{ stored: string; told: unknown }> {
  const [row] = await service.rows<{ used: string }>(
    'select trim_scale(used)::text as used from usage_counters where tenant_id = $1 and metric_name = $2',
    [tenant.id, metric],
  );
  const check = await service.api('POST', '/v1/billings/limits/check', { key: tenant.key, body: { metric } });
  return { stored: row?.used ?? '0', told: check.body.current_usage };
}

// A million of them: npm run test:faults -- R-28.
it('a hundred thousand times 0.1 is 10000', async () => {
  const tenant = await makeTenant();
  await sendTenths((events) => send(tenant, { events }), 100);
  expect(await usedOf(tenant, 'scale_1')).toEqual({ stored: '10000', told: 10000 });
}, 60_000);

describe('past what a JSON number can hold', () => {
  it('a text is exact, and so is its sum', async () => {
    const tenant = await makeTenant();
    const first = await send(tenant, { event_id: newId(), metric: 'scale_0', quantity: '9007199254740993' });
    expect([first.status, first.body.current_usage]).toEqual([201, '9007199254740993']);
    const second = await send(tenant, { event_id: newId(), metric: 'scale_0', quantity: 2 });
    expect(second.body.current_usage).toBe('9007199254740995');
    expect(await usedOf(tenant, 'scale_0')).toEqual({ stored: '9007199254740995', told: '9007199254740995' });
  });

  it('sums of safe numbers leave the safe range as texts', async () => {
    const tenant = await makeTenant();
    const quantity = Number.MAX_SAFE_INTEGER;
    const told: unknown[] = [];
    for (let at = 0; at < 3; at++)
      told.push((await send(tenant, { event_id: newId(), metric: 'scale_0', quantity })).body.current_usage);
    expect(told).toEqual([9007199254740991, '18014398509481982', '27021597764222973']);
    expect((await usedOf(tenant, 'scale_0')).stored).toBe('27021597764222973');
  });

  it('many of them in one batch, in one transaction', async () => {
    const tenant = await makeTenant();
    const events = Array.from({ length: 500 }, () => ({
      event_id: newId(),
      metric: 'scale_9',
      quantity: '9007199254740993.000000001',
    }));
    const { body } = await send(tenant, { events });
    expect(body.summary.recorded).toBe(500);
    expect(body.results[0].current_usage).toBe('9007199254740993.000000001');
    expect(body.results[499].current_usage).toBe('4503599627370496500.0000005');
    expect((await usedOf(tenant, 'scale_9')).stored).toBe('4503599627370496500.0000005');
  });

  it('38 digits are exact; their sum and one digit more are exact or refused, never rounded', async () => {
    const tenant = await makeTenant();
    const first = await send(tenant, { event_id: newId(), metric: 'scale_0', quantity: LARGEST });
    expect([first.status, first.body.current_usage]).toEqual([201, LARGEST]);
    const second = await send(tenant, { event_id: newId(), metric: 'scale_0', quantity: LARGEST });
    const sum = (BigInt(LARGEST) * (second.status === 201 ? 2n : 1n)).toString();
    expect(await usedOf(tenant, 'scale_0')).toEqual({ stored: sum, told: sum });
    const longer = await send(tenant, { event_id: newId(), metric: 'scale_0', quantity: `${LARGEST}9` });
    expect([longer.status, longer.body.code]).toEqual([400, 'validation_failed']);
  });
});

describe('the smallest', () => {
  it('a billionth counts, a million of them are a thousandth', async () => {
    const tenant = await makeTenant();
    const first = await send(tenant, { event_id: newId(), metric: 'scale_9', quantity: '0.000000001' });
    expect([first.status, first.body.current_usage]).toEqual([201, '0.000000001']);
    await send(tenant, { event_id: newId(), metric: 'scale_9', quantity: '0.000999999' });
    expect(await usedOf(tenant, 'scale_9')).toEqual({ stored: '0.001', told: '0.001' });
  });

  it.each([
    ['scale_0', '0.5'],
    ['scale_1', '0.05'],
    ['scale_3', '1.0001'],
    ['scale_9', '0.0000000001'],
  ])('more decimals than %s counts are refused: %s', async (metric, quantity) => {
    const tenant = await makeTenant();
    const { status, body } = await send(tenant, { event_id: newId(), metric, quantity });
    expect([status, body.code]).toEqual([400, 'validation_failed']);
    expect((await usedOf(tenant, metric)).stored).toBe('0');
  });

  it('zeros behind the point are no decimals', async () => {
    const tenant = await makeTenant();
    const answers = [];
    for (const quantity of ['5.0', '5.000000000', '0.10'])
      answers.push(
        (await send(tenant, { event_id: newId(), metric: 'scale_1', quantity })).body.current_usage,
      );
    expect(answers).toEqual([5, 10, '10.1']);
  });
});

describe('the words of JSON', () => {
  it.each([
    ['1e3', 1000],
    ['1.0', 1],
    ['"1"', 1],
    ['1E+2', 100],
    ['"1.0"', 1],
    ['9007199254740991', 9007199254740991],
  ])('%s is %s', async (text, wanted) => {
    const tenant = await makeTenant();
    const { status, body } = await sendRaw(tenant, 'scale_0', text);
    expect([status, body.current_usage]).toEqual([201, wanted]);
  });

  it.each([
    '9007199254740993',
    '9007199254740992',
    '0.1',
    '1.5',
    '0',
    '-0',
    '-1',
    '1e400',
    '1e-9',
    '0.000000001',
    '1e21',
    '"1e3"',
    '"01"',
    '"+1"',
    '" 1"',
    '"1."',
    '".5"',
    '"0"',
    '"0.0"',
    '"-1"',
    '"NaN"',
    '"Infinity"',
    '"１"',
    '""',
    'null',
    'true',
    '[1]',
    '{}',
  ])('%s is refused', async (text) => {
    const tenant = await makeTenant();
    const { status, body } = await sendRaw(tenant, 'scale_9', text);
    expect([status, body.code]).toEqual([400, 'validation_failed']);
    expect((await usedOf(tenant, 'scale_9')).stored).toBe('0');
  });

  it('a number is the same event however it is written', async () => {
    const tenant = await makeTenant();
    const statuses = [];
    for (const quantity of ['5', '5.0', '"5"', '"5.00"', '5e0', '6'])
      statuses.push(
        (
          await service.api('POST', '/v1/billings/usage/events', {
            key: tenant.key,
            raw: `{"event_id":"one","metric":"scale_3","quantity":${quantity}}`,
            headers: { 'content-type': 'application/json' },
          })
        ).status,
      );
    expect(statuses).toEqual([201, 200, 200, 200, 200, 422]);
  });
});

it('the largest and the latest are exact, too', async () => {
  const tenant = await makeTenant();
  for (const quantity of ['9007199254740993.000000001', '9007199254740993.000000002', '9007199254740993'])
    for (const metric of ['exact_max', 'exact_latest'])
      await send(tenant, { event_id: newId(), metric, quantity });
  expect((await usedOf(tenant, 'exact_max')).told).toBe('9007199254740993.000000002');
  expect((await usedOf(tenant, 'exact_latest')).told).toBe('9007199254740993');
});

it('a gauge comes back to exactly 0', async () => {
  const tenant = await makeTenant();
  const count = (way: string, amount: number | string): Promise<ApiAnswer> =>
    service.api('POST', `/v1/billings/usage/${way}`, {
      key: tenant.key,
      body: { metric: 'campaigns', count: amount },
    });
  await count('increment', '9007199254740993');
  await count('increment', 7);
  await count('decrement', '9007199254740000');
  const last = await count('decrement', 1000);
  expect([last.status, last.body.current_usage]).toEqual([201, 0]);
  expect((await count('decrement', 1)).status).toBe(409);
});
