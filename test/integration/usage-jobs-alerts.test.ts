import { randomUUID } from 'node:crypto';
import { UsageThresholds } from '../../src/modules/usage/alerts/usage-thresholds';
import { Clock } from '../../src/platform/clock';
import type { ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import { moveClock, runJob, use } from '../support/usage-jobs';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ env: { ROLE: 'api', TRIAL_PLAN_SLUG: '' } });
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: 100, seats: 20, api_calls: null, campaigns: 0, referred_users: 3 },
  });
});
afterAll(() => service.close());

interface Told {
  type: string;
  data: Record<string, unknown>;
}

/** Events about levels, `percent` by type. */
async function told(tenant: TestTenant, metric = 'email_sends'): Promise<Record<string, number[]>> {
  const rows = await service.rows<Told>(
    `select type, data from outbox where tenant_id = $1 and type like 'usage.%reached'
        and data ->> 'metric' = $2 order by id`,
    [tenant.id, metric],
  );
  const found: Record<string, number[]> = { 'usage.threshold_reached': [], 'usage.limit_reached': [] };
  for (const { type, data } of rows) found[type]!.push(data.percent as number);
  return found;
}

/** Waits until these levels were told, and not one more. */
async function expectTold(tenant: TestTenant, percents: number[], metric = 'email_sends'): Promise<void> {
  await service
    .until(async () => (await told(tenant, metric))['usage.threshold_reached']!.length >= percents.length)
    .catch(() => undefined);
  expect((await told(tenant, metric))['usage.threshold_reached']).toEqual(percents);
}

function put(tenant: TestTenant, rules: unknown): Promise<ApiAnswer> {
  return service.api('PUT', '/v1/billings/alerts', { key: tenant.key, body: { rules } });
}

async function view(tenant: TestTenant): Promise<ApiAnswer> {
  return service.api('GET', '/v1/billings/alerts', { key: tenant.key });
}

describe('levels of a limit', () => {
  it('are told as usage comes to them, each once, the last as the limit too', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 49);
    await use(service, tenant, 'email_sends', 1);
    await expectTold(tenant, [50]);
    await use(service, tenant, 'email_sends', 30);
    await expectTold(tenant, [50, 80]);
    await use(service, tenant, 'email_sends', 15);
    await expectTold(tenant, [50, 80, 95]);
    await use(service, tenant, 'email_sends', 5);
    await expectTold(tenant, [50, 80, 95, 100]);
    expect((await told(tenant))['usage.limit_reached']).toEqual([100]);
    await runJob(service, 'usage.alerts');
    await runJob(service, 'usage.rollup');
    await expectTold(tenant, [50, 80, 95, 100]);
    const [first] = await service.rows<Told>(
      `select type, data from outbox where tenant_id = $1 and type = 'usage.threshold_reached' order by id limit 1`,
      [tenant.id],
    );
    expect(first!.data).toMatchObject({
      metric: 'email_sends',
      percent: 50,
      severity: 'info',
      current_usage: 50,
      limit: 100,
      period: { start: expect.any(String), end: expect.any(String) },
      channels: ['in_app'],
    });
  });

  it('are all told when one event passes several', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 100);
    await expectTold(tenant, [50, 80, 95, 100]);
  });

  it('are told once, however many see them at once', async () => {
    const tenant = await service.makeTenant();
    await Promise.all(Array.from({ length: 100 }, () => use(service, tenant, 'email_sends')));
    const [counter] = await service.rows<{ period_start: Date; period_end: Date }>(
      'select period_start, period_end from usage_counters where tenant_id = $1',
      [tenant.id],
    );
    const target = {
      tenantId: tenant.id as never,
      metric: 'email_sends',
      periodStart: counter!.period_start,
      periodEnd: counter!.period_end,
    };
    await Promise.all(Array.from({ length: 20 }, () => service.get(UsageThresholds).evaluate(target, '100')));
    await expectTold(tenant, [50, 80, 95, 100]);
    expect((await told(tenant))['usage.limit_reached']).toEqual([100]);
  });

  it('are mailed to the owner from the warning on, and not below', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 96);
    await expectTold(tenant, [50, 80, 95]);
    await service.drain();
    const mails = await service.rows<{ content: { percent: number; severity: string }; recipient: string }>(
      `select content, recipient from notifications where tenant_id = $1 and type = 'usage_alert' order by id`,
      [tenant.id],
    );
    expect(mails.map(({ content }) => [content.percent, content.severity])).toEqual([
      [80, 'warning'],
      [95, 'urgent'],
    ]);
  });

  it('are none of limits that are 0 or nothing', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'api_calls', 1_000_000);
    await service.api('POST', '/v1/billings/usage/events', {
      key: tenant.key,
      body: { event_id: randomUUID(), metric: 'campaigns' },
    });
    await runJob(service, 'usage.alerts');
    expect(await told(tenant, 'api_calls')).toMatchObject({ 'usage.threshold_reached': [] });
    expect(await told(tenant, 'campaigns')).toMatchObject({ 'usage.limit_reached': [] });
  });

  it('that nobody told, because the process died, are found by the job', async () => {
    const tenant = await service.makeTenant();
    const evaluate = jest
      .spyOn(service.get(UsageThresholds), 'evaluate')
      .mockResolvedValue({ rearm: -Infinity, next: Infinity });
    await use(service, tenant, 'email_sends', 85);
    evaluate.mockRestore();
    expect((await told(tenant))['usage.threshold_reached']).toEqual([]);
    await runJob(service, 'usage.alerts', { previous: service.get(Clock).now() });
    await expectTold(tenant, [50, 80]);
  });

  it('are reached by a limit that is lowered', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 40);
    const previous = service.get(Clock).now();
    await service.admin('PUT', `/v1/admin/tenants/${tenant.id}/limit-overrides/email_sends`, {
      limit: 50,
      reason: 'test',
    });
    await runJob(service, 'usage.alerts', { previous });
    await expectTold(tenant, [50, 80]);
  });

  it('are told again in the next month', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 50);
    await expectTold(tenant, [50]);
    const now = service.get(Clock).now();
    try {
      await moveClock(service, new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 2)));
      await use(service, tenant, 'email_sends', 50);
      await expectTold(tenant, [50, 50]);
    } finally {
      await moveClock(service, service.get(Clock).realNow());
    }
  });
});

describe('levels of a gauge', () => {
  function decrement(tenant: TestTenant, count: number): Promise<ApiAnswer> {
    return service.api('POST', '/v1/billings/usage/decrement', {
      key: tenant.key,
      body: { metric: 'seats', count },
    });
  }

  it('are told again only after it fell 5 points below', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'seats', 16);
    await expectTold(tenant, [50, 80], 'seats');
    // 75 % is not below 75 %.
    await decrement(tenant, 1);
    await use(service, tenant, 'seats', 1);
    await runJob(service, 'usage.alerts');
    await expectTold(tenant, [50, 80], 'seats');

    await decrement(tenant, 2);
    await service.until(async () => {
      const rows = await service.rows('select from usage_alerts where tenant_id = $1', [tenant.id]);
      return rows.length === 1;
    });
    await use(service, tenant, 'seats', 2);
    await expectTold(tenant, [50, 80, 80], 'seats');
  });

  it('are forgotten by the job too, when nobody saw it fall', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'seats', 20);
    await expectTold(tenant, [50, 80, 95, 100], 'seats');
    const evaluate = jest
      .spyOn(service.get(UsageThresholds), 'evaluate')
      .mockResolvedValue({ rearm: -Infinity, next: Infinity });
    await decrement(tenant, 20);
    evaluate.mockRestore();
    await runJob(service, 'usage.alerts');
    expect(await service.rows('select from usage_alerts where tenant_id = $1', [tenant.id])).toEqual([]);
  });
});

describe('the rules of a tenant', () => {
  it('are the defaults until it chooses', async () => {
    const { status, body } = await view(await service.makeTenant());
    expect(status).toBe(200);
    expect(body).toEqual({
      rules: [
        {
          metric: '*',
          updated_at: null,
          levels: [
            { percent: 50, channels: ['in_app'] },
            { percent: 80, channels: ['email', 'in_app'] },
            { percent: 95, channels: ['email', 'in_app'] },
            { percent: 100, channels: ['email', 'in_app'] },
          ],
        },
      ],
      reached: [],
    });
  });

  it('hold from the next event on, for their metric, and the limit is told to machines anyway', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 1);
    const levels = [{ percent: 30, channels: ['email'] }];
    expect((await put(tenant, [{ metric: 'email_sends', levels }])).status).toBe(200);
    await use(service, tenant, 'email_sends', 29);
    await expectTold(tenant, [30]);
    await use(service, tenant, 'email_sends', 70);
    await service.until(async () => (await told(tenant))['usage.limit_reached']!.length === 1);
    await expectTold(tenant, [30]);
    await use(service, tenant, 'seats', 10);
    await expectTold(tenant, [50], 'seats');
  });

  it('are replaced as a whole, and written down', async () => {
    const tenant = await service.makeTenant();
    const levels = [{ percent: 90, channels: [] }];
    await put(tenant, [
      { metric: '*', levels },
      { metric: 'seats', levels },
    ]);
    const { body } = await put(tenant, [
      { metric: 'seats', levels: [{ percent: 10, channels: ['in_app'] }] },
    ]);
    expect(body.rules).toMatchObject([
      { metric: '*', updated_at: null },
      { metric: 'seats', updated_at: expect.any(String), levels: [{ percent: 10, channels: ['in_app'] }] },
    ]);
    expect((await put(tenant, [])).body.rules).toMatchObject([{ metric: '*', updated_at: null }]);
    const audited = await service.rows<{ after: { rules: unknown[] } }>(
      `select after from audit_logs where tenant_id = $1 and action = 'ALERT_RULES_CHANGED' order by sequence`,
      [tenant.id],
    );
    expect(audited.map(({ after }) => after.rules.length)).toEqual([2, 1, 0]);
  });

  it('of one tenant are not those of another', async () => {
    const [one, other] = [await service.makeTenant(), await service.makeTenant()];
    await put(one, [{ metric: '*', levels: [{ percent: 1, channels: [] }] }]);
    expect((await view(other)).body.rules).toMatchObject([{ updated_at: null }]);
    await use(service, other, 'email_sends', 1);
    await runJob(service, 'usage.alerts');
    expect((await told(other))['usage.threshold_reached']).toEqual([]);
  });

  const level = { percent: 50, channels: ['email'] };
  it.each<[string, unknown, number, string, string]>([
    ['no list', {}, 400, 'validation_failed', '/rules'],
    [
      'a metric twice',
      [1, 2].map(() => ({ metric: 'seats', levels: [level] })),
      400,
      'validation_failed',
      '/rules',
    ],
    ['no levels', [{ metric: 'seats', levels: [] }], 400, 'validation_failed', '/rules/0/levels'],
    [
      'eleven levels',
      [{ metric: 'seats', levels: Array.from({ length: 11 }, (_, n) => ({ percent: n + 1, channels: [] })) }],
      400,
      'validation_failed',
      '/rules/0/levels',
    ],
    [
      'a level twice',
      [{ metric: 'seats', levels: [level, level] }],
      400,
      'validation_failed',
      '/rules/0/levels',
    ],
    [
      'percent 0',
      [{ metric: 'seats', levels: [{ ...level, percent: 0 }] }],
      400,
      'validation_failed',
      '/rules/0/levels/0/percent',
    ],
    [
      'percent 1001',
      [{ metric: 'seats', levels: [{ ...level, percent: 1001 }] }],
      400,
      'validation_failed',
      '/rules/0/levels/0/percent',
    ],
    [
      'half a percent',
      [{ metric: 'seats', levels: [{ ...level, percent: 0.5 }] }],
      400,
      'validation_failed',
      '/rules/0/levels/0/percent',
    ],
    [
      'an unknown channel',
      [{ metric: 'seats', levels: [{ ...level, channels: ['sms'] }] }],
      400,
      'validation_failed',
      '/rules/0/levels/0/channels',
    ],
    [
      'a channel twice',
      [{ metric: 'seats', levels: [{ ...level, channels: ['email', 'email'] }] }],
      400,
      'validation_failed',
      '/rules/0/levels/0/channels',
    ],
    ['an empty rule', [null], 400, 'validation_failed', '/rules'],
    [
      'a field of its own',
      [{ metric: 'seats', levels: [level], on: true }],
      400,
      'validation_failed',
      '/rules/0/on',
    ],
    ['an unknown metric', [{ metric: 'nobody', levels: [level] }], 404, 'unknown_meter', '/rules/0/metric'],
    ['a cap', [{ metric: 'leaderboard_entries', levels: [level] }], 422, 'unprocessable', '/rules/0/metric'],
  ])('are refused with %s, and nothing changes', async (_what, rules, status, code, pointer) => {
    const tenant = await service.makeTenant();
    const answer = await put(tenant, rules);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.errors[0].pointer).toMatch(new RegExp(`^${pointer}`));
    expect(await service.rows('select from alert_rules where tenant_id = $1', [tenant.id])).toEqual([]);
  });
});

describe('what was reached', () => {
  it('can be shown as a banner, for as long as it holds', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'email_sends', 85);
    await expectTold(tenant, [50, 80]);
    expect((await view(tenant)).body.reached).toMatchObject([
      { metric: 'email_sends', percent: 50, severity: 'info', channels: ['in_app'], is_current: true },
      {
        metric: 'email_sends',
        percent: 80,
        severity: 'warning',
        current_usage: 85,
        limit: 100,
        channels: ['email', 'in_app'],
        period: { start: expect.any(String), end: expect.any(String) },
        is_current: true,
      },
    ]);
    await service.admin('PUT', `/v1/admin/tenants/${tenant.id}/limit-overrides/email_sends`, {
      limit: 150,
      reason: 'test',
    });
    const { reached } = (await view(tenant)).body;
    expect(
      reached.map((one: { percent: number; is_current: boolean }) => [one.percent, one.is_current]),
    ).toEqual([
      [50, true],
      [80, false],
    ]);
  });
});
