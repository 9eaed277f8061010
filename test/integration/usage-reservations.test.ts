import { randomUUID } from 'node:crypto';
import { UsageReservations } from '../../src/modules/usage/reservations/usage-reservations.service';
import { Clock } from '../../src/platform/clock';
import { ClockSync } from '../../src/platform/database/clock-sync';
import type { Answered, ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

const HOUR_MS = 3_600_000;
const RESERVATIONS = '/v1/billings/usage/reservations';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  await service.rows(
    `insert into meters (key, name, unit, aggregation, kind, scale) values
       ('signups', 'Sign-ups', 'sign-ups', 'count', 'flow', 0), ('best_score', 'Best score', 'points', 'max', 'flow', 0),
       ('hours', 'Hours', 'hours', 'sum', 'flow', 2)`,
  );
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: 10, campaigns: 3, api_calls: null, seats: 5, signups: 2 },
  });
});
afterAll(() => service.close());

const post = (tenant: TestTenant, path: string, body?: unknown): Promise<ApiAnswer> =>
  service.api('POST', `${RESERVATIONS}${path}`, { key: tenant.key, body: body ?? {} });

const reserve = (tenant: TestTenant, body: Record<string, unknown> = {}): Promise<ApiAnswer> =>
  post(tenant, '', { metric: 'email_sends', ...body });

const record = (tenant: TestTenant, quantity: number, metric = 'email_sends'): Promise<ApiAnswer> =>
  service.api('POST', '/v1/billings/usage/events', {
    key: tenant.key,
    body: { event_id: randomUUID(), metric, quantity },
  });

interface Counter {
  metric_name: string;
  used: string;
  reserved: string;
}

async function counterOf(tenant: TestTenant, metric = 'email_sends'): Promise<Counter | undefined> {
  const rows = await service.rows<Counter>(
    'select metric_name, used::text, reserved::text from usage_counters where tenant_id = $1 and metric_name = $2',
    [tenant.id, metric],
  );
  expect(rows.length).toBeLessThan(2);
  return rows[0];
}

async function eventsOf(tenant: TestTenant): Promise<Answered[]> {
  return service.rows('select * from billing_events where tenant_id = $1 order by received_at', [tenant.id]);
}

describe('a reservation', () => {
  it('holds capacity that nobody else can use', async () => {
    const tenant = await service.makeTenant();

    const held = await reserve(tenant, { quantity: 8, subject: 'mailing-1' });

    expect(held.status).toBe(201);
    expect(held.body).toMatchObject({
      status: 'held',
      metric: 'email_sends',
      quantity: 8,
      subject: 'mailing-1',
      current_usage: 0,
      reserved: 8,
      limit: 10,
      remaining: 2,
      committed_quantity: null,
      event_id: null,
      settled_at: null,
    });
    expect(Date.parse(held.body.expires_at) - Date.parse(held.body.created_at)).toBe(900_000);
    const refused = await record(tenant, 3);
    expect([refused.status, refused.body.code, refused.body.reserved]).toEqual([402, 'limit_exceeded', 8]);
    expect((await record(tenant, 2)).status).toBe(201);
    expect(await counterOf(tenant)).toMatchObject({ used: '2', reserved: '8' });
  });

  it('that does not fit is refused like an event, and leaves no trace', async () => {
    const tenant = await service.makeTenant();
    await record(tenant, 4);

    const refused = await reserve(tenant, { quantity: 7 });

    expect(refused.status).toBe(402);
    expect(refused.body).toMatchObject({
      code: 'limit_exceeded',
      metric: 'email_sends',
      current_usage: 4,
      reserved: 0,
      limit: 10,
      requested: 7,
    });
    const listed = await service.api('GET', RESERVATIONS, { key: tenant.key });
    expect(listed.body.data).toEqual([]);
    expect(await counterOf(tenant)).toMatchObject({ used: '4', reserved: '0' });
  });

  it('is made once per Idempotency-Key', async () => {
    const tenant = await service.makeTenant();
    const call = (): Promise<ApiAnswer> =>
      service.api('POST', RESERVATIONS, {
        key: tenant.key,
        body: { metric: 'email_sends', quantity: 2 },
        headers: { 'idempotency-key': 'mailing-7' },
      });

    const first = await call();
    const second = await call();

    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.text).toBe(first.text);
    expect(await counterOf(tenant)).toMatchObject({ reserved: '2' });
  });

  it('of a hundred at once holds as many as fit, and not one more', async () => {
    const tenant = await service.makeTenant();

    const answers = await Promise.all(Array.from({ length: 100 }, () => reserve(tenant, { quantity: 3 })));

    const many = (status: number): number => answers.filter((answer) => answer.status === status).length;
    // A busy machine may send some away (503), and then they hold nothing.
    expect([many(201), many(402) + many(503)]).toEqual([3, 97]);
    expect(many(402)).toBeGreaterThan(0);
    expect(await counterOf(tenant)).toMatchObject({ used: '0', reserved: '9' });
  });

  it('and events together never pass the limit', async () => {
    const tenant = await service.makeTenant();

    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, at) => (at % 2 === 0 ? reserve(tenant) : record(tenant, 1))),
    );

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(50);
    const { used, reserved } = (await counterOf(tenant))!;
    expect(Number(used) + Number(reserved)).toBe(10);
  });

  it.each([
    [{ metric: 'nothing_known' }, 404, 'unknown_meter'],
    [{ metric: 'best_score' }, 422, 'unprocessable'],
    [{ metric: 'leaderboard_entries' }, 422, 'unprocessable'],
    [{ metric: 'signups', quantity: 2 }, 400, 'validation_failed'],
    [{ metric: 'email_sends', quantity: '1.5' }, 400, 'validation_failed'],
    [{ metric: 'email_sends', quantity: 0 }, 400, 'validation_failed'],
    [{ metric: 'email_sends', quantity: -1 }, 400, 'validation_failed'],
    [{ metric: 'email_sends', ttl_seconds: 0 }, 400, 'validation_failed'],
    [{ metric: 'email_sends', ttl_seconds: 86_401 }, 400, 'validation_failed'],
    [{ metric: 'email_sends', quantity: null }, 400, 'validation_failed'],
    [{ quantity: 1 }, 400, 'validation_failed'],
    [{ metric: 'email_sends', more: true }, 400, 'validation_failed'],
  ])('of %j is answered %i %s', async (body, status, code) => {
    const tenant = await service.makeTenant();
    const answer = await post(tenant, '', body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('of a metric that the plan does not have is refused', async () => {
    const tenant = await service.makeTenant();
    const answer = await reserve(tenant, { metric: 'hours' });
    expect([answer.status, answer.body.code, answer.body.limit]).toEqual([402, 'limit_exceeded', 0]);
  });
});

describe('a commit', () => {
  it('counts what the work took as one event, and gives back the rest', async () => {
    const tenant = await service.makeTenant();
    const { body: held } = await reserve(tenant, { quantity: 8, subject: 'ann' });

    const committed = await post(tenant, `/${held.id}/commit`, { quantity: 5 });

    expect(committed.status).toBe(200);
    expect(committed.body).toMatchObject({
      id: held.id,
      status: 'committed',
      quantity: 8,
      committed_quantity: 5,
      event_id: `reservation~${held.id}`,
      current_usage: 5,
      reserved: 0,
      remaining: 5,
    });
    expect(await counterOf(tenant)).toMatchObject({ used: '5', reserved: '0' });
    const [me] = await service.rows<{ id: string }>('select id from api_keys where tenant_id = $1', [
      tenant.id,
    ]);
    expect(await eventsOf(tenant)).toEqual([
      expect.objectContaining({
        event_id: `reservation~${held.id}`,
        event_type: 'reservation',
        metric_name: 'email_sends',
        increment: '5',
        subject: 'ann',
        api_key_id: me!.id,
      }),
    ]);
  });

  it('sent again has no effect; with another quantity it is a conflict', async () => {
    const tenant = await service.makeTenant();
    const { body: held } = await reserve(tenant, { quantity: 4 });
    const first = await post(tenant, `/${held.id}/commit`);

    const second = await service.api('POST', `${RESERVATIONS}/${held.id}/commit`, { key: tenant.key });
    const other = await post(tenant, `/${held.id}/commit`, { quantity: 3 });

    expect([second.status, second.text]).toEqual([200, first.text]);
    expect([other.status, other.body.code]).toEqual([409, 'state_conflict']);
    expect(await counterOf(tenant)).toMatchObject({ used: '4', reserved: '0' });
    expect(await eventsOf(tenant)).toHaveLength(1);
  });

  it('sent twenty times at once counts once', async () => {
    const tenant = await service.makeTenant();
    const { body: held } = await reserve(tenant, { quantity: 4 });

    const answers = await Promise.all(Array.from({ length: 20 }, () => post(tenant, `/${held.id}/commit`)));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await counterOf(tenant)).toMatchObject({ used: '4', reserved: '0' });
    expect(await eventsOf(tenant)).toHaveLength(1);
  });

  it('of more than was held is refused, and holds on', async () => {
    const tenant = await service.makeTenant();
    const { body: held } = await reserve(tenant, { quantity: 4 });

    const refused = await post(tenant, `/${held.id}/commit`, { quantity: 5 });

    expect([refused.status, refused.body.code]).toEqual([422, 'unprocessable']);
    expect(refused.body.errors[0].pointer).toBe('/quantity');
    expect(await counterOf(tenant)).toMatchObject({ used: '0', reserved: '4' });
    expect((await post(tenant, `/${held.id}/commit`)).status).toBe(200);
  });

  it('passes although the limit was lowered meanwhile: the capacity was held', async () => {
    const tenant = await service.makeTenant();
    const { body: held } = await reserve(tenant, { quantity: 6 });
    await service.rows(
      `update tenant_entitlements set limits = limits || '{"email_sends": 1}', version = version + 1
        where tenant_id = $1`,
      [tenant.id],
    );

    const committed = await post(tenant, `/${held.id}/commit`);

    expect([committed.status, committed.body.current_usage]).toEqual([200, 6]);
    const refused = await service.until(async () => {
      const answer = await reserve(tenant);
      return answer.status === 402 && answer.body.limit === 1 ? answer : null;
    });
    expect(refused.body).toMatchObject({ current_usage: 6, limit: 1 });
  });

  it('counts decimals exactly', async () => {
    const tenant = await service.makeTenant();
    // Its entitlements are written when they are first asked for.
    await reserve(tenant);
    await service.rows(
      `update tenant_entitlements set limits = limits || '{"hours": 10}', version = version + 1 where tenant_id = $1`,
      [tenant.id],
    );
    await service.until(
      async () => (await reserve(tenant, { metric: 'hours', quantity: '0.01' })).status === 201,
    );

    const { body: held } = await reserve(tenant, { metric: 'hours', quantity: '2.50' });
    const tooFine = await post(tenant, `/${held.id}/commit`, { quantity: '1.234' });
    const { body: committed } = await post(tenant, `/${held.id}/commit`, { quantity: '1.25' });

    expect(held.quantity).toBe('2.5');
    expect([tooFine.status, tooFine.body.errors[0].code]).toEqual([400, 'too_many_decimals']);
    expect(committed).toMatchObject({ committed_quantity: '1.25', current_usage: '1.25' });
  });

  it('of a counting meter counts one', async () => {
    const tenant = await service.makeTenant();
    const { body: held } = await reserve(tenant, { metric: 'signups' });
    const { body: committed } = await post(tenant, `/${held.id}/commit`);
    expect(committed).toMatchObject({ committed_quantity: 1, current_usage: 1, remaining: 1 });
  });
});

describe('a release', () => {
  it('gives all back, again too', async () => {
    const tenant = await service.makeTenant();
    const { body: held } = await reserve(tenant, { quantity: 9 });

    const first = await post(tenant, `/${held.id}/release`);
    const second = await post(tenant, `/${held.id}/release`);

    expect(first.body).toMatchObject({ status: 'released', reserved: 0, remaining: 10 });
    expect([second.status, second.text]).toEqual([200, first.text]);
    expect(await counterOf(tenant)).toMatchObject({ used: '0', reserved: '0' });
    expect(await eventsOf(tenant)).toEqual([]);
  });

  it('and a commit exclude each other', async () => {
    const tenant = await service.makeTenant();
    const { body: released } = await reserve(tenant);
    const { body: committed } = await reserve(tenant);
    await post(tenant, `/${released.id}/release`);
    await post(tenant, `/${committed.id}/commit`);

    const late = await post(tenant, `/${released.id}/commit`);
    const tooLate = await post(tenant, `/${committed.id}/release`);

    expect([late.status, late.body.code]).toEqual([409, 'state_conflict']);
    expect([tooLate.status, tooLate.body.code]).toEqual([409, 'state_conflict']);
    expect(await counterOf(tenant)).toMatchObject({ used: '1', reserved: '0' });
  });

  it('and a commit at the same moment: one of them decides', async () => {
    const tenant = await service.makeTenant();
    const { body: held } = await reserve(tenant, { quantity: 2 });

    const [committed, released] = await Promise.all([
      post(tenant, `/${held.id}/commit`),
      post(tenant, `/${held.id}/release`),
    ]);

    expect([committed.status, released.status].toSorted()).toEqual([200, 409]);
    const counted = committed.status === 200 ? '2' : '0';
    expect(await counterOf(tenant)).toMatchObject({ used: counted, reserved: '0' });
  });
});

describe('when its time is over', () => {
  /** The clock as the service sees it, later by so much; back afterwards. */
  async function later<T>(ms: number, work: () => Promise<T>): Promise<T> {
    const now = service.get(Clock).now();
    const moved = jest
      .spyOn(service.get(Clock), 'now')
      .mockImplementation(() => new Date(now.getTime() + ms));
    try {
      return await work();
    } finally {
      moved.mockRestore();
    }
  }

  it('a reservation has expired at once, and cannot be committed', async () => {
    const tenant = await service.makeTenant();
    const { body: held } = await reserve(tenant, { quantity: 9, ttl_seconds: 60 });

    await later(60_000, async () => {
      const { body: read } = await service.api('GET', `${RESERVATIONS}/${held.id}`, { key: tenant.key });
      expect(read.status).toBe('expired');
      const late = await post(tenant, `/${held.id}/commit`);
      expect([late.status, late.body.code]).toEqual([409, 'state_conflict']);
    });

    expect(await counterOf(tenant)).toMatchObject({ used: '0', reserved: '0' });
  });

  it('its capacity is there for the next reservation, before any job has run', async () => {
    const tenant = await service.makeTenant();
    await reserve(tenant, { quantity: 9, ttl_seconds: 60 });
    expect((await reserve(tenant, { quantity: 9 })).status).toBe(402);

    const answer = await later(60_000, () => reserve(tenant, { quantity: 9, ttl_seconds: 5 }));

    expect([answer.status, answer.body.reserved]).toEqual([201, 9]);
    expect(await counterOf(tenant)).toMatchObject({ used: '0', reserved: '9' });
  });

  it('the job settles it, of all tenants, once', async () => {
    const [one, two] = await Promise.all([service.makeTenant(), service.makeTenant()]);
    await reserve(one, { quantity: 3, ttl_seconds: 30 });
    await reserve(one, { metric: 'campaigns', ttl_seconds: 30 });
    await reserve(one, { quantity: 2, ttl_seconds: 3000 });
    await reserve(two, { quantity: 4, ttl_seconds: 30 });
    const { body: committed } = await reserve(two, { quantity: 1, ttl_seconds: 30 });
    await post(two, `/${committed.id}/commit`);
    const reservations = service.get(UsageReservations);
    const at = new Date(service.get(Clock).now().getTime() + 30_000);

    const expired = await Promise.all([1, 2, 3].map(() => reservations.expireDueAcrossTenants(at, 1000)));

    expect(expired.reduce((sum, many) => sum + many, 0)).toBe(3);
    expect(await reservations.expireDueAcrossTenants(at, 1000)).toBe(0);
    expect(await counterOf(one)).toMatchObject({ used: '0', reserved: '2' });
    expect(await counterOf(one, 'campaigns')).toMatchObject({ used: '0', reserved: '0' });
    expect(await counterOf(two)).toMatchObject({ used: '1', reserved: '0' });
    const listed = await service.api('GET', `${RESERVATIONS}?status=expired`, { key: one.key });
    expect(listed.body.data.map(({ metric }: Answered) => metric)).toEqual(['campaigns', 'email_sends']);
  });

  it('the job does as many as it is told', async () => {
    const tenant = await service.makeTenant();
    for (let made = 0; made < 3; made++) await reserve(tenant, { ttl_seconds: 30 });
    const at = new Date(service.get(Clock).now().getTime() + 31_000);
    expect(await service.get(UsageReservations).expireDueAcrossTenants(at, 2)).toBe(2);
    expect(await counterOf(tenant)).toMatchObject({ reserved: '1' });
    expect(await service.get(UsageReservations).expireDueAcrossTenants(at, 2)).toBe(1);
  });
});

describe('across the end of a month', () => {
  /** Business time of all processes, moved as the sandbox moves it. */
  async function moveClock(offsetMs: number): Promise<void> {
    await service.rows(
      `insert into clock_offset (id, offset_ms) values (1, $1) on conflict (id) do update set offset_ms = $1`,
      [offsetMs],
    );
    await service.get(ClockSync).sync();
  }
  afterAll(() => moveClock(0));

  it('a commit counts in the month that the reservation was made in, and its event lies there', async () => {
    const tenant = await service.makeTenant();
    const now = service.get(Clock).now();
    const nextMonth = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
    await moveClock(nextMonth - now.getTime() - HOUR_MS);
    const { body: held } = await reserve(tenant, { quantity: 8, ttl_seconds: 86_400 });
    await moveClock(nextMonth - now.getTime() + HOUR_MS);

    const fresh = await reserve(tenant, { quantity: 10, ttl_seconds: 60 });
    const committed = await post(tenant, `/${held.id}/commit`, { quantity: 7 });

    expect([fresh.status, committed.status]).toEqual([201, 200]);
    expect(committed.body).toMatchObject({ current_usage: 7, reserved: 0, period_start: held.period_start });
    const [event] = await eventsOf(tenant);
    expect(event.period.toISOString()).toBe(held.period_start);
    expect(event.timestamp.getTime()).toBeLessThan(nextMonth);
    const counters = await service.rows<Counter>(
      'select used::text, reserved::text from usage_counters where tenant_id = $1 order by period_start',
      [tenant.id],
    );
    expect(counters).toEqual([
      { used: '7', reserved: '0' },
      { used: '0', reserved: '10' },
    ]);
  });
});

describe('the list', () => {
  it('pages through all of them, newest first, and filters', async () => {
    const tenant = await service.makeTenant();
    const made: string[] = [];
    for (let at = 0; at < 5; at++) made.push((await reserve(tenant)).body.id);
    await post(tenant, `/${made[1]}/release`);
    const ids = ({ body }: ApiAnswer): string[] => body.data.map(({ id }: Answered) => id);
    const list = (query: string): Promise<ApiAnswer> =>
      service.api('GET', `${RESERVATIONS}?${query}`, { key: tenant.key });

    const first = await list('limit=3');
    const second = await list(`limit=3&cursor=${first.body.next_cursor}`);

    expect([...ids(first), ...ids(second)]).toEqual(made.toReversed());
    expect([first.body.has_more, second.body.has_more]).toEqual([true, false]);
    expect(ids(await list('status=released'))).toEqual([made[1]]);
    expect(ids(await list('metric=campaigns'))).toEqual([]);
    expect((await list('status=gone')).status).toBe(400);
  });

  it('shows nothing of other tenants, and an unknown id is not found', async () => {
    const [own, other] = await Promise.all([service.makeTenant(), service.makeTenant()]);
    const { body: theirs } = await reserve(other);
    for (const path of [
      `/${theirs.id}/commit`,
      `/${theirs.id}/release`,
      `/${randomUUID()}/commit`,
      '/x/release',
    ]) {
      const answer = await post(own, path);
      expect([path, answer.status, answer.body.code]).toEqual([path, 404, 'not_found']);
    }
    expect((await service.api('GET', RESERVATIONS, { key: own.key })).body.data).toEqual([]);
    expect(await counterOf(other)).toMatchObject({ reserved: '1' });
  });
});

it('what a reservation does is at once in the numbers that others read', async () => {
  const tenant = await service.makeTenant();
  const { body: held } = await reserve(tenant, { quantity: 2 });
  expect((await record(tenant, 1)).body).toMatchObject({ current_usage: 1, remaining: 7 });
  await post(tenant, `/${held.id}/commit`);
  expect((await record(tenant, 1)).body).toMatchObject({ current_usage: 4, remaining: 6 });
});

it('a commit that reaches a level of the limit is told at once, like an event', async () => {
  const tenant = await service.makeTenant();
  const { body: held } = await reserve(tenant, { quantity: 9 });
  await post(tenant, `/${held.id}/commit`);
  const reached = await service.until(async () => {
    const rows = await service.rows<{ percent: number }>(
      'select percent from usage_alerts where tenant_id = $1 order by percent',
      [tenant.id],
    );
    return rows.length > 1 && rows.map(({ percent }) => percent);
  });
  expect(reached).toEqual([50, 80]);
});
