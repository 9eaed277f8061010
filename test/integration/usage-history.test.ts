import { randomUUID } from 'node:crypto';
import type { Answered, ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

const HISTORY = '/v1/billings/usage/history';
const HOUR_MS = 3_600_000;

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  await service.rows(
    `insert into meters (key, name, unit, aggregation, kind, scale) values
       ('signups', 'Sign-ups', 'sign-ups', 'count', 'flow', 0),
       ('peak', 'Peak', 'users', 'max', 'flow', 0),
       ('level', 'Level', 'points', 'latest', 'flow', 0),
       ('tank', 'Tank', 'litres', 'latest', 'gauge', 0),
       ('visitors', 'Visitors', 'visitors', 'unique', 'flow', 0),
       ('hours', 'Hours', 'hours', 'sum', 'flow', 2)`,
  );
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: null, campaigns: null, signups: null, visitors: null, hours: null },
  });
});
afterAll(() => service.close());

/** Midnight some days ago. */
const day = (ago: number, hours = 0): Date =>
  new Date(Math.floor(Date.now() / (24 * HOUR_MS) - ago) * 24 * HOUR_MS + hours * HOUR_MS);

async function historyOf(tenant: TestTenant, query: Record<string, string>): Promise<ApiAnswer> {
  return service.api('GET', `${HISTORY}?${new URLSearchParams(query)}`, { key: tenant.key });
}

/** The values of the one series. */
async function valuesOf(tenant: TestTenant, query: Record<string, string>): Promise<unknown[]> {
  const { status, body } = await historyOf(tenant, query);
  expect([status, body.series?.length]).toEqual([200, 1]);
  return body.series[0].points.map(({ value }: Answered) => value);
}

const threeDays = (metric: string, more: Record<string, string> = {}) => ({
  metric,
  from: day(3).toISOString(),
  to: day(0).toISOString(),
  ...more,
});

/** Puts events into the ledger and moves the counter, as record_usage would have then. */
async function happened(
  tenant: TestTenant,
  metric: string,
  events: { at: Date; quantity?: number | string; subject?: string; id?: string }[],
  isGauge = false,
): Promise<void> {
  for (const { at, quantity = 1, subject = null, id = randomUUID() } of events)
    await service.rows(
      `with event as (
         insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
           timestamp_given, period, received_at, subject)
         values ($1, $2, 'usage', $3, $4, $5::timestamptz, true, $6::timestamptz, $5::timestamptz, $7) returning *)
       insert into usage_counters as k (tenant_id, metric_name, period_start, used)
       select tenant_id, metric_name, period, increment from event
       on conflict (tenant_id, metric_name, period_start) do update set used = k.used + excluded.used`,
      [tenant.id, id, metric, quantity, at, isGauge ? new Date(0) : day(3), subject],
    );
}

async function correct(tenant: TestTenant, eventId: string): Promise<void> {
  const answer = await service.api('POST', '/v1/billings/usage/corrections', {
    key: service.adminKey,
    tenantId: tenant.id,
    body: { event_id: eventId, reason: 'Test data' },
  });
  expect(answer.status).toBe(201);
}

describe('a series', () => {
  it('has each event in the bucket of its time, corrections taken off, and every bucket', async () => {
    const tenant = await service.makeTenant();
    await happened(tenant, 'email_sends', [
      { at: new Date(day(3).getTime() - 1), quantity: 100 },
      { at: day(3), quantity: 1 },
      { at: new Date(day(2).getTime() - 1), quantity: 2 },
      { at: day(1, 5), quantity: 4 },
      { at: day(1, 6), quantity: 50, id: 'wrong' },
      { at: day(0), quantity: 8 },
    ]);
    await correct(tenant, 'wrong');

    const { status, body } = await historyOf(tenant, threeDays('email_sends'));

    expect(status).toBe(200);
    expect(body).toEqual({
      metric: 'email_sends',
      kind: 'flow',
      unit: 'e-mails',
      measure: 'total',
      granularity: 'day',
      group_by: null,
      from: day(3).toISOString(),
      to: day(0).toISOString(),
      series: [
        {
          subject: null,
          is_other: false,
          points: [
            { start: day(3).toISOString(), value: 3 },
            { start: day(2).toISOString(), value: 0 },
            { start: day(1).toISOString(), value: 4 },
          ],
        },
      ],
    });
  });

  it('begins and ends with whole buckets', async () => {
    const tenant = await service.makeTenant();
    await happened(tenant, 'email_sends', [{ at: day(2, 1) }, { at: day(1, 23) }]);
    const { body } = await historyOf(tenant, {
      metric: 'email_sends',
      from: day(2, 12).toISOString(),
      to: day(1, 1).toISOString(),
    });
    expect([body.from, body.to]).toEqual([day(2).toISOString(), day(0).toISOString()]);
    expect(body.series[0].points.map(({ value }: Answered) => value)).toEqual([1, 1]);
  });

  it('is by the hour, and by the calendar month, too', async () => {
    const tenant = await service.makeTenant();
    await happened(tenant, 'hours', [
      { at: day(1, 1), quantity: '0.1' },
      { at: day(1, 1.5), quantity: '0.2' },
      { at: day(1, 3), quantity: '1.25' },
    ]);
    expect(
      await valuesOf(tenant, {
        metric: 'hours',
        granularity: 'hour',
        from: day(1, 1).toISOString(),
        to: day(1, 4).toISOString(),
      }),
    ).toEqual(['0.3', 0, '1.25']);
    const months = await valuesOf(tenant, { metric: 'hours', granularity: 'month' });
    expect(months).toHaveLength(12);
    expect(months.filter((value) => value === '1.55')).toHaveLength(1);
  });

  it('is of the last 30 days, today included, when nothing is said', async () => {
    const tenant = await service.makeTenant();
    await service.api('POST', '/v1/billings/usage/events', {
      key: tenant.key,
      body: { event_id: randomUUID(), metric: 'email_sends', quantity: 5 },
    });
    const values = await valuesOf(tenant, { metric: 'email_sends' });
    expect([values.length, values.at(-1)]).toEqual([31, 5]);
  });

  it('does not show what has not begun', async () => {
    const tenant = await service.makeTenant();
    const values = await valuesOf(tenant, {
      metric: 'email_sends',
      from: day(1).toISOString(),
      to: day(-9).toISOString(),
    });
    expect(values).toEqual([0, 0]);
    expect(await valuesOf(tenant, { metric: 'email_sends', from: day(-5).toISOString() })).toEqual([]);
  });
});

describe('by the meaning of its meter, a bucket shows', () => {
  it('how many events, of a counting meter', async () => {
    const tenant = await service.makeTenant();
    await happened(tenant, 'signups', [
      { at: day(3), quantity: 7 },
      { at: day(3), id: 'wrong' },
      { at: day(1), quantity: 9 },
    ]);
    await correct(tenant, 'wrong');
    expect(await valuesOf(tenant, threeDays('signups'))).toEqual([1, 0, 1]);
  });

  it('the maximum, of a max meter', async () => {
    const tenant = await service.makeTenant();
    await happened(tenant, 'peak', [
      { at: day(3), quantity: 7 },
      { at: day(3, 1), quantity: 9 },
      { at: day(3, 2), quantity: 90, id: 'wrong' },
      { at: day(1), quantity: 2 },
    ]);
    await correct(tenant, 'wrong');
    expect(await valuesOf(tenant, threeDays('peak'))).toEqual([9, null, 2]);
  });

  it('different subjects, of a unique meter', async () => {
    const tenant = await service.makeTenant();
    await happened(tenant, 'visitors', [
      { at: day(3), subject: 'ann' },
      { at: day(3, 1), subject: 'ann' },
      { at: day(3, 2), subject: 'bob' },
      { at: day(1), subject: 'ann' },
    ]);
    expect(await valuesOf(tenant, threeDays('visitors'))).toEqual([2, 0, 1]);
  });

  it('the last value, of a latest meter; of a gauge it stays until the next', async () => {
    const tenant = await service.makeTenant();
    const events = [
      { at: day(5), quantity: 3 },
      { at: day(2, 2), quantity: 9 },
      { at: day(2, 4), quantity: 6 },
    ];
    await happened(tenant, 'level', events);
    await happened(tenant, 'tank', events, true);
    expect(await valuesOf(tenant, threeDays('level'))).toEqual([null, 6, null]);
    expect(await valuesOf(tenant, threeDays('tank'))).toEqual([3, 6, 6]);
  });

  it('what a gauge stood at when it ended, whatever happened before and since', async () => {
    const tenant = await service.makeTenant();
    await happened(
      tenant,
      'campaigns',
      [
        { at: day(40), quantity: 10 },
        { at: day(3, 1), quantity: 2 },
        { at: day(3, 2), quantity: -5 },
        { at: day(1), quantity: 1 },
        { at: day(0), quantity: 100 },
      ],
      true,
    );
    const { body } = await historyOf(tenant, threeDays('campaigns'));
    expect(body.measure).toBe('level');
    expect(body.series[0].points.map(({ value }: Answered) => value)).toEqual([7, 7, 8]);
    const now = await valuesOf(tenant, { metric: 'campaigns' });
    expect([now[0], now.at(-1)]).toEqual([10, 108]);
  });
});

describe('by subject', () => {
  it('the largest of the whole span come first, those without a subject among them', async () => {
    const tenant = await service.makeTenant();
    await happened(tenant, 'email_sends', [
      { at: day(3), quantity: 5, subject: 'ann' },
      { at: day(1), quantity: 6, subject: 'ann' },
      { at: day(2), quantity: 20, subject: 'bob' },
      { at: day(2), quantity: 1 },
      { at: day(0), quantity: 1000, subject: 'later' },
    ]);
    const { body } = await historyOf(tenant, threeDays('email_sends', { group_by: 'subject' }));
    const shown = body.series.map(({ subject, is_other, points }: Answered) => [
      subject,
      is_other,
      points.map(({ value }: Answered) => value),
    ]);
    expect(shown).toEqual([
      ['bob', false, [0, 20, 0]],
      ['ann', false, [5, 0, 6]],
      [null, false, [0, 1, 0]],
    ]);
    expect(body.group_by).toBe('subject');
  });

  it('a hundred stand for themselves, the others together', async () => {
    const tenant = await service.makeTenant();
    await service.rows(
      `insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
         timestamp_given, period, received_at, subject)
       select $1, 's' || n, 'usage', 'email_sends', n, $2, true, $2, $2, 's' || n from generate_series(1, 150) n`,
      [tenant.id, day(1)],
    );
    const { body } = await historyOf(tenant, threeDays('email_sends', { group_by: 'subject' }));
    expect(body.series).toHaveLength(101);
    expect(body.series[0]).toMatchObject({ subject: 's150', is_other: false });
    const rest = (50 * 51) / 2;
    expect(body.series[100]).toMatchObject({
      subject: null,
      is_other: true,
      points: [{ value: 0 }, { value: 0 }, { value: rest }],
    });
    const all = await valuesOf(tenant, threeDays('email_sends'));
    const sum = body.series.reduce((total: number, { points }: Answered) => total + points[2].value, 0);
    expect(sum).toBe(all[2]);
  });

  it.each(['campaigns', 'visitors', 'level'])('%s are not told apart', async (metric) => {
    const answer = await historyOf(await service.makeTenant(), threeDays(metric, { group_by: 'subject' }));
    expect([answer.status, answer.body.code]).toEqual([422, 'unprocessable']);
  });
});

it('agrees with the counter, whatever was recorded', async () => {
  const tenant = await service.makeTenant();
  const now = Date.now();
  const events = Array.from({ length: 200 }, (_, at) => ({
    event_id: randomUUID(),
    metric: 'hours',
    quantity: `${at % 7}.${String((at * 37) % 100).padStart(2, '0')}`.replace(/^0\.00$/, '0.5'),
    timestamp: new Date(now - at * 60_000).toISOString(),
  }));
  const sent = await service.api('POST', '/v1/billings/usage/events', { key: tenant.key, body: { events } });
  expect(sent.body.summary.recorded).toBe(200);
  await correct(tenant, events[17]!.event_id);
  const [counter] = await service.rows<{ used: string }>(
    `select trim_scale(used)::text as used from usage_counters where tenant_id = $1`,
    [tenant.id],
  );
  const values = (await valuesOf(tenant, { metric: 'hours', granularity: 'hour' })) as (number | string)[];
  const hundredths = values.reduce<number>((sum, value) => sum + Math.round(Number(value) * 100), 0);
  expect(hundredths).toBe(Math.round(Number(counter!.used) * 100));
});

describe('is refused', () => {
  const tooLong = { from: '2020-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' };
  it.each<[string, Record<string, string>, number, string]>([
    ['without a metric', {}, 400, 'validation_failed'],
    ['for an unknown metric', { metric: 'nothing_known' }, 404, 'unknown_meter'],
    ['for something that is no metric', { metric: 'A B' }, 400, 'validation_failed'],
    ['by the week', { metric: 'hours', granularity: 'week' }, 400, 'validation_failed'],
    ['by the metric', { metric: 'hours', group_by: 'metric' }, 400, 'validation_failed'],
    ['from no moment', { metric: 'hours', from: 'yesterday' }, 400, 'validation_failed'],
    ['backwards', { metric: 'hours', from: tooLong.to, to: tooLong.from }, 400, 'validation_failed'],
    ['for too many days', { metric: 'hours', ...tooLong }, 400, 'validation_failed'],
    ['for too many hours', { metric: 'hours', granularity: 'hour', ...tooLong }, 400, 'validation_failed'],
    ['for too many months', { metric: 'hours', granularity: 'month', ...tooLong }, 400, 'validation_failed'],
  ])('%s', async (_name, query, status, code) => {
    const answer = await historyOf(await service.makeTenant(), query);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('past 744 hours, and says which parameter to mend', async () => {
    const tenant = await service.makeTenant();
    const to = day(0);
    const span = (hours: number) => ({
      metric: 'hours',
      granularity: 'hour',
      from: new Date(to.getTime() - hours * HOUR_MS).toISOString(),
      to: to.toISOString(),
    });
    expect((await historyOf(tenant, span(744))).status).toBe(200);
    const refused = await historyOf(tenant, span(745));
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([400, 'query:from']);
  });
});

it('shows nothing of other tenants', async () => {
  const [own, other] = await Promise.all([service.makeTenant(), service.makeTenant()]);
  await happened(other, 'email_sends', [{ at: day(1), quantity: 9 }]);
  await happened(other, 'campaigns', [{ at: day(1), quantity: 9 }], true);
  for (const metric of ['email_sends', 'campaigns'])
    expect(await valuesOf(own, threeDays(metric))).toEqual([0, 0, 0]);
});
