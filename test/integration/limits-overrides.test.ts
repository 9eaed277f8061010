import { randomUUID } from 'node:crypto';
import { AuditRecorder } from '../../src/platform/audit/audit-recorder';
import { Clock } from '../../src/platform/clock';
import { ClockSync } from '../../src/platform/database/clock-sync';
import { callApi, type ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** Numbers that operators set for one tenant, in place of the plan's. */
let service: TestService;

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  await service.makePlan({ slug: 'free', amount: 0, limits: { email_sends: 10, campaigns: 3 } });
  for (const [key, aggregation, kind] of [
    ['peak_load', 'max', 'flow'],
    ['disk_size', 'latest', 'gauge'],
    ['own_cap', 'latest', 'cap'],
  ])
    await service.rows(
      `insert into meters (id, key, name, unit, aggregation, kind, scale, built_in, created_at)
       values ($1, $2, $2, 'x', $3, $4, 0, false, now())`,
      [randomUUID(), key, aggregation, kind],
    );
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => service.close());

const makeTenant = (): Promise<TestTenant> => service.makeTenant();
const REASON = 'Agreed with sales';
const path = (tenantId: string, metric?: string): string =>
  `/v1/admin/tenants/${tenantId}/limit-overrides${metric === undefined ? '' : `/${metric}`}`;
const put = (tenant: { id: string }, metric: string, body: Record<string, unknown>): Promise<ApiAnswer> =>
  service.api('PUT', path(tenant.id, metric), {
    key: service.adminKey,
    body: { reason: REASON, ...body },
  });
const remove = (tenant: { id: string }, metric: string): Promise<ApiAnswer> =>
  service.api('DELETE', path(tenant.id, metric), { key: service.adminKey });
const list = (tenant: { id: string }): Promise<ApiAnswer> =>
  service.api('GET', path(tenant.id), { key: service.adminKey });
const check = async (tenant: TestTenant, metric: string, count = 1): Promise<ApiAnswer['body']> =>
  (await service.api('POST', '/v1/billings/limits/check', { key: tenant.key, body: { metric, count } })).body;
const use = (
  tenant: TestTenant,
  metric: string,
  quantity: number,
  replica: { url: string } = service,
): Promise<ApiAnswer> =>
  callApi(replica.url, 'POST', '/v1/billings/usage/events', {
    key: tenant.key,
    body: { event_id: randomUUID(), metric, quantity },
  });
const limitsOf = async (tenant: TestTenant): Promise<Record<string, ApiAnswer['body']>> => {
  const { body } = await service.api('GET', '/v1/billings/limits', { key: tenant.key });
  return Object.fromEntries(body.limits.map((limit: { metric: string }) => [limit.metric, limit]));
};

/** Moves business time for all processes. */
async function moveClock(ms: number): Promise<void> {
  await service.rows(`update clock_offset set offset_ms = offset_ms + $1`, [ms]);
  await service.get(ClockSync).sync();
}

describe('an override', () => {
  it("is in force on the next request, with the plan's number beside it", async () => {
    const tenant = await makeTenant();
    expect((await use(tenant, 'email_sends', 11)).status).toBe(402);

    const answer = await put(tenant, 'email_sends', { limit: 20 });

    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      metric: 'email_sends',
      limit: 20,
      reason: REASON,
      expires_at: null,
      expired: false,
      plan_limit: 10,
      created_at: expect.any(String),
      updated_at: answer.body.created_at,
    });
    expect(await check(tenant, 'email_sends', 20)).toMatchObject({ allowed: true, source: 'override' });
    expect((await use(tenant, 'email_sends', 20)).status).toBe(201);
    expect((await use(tenant, 'email_sends', 1)).status).toBe(402);
    expect((await limitsOf(tenant)).email_sends).toMatchObject({
      limit: 20,
      plan_limit: 10,
      source: 'override',
      override_expires_at: null,
    });
    expect((await limitsOf(tenant)).campaigns).toMatchObject({ limit: 3, source: 'free' });
  });

  it('below what is used stops the next use, and reads say so', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'campaigns', 3);

    await put(tenant, 'campaigns', { limit: 2 });

    const refused = await use(tenant, 'campaigns', 1);
    expect([refused.status, refused.body.limit, refused.body.current_usage]).toEqual([402, 2, 3]);
    expect(await check(tenant, 'campaigns')).toMatchObject({
      allowed: false,
      over_limit: true,
      remaining: 0,
    });
    expect((await limitsOf(tenant)).campaigns).toMatchObject({ over_limit: true, current_usage: 3 });
  });

  it('of null is no limit at all, of 0 allows nothing, and both work for what the plan has not', async () => {
    const tenant = await makeTenant();
    await put(tenant, 'api_calls', { limit: null });
    await put(tenant, 'campaigns', { limit: 0 });

    expect((await use(tenant, 'api_calls', 1_000_000)).status).toBe(201);
    expect((await use(tenant, 'campaigns', 1)).status).toBe(402);
    expect((await limitsOf(tenant)).api_calls).toMatchObject({ limit: null, plan_limit: 0 });
  });

  it('taken away leaves the plan’s number, at once', async () => {
    const tenant = await makeTenant();
    await put(tenant, 'campaigns', { limit: 100 });

    const removed = await remove(tenant, 'campaigns');

    expect([removed.status, removed.body.limit, removed.body.plan_limit]).toEqual([200, 100, 3]);
    expect((await use(tenant, 'campaigns', 4)).status).toBe(402);
    expect((await list(tenant)).body).toEqual({ data: [] });
    const again = await remove(tenant, 'campaigns');
    expect([again.status, again.body.code]).toEqual([404, 'not_found']);
  });

  it('outlives a purchase', async () => {
    const tenant = await makeTenant();
    await put(tenant, 'campaigns', { limit: 7 });
    const plan = await service.makePlan({ limits: { campaigns: 50 } });
    await service.subscribe(tenant, plan.id);
    await service.settle();

    expect((await limitsOf(tenant)).campaigns).toMatchObject({
      limit: 7,
      plan_limit: 50,
      source: 'override',
    });
    const fits = await service.api('POST', '/v1/billings/limits/validate', {
      key: tenant.key,
      body: { metrics: { campaigns: 8 }, plan_id: plan.id },
    });
    expect(fits.body).toMatchObject({ allowed: false, metrics: [{ limit: 7, source: 'override' }] });
  });

  it('ends by time, without a job, and stays in the list as expired', async () => {
    const tenant = await makeTenant();
    const inAnHour = new Date(service.get(Clock).now().getTime() + 3_600_000).toISOString();
    await put(tenant, 'campaigns', { limit: 100, expires_at: inAnHour });
    expect((await limitsOf(tenant)).campaigns).toMatchObject({ limit: 100, override_expires_at: inAnHour });

    await moveClock(3_601_000);
    try {
      expect((await use(tenant, 'campaigns', 4)).status).toBe(402);
      expect((await limitsOf(tenant)).campaigns).toMatchObject({ limit: 3, override_expires_at: null });
      expect((await list(tenant)).body.data).toMatchObject([
        { metric: 'campaigns', limit: 100, expired: true, plan_limit: 3 },
      ]);
    } finally {
      await moveClock(-3_601_000);
    }
  });

  it('is nobody else’s', async () => {
    const [tenant, other] = [await makeTenant(), await makeTenant()];
    await put(tenant, 'campaigns', { limit: 100 });

    expect((await use(other, 'campaigns', 4)).status).toBe(402);
    expect((await list(other)).body).toEqual({ data: [] });
  });
});

describe('the record of overrides', () => {
  const auditOf = (tenant: TestTenant): Promise<{ action: string; before: unknown; after: unknown }[]> =>
    service.rows(
      `select action, target_id, actor_kind, before, after from audit_logs
        where tenant_id = $1 and action like 'LIMIT_OVERRIDE%' order by sequence`,
      [tenant.id],
    );

  it('has one line per change, and none for the same again', async () => {
    const tenant = await makeTenant();
    await put(tenant, 'campaigns', { limit: 5 });
    await put(tenant, 'campaigns', { limit: 5 });
    await put(tenant, 'campaigns', { limit: null, reason: 'A pilot' });
    await remove(tenant, 'campaigns');

    const five = { metric: 'campaigns', limit: 5, reason: REASON, expires_at: null };
    const pilot = { ...five, limit: null, reason: 'A pilot' };
    expect(await auditOf(tenant)).toMatchObject([
      {
        action: 'LIMIT_OVERRIDE_SET',
        target_id: 'campaigns',
        actor_kind: 'admin',
        before: null,
        after: five,
      },
      { action: 'LIMIT_OVERRIDE_SET', before: five, after: pilot },
      { action: 'LIMIT_OVERRIDE_REMOVED', before: pilot, after: null },
    ]);
  });

  it('is written with the change or not at all', async () => {
    const tenant = await makeTenant();
    jest.spyOn(service.get(AuditRecorder), 'record').mockRejectedValueOnce(new Error('disk full'));

    expect((await put(tenant, 'campaigns', { limit: 100 })).status).toBe(500);
    expect((await list(tenant)).body).toEqual({ data: [] });
    expect((await use(tenant, 'campaigns', 4)).status).toBe(402);
  });

  it('keeps one of many that are set at once, the one that is in force', async () => {
    const tenant = await makeTenant();
    const numbers = Array.from({ length: 6 }, (_, index) => index + 20);
    const answers = await Promise.all(numbers.map((limit) => put(tenant, 'campaigns', { limit })));

    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      numbers.map(() => [200, undefined]),
    );
    const [row] = (await list(tenant)).body.data;
    expect((await limitsOf(tenant)).campaigns.limit).toBe(row.limit);
    expect(await auditOf(tenant)).toHaveLength(numbers.length);
  });
});

describe('an override is refused', () => {
  const past = '2020-01-01T00:00:00Z';

  it.each<[string, string, Record<string, unknown>, number, string]>([
    ['without a limit', 'campaigns', {}, 400, 'validation_failed'],
    ['with a negative limit', 'campaigns', { limit: -1 }, 400, 'validation_failed'],
    ['with half a limit', 'campaigns', { limit: 1.5 }, 400, 'validation_failed'],
    ['with a limit as text', 'campaigns', { limit: '5' }, 400, 'validation_failed'],
    ['with a limit past 2^53', 'campaigns', { limit: 9007199254740992 }, 400, 'validation_failed'],
    ['without a reason', 'campaigns', { limit: 1, reason: undefined }, 400, 'validation_failed'],
    ['with an empty reason', 'campaigns', { limit: 1, reason: ' ' }, 400, 'validation_failed'],
    ['with a reason of two lines', 'campaigns', { limit: 1, reason: 'a\nb' }, 400, 'validation_failed'],
    ['with an end that is over', 'campaigns', { limit: 1, expires_at: past }, 400, 'validation_failed'],
    ['with an end that is no date', 'campaigns', { limit: 1, expires_at: 'soon' }, 400, 'validation_failed'],
    [
      'with 30 February',
      'campaigns',
      { limit: 1, expires_at: '2099-02-30T00:00:00Z' },
      400,
      'validation_failed',
    ],
    ['with another field', 'campaigns', { limit: 1, used: 0 }, 400, 'validation_failed'],
    ['for a metric that nobody counts', 'unicorns', { limit: 1 }, 404, 'unknown_meter'],
    ['for a metric that cannot be one', 'No%20Metric', { limit: 1 }, 404, 'unknown_meter'],
    ['for a maximum', 'peak_load', { limit: 1 }, 422, 'unprocessable'],
    ['for a latest value', 'disk_size', { limit: 1 }, 422, 'unprocessable'],
    ['for a cap of the operator’s own', 'own_cap', { limit: 1 }, 422, 'unprocessable'],
  ])('%s', async (_what, metric, body, status, code) => {
    const tenant = await makeTenant();
    const answer = await put(tenant, metric, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect((await list(tenant)).body).toEqual({ data: [] });
  });

  it('but not for the cap of leaderboards, nor for a maximum without a number', async () => {
    const tenant = await makeTenant();
    expect((await put(tenant, 'leaderboard_entries', { limit: 50 })).status).toBe(200);
    expect((await put(tenant, 'peak_load', { limit: null })).status).toBe(200);
  });

  it.each([randomUUID(), 'acme', '1', '%27%20or%201=1'])('for the tenant %s: not found', async (id) => {
    for (const answer of [
      await list({ id }),
      await put({ id }, 'campaigns', { limit: 1 }),
      await remove({ id }, 'campaigns'),
    ])
      expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });

  it("with a tenant's or a service's key", async () => {
    const tenant = await makeTenant();
    const { secret } = await service.admin('POST', '/v1/api-keys', { name: 'x', kind: 'service' });
    for (const key of [tenant.key, secret]) {
      const answer = await service.api('PUT', path(tenant.id, 'campaigns'), {
        key,
        body: { limit: 1000, reason: 'mine' },
      });
      expect([answer.status, answer.body.code]).toEqual([403, 'insufficient_scope']);
    }
  });
});

it('is obeyed by another replica from the next use on', async () => {
  const tenant = await makeTenant();
  const replica = await service.replica({ ROLE: 'api' });
  try {
    // It remembers the limit of 10 by now.
    expect((await use(tenant, 'email_sends', 11, replica)).status).toBe(402);
    for (const limit of [20, 5, 30]) {
      await put(tenant, 'email_sends', { limit });
      expect((await use(tenant, 'email_sends', limit + 1, replica)).body.limit).toBe(limit);
    }
    expect((await use(tenant, 'email_sends', 30, replica)).status).toBe(201);
    const seen = async (): Promise<boolean> => {
      const answer = await replica.api('GET', '/v1/billings/access/metrics/email_sends', { key: tenant.key });
      return answer.body.limit === 30;
    };
    await service.until(seen, 1000);
  } finally {
    await replica.stop();
  }
});

it('is a conflict while the plans of the configuration do not exist: nothing would hold', async () => {
  const bare = await startTestService();
  try {
    const tenant = await bare.makeTenant();
    const answer = await bare.api('PUT', path(tenant.id, 'campaigns'), {
      key: bare.adminKey,
      body: { limit: 5, reason: REASON },
    });
    expect([answer.status, answer.body.code]).toEqual([409, 'state_conflict']);
    expect(await bare.rows('select 1 from limit_overrides')).toEqual([]);
  } finally {
    await bare.close();
  }
});
