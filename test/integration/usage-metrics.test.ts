import { randomUUID } from 'node:crypto';
import { ClockSync } from '../../src/platform/database/clock-sync';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import type { ApiAnswer } from '../support/api';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  const meter = (key: string, aggregation: string, kind = 'flow', scale = 0, late = 'next_period') =>
    service.rows(
      `insert into meters (key, name, unit, aggregation, kind, scale, late_usage) values ($1, $1, 'u', $2, $3, $4, $5)`,
      [key, aggregation, kind, scale, late],
    );
  await meter('logins', 'count');
  await meter('gigabytes', 'sum', 'flow', 3);
  await meter('peak_users', 'max');
  await meter('active_users', 'unique');
  await meter('disk', 'latest', 'gauge');
  await meter('strict', 'sum', 'flow', 0, 'reject');
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: {
      logins: 3,
      gigabytes: 10,
      peak_users: null,
      active_users: 2,
      disk: null,
      strict: null,
      campaigns: 2,
      email_sends: null,
    },
  });
});
afterAll(() => service.close());

const send = (tenant: TestTenant, metric: string, fields: Record<string, unknown> = {}): Promise<ApiAnswer> =>
  service.api('POST', '/v1/billings/usage/events', {
    key: tenant.key,
    body: { event_id: randomUUID(), metric, ...fields },
  });

/** What the counter says after each of these events: the number, or the code of the refusal. */
async function after(
  tenant: TestTenant,
  metric: string,
  events: Record<string, unknown>[],
): Promise<unknown[]> {
  const numbers: unknown[] = [];
  for (const fields of events) {
    const { status, body } = await send(tenant, metric, fields);
    numbers.push(status === 201 ? body.current_usage : body.code);
  }
  return numbers;
}

describe('how events become a number', () => {
  it('count: how many there were, whatever their quantity', async () => {
    const tenant = await service.makeTenant();
    expect(await after(tenant, 'logins', [{ quantity: 5 }, {}, {}, {}])).toEqual([1, 2, 3, 'limit_exceeded']);
  });

  it('sum: their quantities, to the last decimal', async () => {
    const tenant = await service.makeTenant();
    const events = [{ quantity: '0.1' }, { quantity: '0.2' }, { quantity: 9 }, { quantity: '0.701' }];
    expect(await after(tenant, 'gigabytes', events)).toEqual(['0.1', '0.3', '9.3', 'limit_exceeded']);
    expect(await after(tenant, 'gigabytes', [{ quantity: '0.7' }])).toEqual([10]);
  });

  it('max: the largest', async () => {
    const tenant = await service.makeTenant();
    const events = [{ quantity: 5 }, { quantity: 3 }, { quantity: 9 }];
    expect(await after(tenant, 'peak_users', events)).toEqual([5, 5, 9]);
  });

  it('unique: how many different subjects, and a known one is never too many', async () => {
    const tenant = await service.makeTenant();
    const events = ['ann', 'ben', 'ann', 'cat', 'ben'].map((subject) => ({ subject }));
    expect(await after(tenant, 'active_users', events)).toEqual([1, 2, 2, 'limit_exceeded', 2]);
  });

  it('latest: the one that happened last, whenever it came', async () => {
    const tenant = await service.makeTenant();
    const at = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
    const events = [
      { quantity: 5, timestamp: at(3) },
      { quantity: 9, timestamp: at(5) },
      { quantity: 2, timestamp: at(1) },
    ];
    expect(await after(tenant, 'disk', events)).toEqual([5, 5, 2]);
  });

  it('asks for what it needs', async () => {
    const tenant = await service.makeTenant();
    expect((await send(tenant, 'active_users')).body.errors[0]).toMatchObject({
      pointer: '/subject',
      code: 'subject_required',
    });
    expect((await send(tenant, 'gigabytes', { quantity: '0.0001' })).body.errors[0]).toMatchObject({
      pointer: '/quantity',
      code: 'too_many_decimals',
    });
    expect((await send(tenant, 'leaderboard_entries')).body.code).toBe('unprocessable');
    expect((await send(tenant, 'nobodys_meter')).body.code).toBe('unknown_meter');
  });
});

describe('a gauge', () => {
  const count = (tenant: TestTenant, way: string, body: Record<string, unknown>): Promise<ApiAnswer> =>
    service.api('POST', `/v1/billings/usage/${way}`, { key: tenant.key, body });

  it('goes up and down, between 0 and the limit', async () => {
    const tenant = await service.makeTenant();
    const steps = ['increment', 'increment', 'increment', 'decrement', 'decrement', 'decrement'];
    const seen: unknown[] = [];
    for (const way of steps) {
      const { status, body } = await count(tenant, way, { metric: 'campaigns' });
      seen.push(status === 201 ? body.current_usage : `${status} ${body.code}`);
    }
    expect(seen).toEqual([1, 2, '402 limit_exceeded', 1, 0, '409 state_conflict']);
  });

  it('is what a decrement is for', async () => {
    const tenant = await service.makeTenant();
    const answer = await count(tenant, 'decrement', { metric: 'email_sends' });
    expect([answer.status, answer.body.errors[0].code]).toEqual([422, 'not_a_gauge']);
  });

  it('counts a repeated call once, by its event id or its Idempotency-Key', async () => {
    const tenant = await service.makeTenant();
    const body = { metric: 'campaigns' };
    const withId = { ...body, event_id: randomUUID() };
    await count(tenant, 'increment', withId);
    const again = await count(tenant, 'increment', withId);
    expect([again.status, again.body.status, again.body.current_usage]).toEqual([200, 'duplicate', 1]);

    const headers = { 'idempotency-key': randomUUID() };
    for (let time = 0; time < 2; time++) {
      const answer = await service.api('POST', '/v1/billings/usage/increment', {
        key: tenant.key,
        body,
        headers,
      });
      expect([answer.status, answer.body.current_usage]).toEqual([201, 2]);
    }
  });
});

describe('time', () => {
  const at = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

  it('of a closed month: the event goes to the open one and says so, or nowhere', async () => {
    const tenant = await service.makeTenant();
    const late = await send(tenant, 'email_sends', { timestamp: at(34) });
    expect([late.status, late.body.is_late]).toEqual([201, true]);
    expect(late.body.period_start).toBe((await send(tenant, 'email_sends')).body.period_start);

    const refused = await send(tenant, 'strict', { timestamp: at(34) });
    expect([refused.status, refused.body.code]).toEqual([422, 'late_usage']);
  });

  it('too far back or ahead is refused', async () => {
    const tenant = await service.makeTenant();
    const tooOld = await send(tenant, 'email_sends', { timestamp: at(36) });
    const tooNew = await send(tenant, 'email_sends', { timestamp: at(-1) });
    expect([tooOld.status, tooOld.body.code]).toEqual([422, 'late_usage']);
    expect([tooNew.status, tooNew.body.errors[0].code]).toEqual([400, 'timestamp_in_future']);
  });

  it('of a retry: known however late it comes, alone and in a batch, and another under its id is not', async () => {
    const tenant = await service.makeTenant();
    const [old, strict] = [randomUUID(), randomUUID()];
    const gigabytes = { event_id: old, timestamp: at(0), quantity: '1.50', subject: 'ann' };
    const strictly = { event_id: strict, timestamp: at(0), quantity: 3 };
    const first = await send(tenant, 'gigabytes', gigabytes);
    await send(tenant, 'strict', strictly);
    try {
      await service.rows(`update clock_offset set offset_ms = offset_ms + 70 * 86400000::bigint`);
      await service.get(ClockSync).sync();
      const again = await send(tenant, 'gigabytes', gigabytes);
      expect([again.status, again.body]).toEqual([200, { ...first.body, status: 'duplicate' }]);
      const conflicts = [{ quantity: 2 }, { subject: null }, { timestamp: at(1) }];
      for (const change of conflicts) {
        const answer = await send(tenant, 'gigabytes', { ...gigabytes, ...change });
        expect([answer.status, answer.body.code]).toEqual([422, 'event_id_conflict']);
      }
      const { body } = await service.api('POST', '/v1/billings/usage/events', {
        key: tenant.key,
        body: {
          events: [
            { metric: 'strict', ...strictly },
            { metric: 'strict', ...strictly, event_id: randomUUID() },
            { metric: 'email_sends', event_id: randomUUID() },
            { metric: 'strict', ...gigabytes },
          ],
        },
      });
      expect(body.results.map(({ status }: { status: string }) => status)).toEqual([
        'duplicate',
        'invalid',
        'recorded',
        'invalid',
      ]);
      expect(body.results[0].current_usage).toBe(3);
    } finally {
      await service.rows(`update clock_offset set offset_ms = 0`);
      await service.get(ClockSync).sync();
    }
  });

  it('starts flows anew each month, and never gauges', async () => {
    const tenant = await service.makeTenant();
    await send(tenant, 'logins');
    await send(tenant, 'campaigns');
    try {
      await service.rows(`update clock_offset set offset_ms = offset_ms + 32 * 86400000::bigint`);
      await service.get(ClockSync).sync();
      expect((await send(tenant, 'logins')).body.current_usage).toBe(1);
      expect((await send(tenant, 'campaigns')).body.current_usage).toBe(2);
    } finally {
      await service.rows(`update clock_offset set offset_ms = 0`);
      await service.get(ClockSync).sync();
    }
  });
});

it('refuses a tenant that has bought nothing where nothing is free', async () => {
  const tenant = await service.makeTenant();
  // Its row is made at the first question at the latest.
  await send(tenant, 'email_sends');
  await service.rows(
    `update tenant_entitlements set source = 'none', limits = '{}', version = version + 1 where tenant_id = $1`,
    [tenant.id],
  );
  const answer = await service.until(async () => {
    const sent = await send(tenant, 'email_sends');
    return sent.status === 402 && sent;
  });
  expect(answer.body.code).toBe('payment_required');
});

it.each(['peak_users', 'disk'])(
  'takes no number as the limit of %s, whose value is no amount',
  async (metric) => {
    const plan = (limit: number | null): Promise<ApiAnswer> =>
      service.api('POST', '/v1/admin/plans', {
        key: service.adminKey,
        body: {
          name: 'p',
          slug: `p-${randomUUID().slice(0, 8)}`,
          currency: 'usd',
          amount: 0,
          interval: 'month',
          limits: { [metric]: limit },
        },
      });
    expect([(await plan(5)).status, (await plan(null)).status]).toEqual([422, 201]);
  },
);
