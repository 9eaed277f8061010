import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { readLimitCheck } from '../../src/modules/limits/limit-check-input';
import { LimitCheckDto } from '../../src/modules/limits/limits.dto';
import { Clock } from '../../src/platform/clock';
import { bodyValidation } from '../../src/platform/http/validation';
import { Metrics } from '../../src/platform/metrics';
import type { ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** "May I?", asked over HTTP, and held against what the ledger decides. */
let service: TestService;
let free: { id: string };

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  free = await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: 10, campaigns: 3, api_calls: null, seats: 0, leaderboard_entries: 5 },
    limit_grace: { campaigns: 50 },
    features: ['reports'],
  });
  await service.rows(
    `insert into meters (id, key, name, unit, aggregation, kind, scale, built_in, created_at)
     values ($1, 'gpu_hours', 'GPU hours', 'hour', 'sum', 'flow', 2, false, now())`,
    [randomUUID()],
  );
});
afterAll(() => service.close());

const makeTenant = (): Promise<TestTenant> => service.makeTenant();
const check = (tenant: TestTenant, body: unknown): Promise<ApiAnswer> =>
  service.api('POST', '/v1/billings/limits/check', { key: tenant.key, body });
const read = (tenant: TestTenant, path: string): Promise<ApiAnswer> =>
  service.api('GET', `/v1/billings/${path}`, { key: tenant.key });
const validate = (tenant: TestTenant, body: unknown): Promise<ApiAnswer> =>
  service.api('POST', '/v1/billings/limits/validate', { key: tenant.key, body });
const use = (tenant: TestTenant, metric: string, quantity: number | string): Promise<ApiAnswer> =>
  service.api('POST', '/v1/billings/usage/events', {
    key: tenant.key,
    body: { event_id: randomUUID(), metric, quantity },
  });

describe('a check', () => {
  it('says yes while there is room, and counts nothing', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'email_sends', 7);

    const first = await check(tenant, { metric: 'email_sends', count: 3 });
    const second = await check(tenant, { metric: 'email_sends', count: 3 });

    expect([first.status, first.headers.get('content-type')]).toEqual([
      200,
      'application/json; charset=utf-8',
    ]);
    expect(first.body).toEqual({
      allowed: true,
      reason: 'ok',
      metric: 'email_sends',
      limit: 10,
      current_usage: 7,
      reserved: 0,
      remaining: 3,
      grace_limit: 10,
      over_limit: false,
      source: 'free',
      resets_at: expect.stringMatching(/-01T00:00:00.000Z$/),
    });
    expect(second.body).toEqual(first.body);
    expect(first.headers.get('x-limit-warning')).toBeNull();
  });

  it('says no to more than is left, as the ledger does', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'email_sends', 7);

    expect((await check(tenant, { metric: 'email_sends', count: 4 })).body).toMatchObject({
      allowed: false,
      reason: 'limit_exceeded',
      remaining: 3,
    });
    expect((await use(tenant, 'email_sends', 4)).status).toBe(402);
    expect((await use(tenant, 'email_sends', 3)).status).toBe(201);
    expect((await check(tenant, { metric: 'email_sends' })).body).toMatchObject({
      allowed: false,
      current_usage: 10,
      remaining: 0,
    });
  });

  it('counts what is reserved', async () => {
    const tenant = await makeTenant();
    const held = { metric: 'email_sends', quantity: 8 };
    await service.api('POST', '/v1/billings/usage/reservations', { key: tenant.key, body: held });

    expect((await check(tenant, { metric: 'email_sends', count: 3 })).body).toMatchObject({
      allowed: false,
      current_usage: 0,
      reserved: 8,
      remaining: 2,
    });
  });

  it('allows the grace of the plan with a warning, to the number at which the ledger stops', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'campaigns', 3);

    const within = await check(tenant, { metric: 'campaigns' });
    expect(within.body).toMatchObject({ allowed: true, reason: 'within_grace', limit: 3, grace_limit: 4 });
    expect(within.headers.get('x-limit-warning')).toBe('campaigns; usage=3; limit=3; grace_limit=4');
    expect((await check(tenant, { metric: 'campaigns', count: 2 })).body).toMatchObject({
      allowed: false,
      reason: 'limit_exceeded',
    });

    const used = await use(tenant, 'campaigns', 1);
    expect([used.status, used.headers.get('x-limit-warning')]).toEqual([
      201,
      'campaigns; usage=4; limit=3; grace_limit=4',
    ]);
    expect((await check(tenant, { metric: 'campaigns' })).body).toMatchObject({
      allowed: false,
      over_limit: true,
      remaining: 0,
    });
    expect((await use(tenant, 'campaigns', 1)).status).toBe(402);
  });

  it('is exact where a JSON number is not', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'api_calls', '9007199254740993');

    expect((await check(tenant, { metric: 'api_calls', count: '9007199254740993' })).body).toMatchObject({
      allowed: true,
      reason: 'unlimited',
      limit: null,
      grace_limit: null,
      remaining: null,
      current_usage: '9007199254740993',
    });
  });

  it('knows what the plan does not have, and gauges that are never reset', async () => {
    const tenant = await makeTenant();

    expect((await check(tenant, { metric: 'seats' })).body).toMatchObject({
      allowed: false,
      reason: 'not_in_plan',
      limit: 0,
      resets_at: null,
    });
    expect((await check(tenant, { metric: 'gpu_hours' })).body).toMatchObject({ reason: 'not_in_plan' });
    // Nothing is counted for a cap: it compares what is asked for.
    expect((await check(tenant, { metric: 'leaderboard_entries', count: 5 })).body.allowed).toBe(true);
    expect((await check(tenant, { metric: 'leaderboard_entries', count: 6 })).body.allowed).toBe(false);
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, ''],
    ['a list', [], ''],
    ['null', null, ''],
    ['no metric', {}, '/metric'],
    ['a metric that cannot be one', { metric: 'No Metric' }, '/metric'],
    ['a count of 0', { metric: 'seats', count: 0 }, '/count'],
    ['a negative count', { metric: 'seats', count: -1 }, '/count'],
    ['half a seat as a number', { metric: 'seats', count: 0.5 }, '/count'],
    ['a count of null', { metric: 'seats', count: null }, '/count'],
    ['a count past 2^53', { metric: 'seats', count: 2 ** 53 }, '/count'],
    ['a text that is no number', { metric: 'seats', count: '1e3' }, '/count'],
    ['an unknown field', { metric: 'seats', 'a/b': 1 }, '/a~1b'],
    ['more decimals than the meter has', { metric: 'gpu_hours', count: '0.001' }, '/count'],
  ])('refuses %s', async (_what, body, pointer) => {
    const answer = await check(await makeTenant(), body);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toEqual([pointer]);
  });

  it('of a metric that nobody counts is 404 unknown_meter', async () => {
    const answer = await check(await makeTenant(), { metric: 'unicorns' });
    expect([answer.status, answer.body.code]).toEqual([404, 'unknown_meter']);
  });

  it('is tallied by reason, without a tenant', async () => {
    const tenant = await makeTenant();
    await check(tenant, { metric: 'seats' });

    const text = await service.get(Metrics).registry.getSingleMetricAsString('billing_limit_decisions_total');
    expect(text).toMatch(/billing_limit_decisions_total\{reason="not_in_plan"\} \d+/);
    expect(text).not.toContain(tenant.id);
  });

  it('is refused without the scope, and asked of the tenant in the header with a service key', async () => {
    const tenant = await makeTenant();
    const issue = async (scopes: string[]): Promise<string> =>
      (await service.admin('POST', '/v1/api-keys', { name: 'x', kind: 'service', scopes })).secret;
    const ask = async (scope: string): Promise<ApiAnswer> =>
      service.api('POST', '/v1/billings/limits/check', {
        key: await issue([scope]),
        tenantId: tenant.id,
        body: { metric: 'campaigns' },
      });

    expect((await ask('usage:write')).body.code).toBe('insufficient_scope');
    expect((await ask('usage:read')).body).toMatchObject({ allowed: true, limit: 3 });
  });
});

describe('the check by hand', () => {
  const field = fc.constantFrom('metric', 'count', 'metrics', 'tenant_id');
  const value = fc.oneof(
    fc.constantFrom('seats', 'Seats', '', 'a_1', '1', '0', '-1', '1.50', '1e3', '01', '0.0', null, true),
    fc.stringMatching(/^[a-z][a-z0-9_]{0,70}$/),
    fc.integer(),
    fc.double(),
    fc.bigInt({ min: 0n, max: 10n ** 45n }).map(String),
    fc.constant([]),
    fc.constant({}),
  );
  const bodies = fc.oneof(
    { weight: 8, arbitrary: fc.dictionary(field, value, { noNullPrototype: true }) },
    { weight: 4, arbitrary: fc.record({ metric: fc.constant('seats'), count: value }) },
  );

  it('agrees with the DTO that the document shows', async () => {
    const pipe = bodyValidation();
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const byPipe = await pipe
          .transform(structuredClone(body), { type: 'body', metatype: LimitCheckDto })
          .then(
            () => true,
            () => false,
          );
        expect(Array.isArray(readLimitCheck(body))).toBe(!byPipe);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the list of limits', () => {
  it('names each limit of the plan, its source, its number and what is used of it', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'campaigns', 4);

    const { status, body } = await read(tenant, 'limits');

    expect(status).toBe(200);
    expect(body).toMatchObject({ plan_id: free.id, source: 'free' });
    expect(new Date(body.period.end) > service.get(Clock).now()).toBe(true);
    expect(body.limits.map(({ metric }: { metric: string }) => metric)).toEqual([
      'campaigns',
      'seats',
      'leaderboard_entries',
      'email_sends',
      'api_calls',
    ]);
    expect(body.limits[0]).toEqual({
      metric: 'campaigns',
      kind: 'gauge',
      unit: 'campaigns',
      limit: 3,
      grace_limit: 4,
      source: 'free',
      plan_limit: 3,
      override_expires_at: null,
      current_usage: 4,
      reserved: 0,
      remaining: 0,
      over_limit: true,
      resets_at: null,
    });
    expect(body.limits[3]).toMatchObject({ metric: 'email_sends', resets_at: body.period.end });
    expect(body.limits[4]).toMatchObject({ metric: 'api_calls', limit: null, plan_limit: null });
  });

  it("follows a purchase: the subscription's plan and its numbers", async () => {
    const tenant = await makeTenant();
    const plan = await service.makePlan({ limits: { campaigns: 100 } });
    await service.subscribe(tenant, plan.id);
    await service.settle();

    expect((await read(tenant, 'limits')).body).toMatchObject({
      plan_id: plan.id,
      source: 'subscription',
      limits: [{ metric: 'campaigns', limit: 100, grace_limit: 100, source: 'subscription' }],
    });
  });

  it('follows a changed plan to every tenant on it, the grace as well', async () => {
    const tenant = await makeTenant();
    const made = await service.makePlan({ limits: { campaigns: 10 } });
    await service.subscribe(tenant, made.id);
    await service.settle();
    const { name, slug, currency, amount, interval } = made;
    const fields = { name, slug, currency, amount, interval };
    await service.admin('PUT', `/v1/admin/plans/${made.id}`, {
      ...fields,
      limits: { campaigns: 20 },
      limit_grace: { campaigns: 25 },
    });

    const limit = await service.until(async () => {
      const [first] = (await read(tenant, 'limits')).body.limits;
      return first.limit === 20 && first;
    });
    expect(limit).toMatchObject({ limit: 20, grace_limit: 25 });
  });
});

describe('the validation of many', () => {
  it('says of each whether it would fit, and of all', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'email_sends', 9);

    const fits = await validate(tenant, { metrics: { campaigns: 2, email_sends: '1' } });
    const fails = await validate(tenant, { metrics: { campaigns: 2, email_sends: 2 } });

    expect(fits.body).toMatchObject({ allowed: true, plan_id: null });
    expect(fails.status).toBe(200);
    expect(fails.body).toMatchObject({
      allowed: false,
      metrics: [
        { metric: 'campaigns', allowed: true, reason: 'ok' },
        { metric: 'email_sends', allowed: false, reason: 'limit_exceeded', current_usage: 9, remaining: 1 },
      ],
    });
  });

  it("compares today's usage with another plan, without adding to it", async () => {
    const tenant = await makeTenant();
    await use(tenant, 'email_sends', 9);
    const small = await service.makePlan({ limits: { email_sends: 8 }, amount: 100 });
    const large = await service.makePlan({ limits: { email_sends: 9 }, amount: 200 });
    const within = (plan_id: string): Promise<ApiAnswer> =>
      validate(tenant, { metrics: { email_sends: 0 }, plan_id });

    expect((await within(small.id)).body).toMatchObject({
      allowed: false,
      plan_id: small.id,
      metrics: [{ limit: 8, over_limit: true, source: 'subscription' }],
    });
    expect((await within(large.id)).body).toMatchObject({ allowed: true, metrics: [{ limit: 9 }] });
  });

  it('finds only plans that the tenant could buy', async () => {
    const [tenant, other] = [await makeTenant(), await makeTenant()];
    const theirs = await service.makePlan({ tenant_id: other.id });
    const gone = await service.makePlan({ amount: 0 });
    await service.admin('DELETE', `/v1/admin/plans/${gone.id}`);

    for (const plan_id of [theirs.id, gone.id, randomUUID()]) {
      const answer = await validate(tenant, { metrics: { seats: 1 }, plan_id });
      expect([answer.status, answer.body.code]).toEqual([404, 'plan_not_found']);
    }
    expect((await validate(other, { metrics: { seats: 1 }, plan_id: theirs.id })).body.allowed).toBe(true);
  });

  it.each<[string, unknown, string]>([
    ['no metrics', {}, '/metrics'],
    ['none', { metrics: {} }, '/metrics'],
    ['a list', { metrics: ['seats'] }, '/metrics'],
    ['101', { metrics: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`m${n}`, 1])) }, '/metrics'],
    ['a metric that cannot be one', { metrics: { 'No/Metric': 1 } }, '/metrics/No~1Metric'],
    ['a negative amount', { metrics: { seats: -1 } }, '/metrics/seats'],
    ['-0', { metrics: { seats: -0 } }, '/metrics/seats'],
    ['a list as amount', { metrics: { seats: [1] } }, '/metrics/seats'],
    ['too many decimals', { metrics: { seats: '0.5' } }, '/metrics/seats'],
    ['a plan that is no id', { metrics: { seats: 1 }, plan_id: 'pro' }, '/plan_id'],
    ['an unknown field', { metrics: { seats: 1 }, count: 1 }, '/count'],
  ])('refuses %s', async (what, body, pointer) => {
    const tenant = await makeTenant();
    // JSON.stringify writes -0 as 0.
    const raw = JSON.stringify(body).replace('"seats":0', '"seats":-0');
    const answer = await service.api('POST', '/v1/billings/limits/validate', {
      key: tenant.key,
      raw: what === '-0' ? raw : JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });

  it('names the metric that nobody counts', async () => {
    const answer = await validate(await makeTenant(), { metrics: { seats: 1, unicorns: 1 } });
    expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([
      404,
      'unknown_meter',
      '/metrics/unicorns',
    ]);
  });
});

describe('access', () => {
  it('to a feature is what the plan brings', async () => {
    const tenant = await makeTenant();

    expect((await read(tenant, 'access/features/reports')).body).toEqual({
      feature: 'reports',
      allowed: true,
      plan_id: free.id,
      source: 'free',
    });
    expect((await read(tenant, 'access/features/sso')).body).toMatchObject({
      feature: 'sso',
      allowed: false,
    });
  });

  it.each(['REPORTS', 'a b', '%22', 'x'.repeat(65), '%3Cscript%3E'])(
    'to a feature called %s is not found',
    async (feature) => {
      const answer = await read(await makeTenant(), `access/features/${feature}`);
      expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
    },
  );

  it('to one more of a metric is what is left of it', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'email_sends', 9);
    expect((await read(tenant, 'access/metrics/email_sends')).body).toMatchObject({
      metric: 'email_sends',
      allowed: true,
      remaining: 1,
      current_usage: 9,
      limit: 10,
    });
    await use(tenant, 'email_sends', 1);
    expect((await read(tenant, 'access/metrics/email_sends')).body).toMatchObject({
      allowed: false,
      remaining: 0,
    });
    for (const metric of ['unicorns', 'No-Metric'])
      expect((await read(tenant, `access/metrics/${metric}`)).body.code).toBe('unknown_meter');
  });
});
