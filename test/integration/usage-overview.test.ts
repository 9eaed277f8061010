import { randomUUID } from 'node:crypto';
import { ClockSync } from '../../src/platform/database/clock-sync';
import type { Answered, ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let service: TestService;
/** Noon of the 11th of the next month: business time of these tests, away from the edges of months. */
let noon: Date;
let month: Date;
let before: Date;

beforeAll(async () => {
  // No background work: the nightly rollup would write the days that these tests write.
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '', ROLE: 'api' } });
  const real = new Date();
  month = new Date(Date.UTC(real.getUTCFullYear(), real.getUTCMonth() + 1, 1));
  before = new Date(Date.UTC(real.getUTCFullYear(), real.getUTCMonth(), 1));
  noon = new Date(month.getTime() + 10 * DAY_MS + 12 * HOUR_MS);
  await service.rows(
    `insert into clock_offset (id, offset_ms) values (1, $1) on conflict (id) do update set offset_ms = $1`,
    [noon.getTime() - real.getTime()],
  );
  await service.get(ClockSync).sync();
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: 100, campaigns: 3, seats: null, leaderboard_entries: 5 },
  });
});
afterAll(() => service.close());

async function record(tenant: TestTenant, metric: string, quantity: number): Promise<void> {
  const answer = await service.api('POST', '/v1/billings/usage/events', {
    key: tenant.key,
    body: { event_id: randomUUID(), metric, quantity },
  });
  expect(answer.status).toBe(201);
}

const overviewOf = (tenant: TestTenant): Promise<ApiAnswer> =>
  service.api('GET', '/v1/billings/usage', { key: tenant.key });

async function metricOf(tenant: TestTenant, metric: string): Promise<Answered> {
  const { body } = await overviewOf(tenant);
  return body.metrics.find((one: Answered) => one.metric === metric);
}

const dayOf = (start: Date, days: number): string =>
  new Date(start.getTime() + days * DAY_MS).toISOString().slice(0, 10);

/** What the nightly job writes. */
async function snapshot(
  tenant: TestTenant,
  metric: string,
  date: string,
  used: string,
  periodStart: Date,
): Promise<void> {
  await service.rows(
    `insert into tenant_usage (tenant_id, metric_name, period_kind, period_date, period_start, current_usage)
     values ($1, $2, 'day', $3, $4, $5)`,
    [tenant.id, metric, date, periodStart, used],
  );
}

it('shows every metric that the limits name, used or not', async () => {
  const tenant = await service.makeTenant();

  const { status, body } = await overviewOf(tenant);

  expect(status).toBe(200);
  const nextMonth = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1)).toISOString();
  expect(body.period).toEqual({ start: month.toISOString(), end: nextMonth });
  expect(body.metrics.map(({ metric }: Answered) => metric)).toEqual([
    'campaigns',
    'email_sends',
    'leaderboard_entries',
    'seats',
  ]);
  const unused = { current_usage: 0, reserved: 0, over_limit: false, trend: null };
  const today = [{ date: noon.toISOString().slice(0, 10), value: 0 }];
  expect(body.metrics.find(({ metric }: Answered) => metric === 'email_sends')).toEqual({
    ...unused,
    metric: 'email_sends',
    name: 'E-mails sent',
    kind: 'flow',
    aggregation: 'sum',
    unit: 'e-mails',
    limit: 100,
    grace_limit: 100,
    percent: 0,
    remaining: 100,
    resets_at: nextMonth,
    history: today,
  });
  expect(await metricOf(tenant, 'seats')).toMatchObject({
    ...unused,
    kind: 'gauge',
    limit: null,
    grace_limit: null,
    percent: null,
    remaining: null,
    resets_at: null,
    history: today,
  });
  expect(await metricOf(tenant, 'leaderboard_entries')).toMatchObject({ kind: 'cap', limit: 5, history: [] });
});

it('shows what is used and what is reserved, at once', async () => {
  const tenant = await service.makeTenant();
  await record(tenant, 'email_sends', 33);
  await service.api('POST', '/v1/billings/usage/reservations', {
    key: tenant.key,
    body: { metric: 'email_sends', quantity: 7 },
  });
  expect(await metricOf(tenant, 'email_sends')).toMatchObject({
    current_usage: 33,
    reserved: 7,
    percent: 33,
    remaining: 60,
    over_limit: false,
  });
});

it('says so when a limit was lowered below what is used (B-100)', async () => {
  const tenant = await service.makeTenant();
  await record(tenant, 'campaigns', 3);
  await service.rows(
    `update tenant_entitlements set limits = limits || '{"campaigns": 2}', version = version + 1
      where tenant_id = $1`,
    [tenant.id],
  );
  const lowered = await service.until(async () => {
    const metric = await metricOf(tenant, 'campaigns');
    return metric.limit === 2 && metric;
  });
  expect(lowered).toMatchObject({ current_usage: 3, over_limit: true, percent: 150, remaining: 0 });
});

it('shows a metric that no limit names when it was used', async () => {
  const tenant = await service.makeTenant();
  await record(tenant, 'seats', 2);
  await service.rows(
    `update tenant_entitlements set limits = limits - 'seats', version = version + 1 where tenant_id = $1`,
    [tenant.id],
  );
  const unnamed = await service.until(async () => {
    const metric = await metricOf(tenant, 'seats');
    return metric.limit === 0 && metric;
  });
  expect(unnamed).toMatchObject({ current_usage: 2, over_limit: true, percent: null, remaining: 0 });
});

describe('the trend', () => {
  it('of a flow is the change against the same moment of the month before', async () => {
    const tenant = await service.makeTenant();
    await record(tenant, 'email_sends', 45);
    await service.rows(
      `insert into usage_counters (tenant_id, metric_name, period_start, period_end, used, closed_at)
       values ($1, 'email_sends', $2, $3, 80, $3)`,
      [tenant.id, before, month],
    );
    expect((await metricOf(tenant, 'email_sends')).trend).toBeNull();
    await snapshot(tenant, 'email_sends', dayOf(before, 9), '20', before);
    await snapshot(tenant, 'email_sends', dayOf(before, 10), '40', before);
    // At noon between the two it was 30.
    expect((await metricOf(tenant, 'email_sends')).trend).toEqual({ direction: 'up', percent: 50 });
  });

  it('of a gauge is the change against what it was then', async () => {
    const tenant = await service.makeTenant();
    await record(tenant, 'seats', 3);
    await snapshot(tenant, 'seats', dayOf(before, 9), '4', new Date(0));
    expect((await metricOf(tenant, 'seats')).trend).toEqual({ direction: 'down', percent: -25 });
  });
});

it('the history is what the counter showed at the end of each of the last 30 days, and shows now', async () => {
  const tenant = await service.makeTenant();
  await record(tenant, 'email_sends', 9);
  for (const [days, used] of [
    [-30, '50.5'],
    [-29, '60'],
    [-2, '7.50'],
    [-1, '8'],
    [0, '8'],
  ] as const)
    await snapshot(tenant, 'email_sends', dayOf(noon, days), used, days < -10 ? before : month);
  expect((await metricOf(tenant, 'email_sends')).history).toEqual([
    { date: dayOf(noon, -29), value: 60 },
    { date: dayOf(noon, -2), value: '7.5' },
    { date: dayOf(noon, -1), value: 8 },
    { date: dayOf(noon, 0), value: 9 },
  ]);
});

it('shows nothing of other tenants', async () => {
  const [own, other] = await Promise.all([service.makeTenant(), service.makeTenant()]);
  await record(other, 'email_sends', 5);
  await snapshot(other, 'email_sends', dayOf(noon, -1), '5', month);
  expect(await metricOf(own, 'email_sends')).toMatchObject({
    current_usage: 0,
    history: [{ date: dayOf(noon, 0), value: 0 }],
  });
});

describe('the cost', () => {
  const costOf = (tenant: TestTenant): Promise<ApiAnswer> =>
    service.api('GET', '/v1/billings/usage/cost', { key: tenant.key });
  const usd = (amount: number) => ({ amount, currency: 'usd' });
  const flat = (amount: number) => ({
    cost_to_date: usd(amount),
    projected: { method: 'flat_fees', cost: usd(amount), low: usd(amount), high: usd(amount) },
  });

  it('of a free plan is nothing, and usage is forecast all the same', async () => {
    const tenant = await service.makeTenant();
    await record(tenant, 'email_sends', 21);
    await record(tenant, 'seats', 4);

    const { status, body } = await costOf(tenant);

    expect(status).toBe(200);
    expect(body).toMatchObject({ currency: 'usd', is_complete: true, charges: [], ...flat(0) });
    expect(body.period.start).toBe(month.toISOString());
    const metric = (name: string): Answered => body.metrics.find((one: Answered) => one.metric === name);
    const days = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0)).getUTCDate();
    const value = Math.ceil((21 * days) / 10.5 - 1e-6);
    expect(Math.abs(metric('email_sends').projected_usage.value - value)).toBeLessThanOrEqual(1);
    expect(metric('email_sends')).toMatchObject({
      kind: 'flow',
      unit: 'e-mails',
      current_usage: 21,
      pricing_model: null,
      cost_to_date: usd(0),
      projected_usage: { method: 'pace' },
    });
    expect(metric('seats').projected_usage).toEqual({ method: 'level', value: 4, low: 4, high: 4 });
    expect(metric('leaderboard_entries')).toBeUndefined();
  });

  it('has a range between the pace of the month, that of the last days and the month before', async () => {
    const tenant = await service.makeTenant();
    await record(tenant, 'email_sends', 21);
    await snapshot(tenant, 'email_sends', dayOf(noon, -8), '21', month);
    await service.rows(
      `insert into usage_counters (tenant_id, metric_name, period_start, period_end, used, closed_at)
       values ($1, 'email_sends', $2, $3, 90, $3)`,
      [tenant.id, before, month],
    );
    const { body } = await costOf(tenant);
    const { projected_usage } = body.metrics.find((one: Answered) => one.metric === 'email_sends');
    expect(projected_usage).toMatchObject({ low: 21, high: 90 });
    expect(projected_usage.value).toBeGreaterThan(50);
    expect(projected_usage.value).toBeLessThan(70);
  });
});
