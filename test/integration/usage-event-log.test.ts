import { randomUUID } from 'node:crypto';
import type { Answered, ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

const EVENTS = '/v1/billings/usage/events';
const MINUTE_MS = 60_000;

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  await service.rows(
    `insert into meters (key, name, unit, aggregation, kind) values
       ('signups', 'Sign-ups', 'sign-ups', 'count', 'flow'), ('visitors', 'Visitors', 'visitors', 'unique', 'flow')`,
  );
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: 10, campaigns: 3, api_calls: null, signups: 5, visitors: 5 },
  });
});
afterAll(() => service.close());

function record(tenant: TestTenant, fields: Record<string, unknown> = {}): Promise<ApiAnswer> {
  const body = { event_id: randomUUID(), metric: 'email_sends', ...fields };
  return service.api('POST', EVENTS, { key: tenant.key, body });
}

const find = (tenant: TestTenant, id: string): Promise<ApiAnswer> =>
  service.api('GET', `${EVENTS}/${id}`, { key: tenant.key });

const list = (tenant: TestTenant, query = ''): Promise<ApiAnswer> =>
  service.api('GET', `${EVENTS}?${query}`, { key: tenant.key });

const ids = ({ body }: ApiAnswer): string[] => body.data.map(({ event_id }: Answered) => event_id);

/** Refusals are noted behind the answer. */
function refusalOf(tenant: TestTenant, id: string, times = 1): Promise<Answered> {
  return service.until(async () => {
    const { body } = await find(tenant, id);
    return body.refusal?.times === times ? body : null;
  });
}

describe('an event', () => {
  it('says where it was counted, and as what', async () => {
    const tenant = await service.makeTenant();
    const at = new Date(Math.floor(Date.now() / 1000) * 1000);
    const { body: sent } = await record(tenant, {
      quantity: 4,
      subject: 'ann',
      metadata: { mailing: 'may' },
      timestamp: at.toISOString(),
    });

    const { status, body } = await find(tenant, sent.event_id);

    expect(status).toBe(200);
    expect(body).toEqual({
      event_id: sent.event_id,
      status: 'recorded',
      event_type: 'usage',
      metric: 'email_sends',
      quantity: 4,
      counted_as: 4,
      subject: 'ann',
      timestamp: at.toISOString(),
      received_at: expect.stringMatching(/Z$/),
      period_start: sent.period_start,
      is_late: false,
      metadata: { mailing: 'may' },
      corrects: null,
      corrected_by: null,
      reason: null,
      refusal: null,
    });
  });

  it('counts by the rule of its meter', async () => {
    const tenant = await service.makeTenant();
    const countedAs = async (fields: Record<string, unknown>): Promise<unknown> => {
      const { body } = await record(tenant, fields);
      expect(body.status).toBe('recorded');
      return (await find(tenant, body.event_id)).body.counted_as;
    };
    expect(await countedAs({ metric: 'signups', quantity: 7 })).toBe(1);
    expect(await countedAs({ metric: 'visitors', subject: 'ann' })).toBeNull();
    expect(await countedAs({ metric: 'campaigns', quantity: 2 })).toBe(2);
  });

  it('knows its correction, which knows it', async () => {
    const tenant = await service.makeTenant();
    const { body: sent } = await record(tenant, { metric: 'signups', quantity: 2 });
    const corrected = await service.api('POST', '/v1/billings/usage/corrections', {
      key: service.adminKey,
      tenantId: tenant.id,
      body: { event_id: sent.event_id, reason: 'Test data' },
    });
    const correctionId = corrected.body.event_id;
    expect((await find(tenant, sent.event_id)).body).toMatchObject({
      status: 'corrected',
      corrected_by: correctionId,
      counted_as: 1,
    });
    expect((await find(tenant, correctionId)).body).toMatchObject({
      status: 'recorded',
      event_type: 'correction',
      corrects: sent.event_id,
      quantity: -2,
      counted_as: -1,
      reason: 'Test data',
    });
  });

  it('that came late says so', async () => {
    const tenant = await service.makeTenant();
    const timestamp = new Date(Date.now() - 34 * 24 * 60 * MINUTE_MS).toISOString();
    const { body: sent } = await record(tenant, { timestamp });
    expect((await find(tenant, sent.event_id)).body).toMatchObject({ is_late: true, timestamp });
  });
});

describe('a refused event', () => {
  it('says why, and how often it was tried', async () => {
    const tenant = await service.makeTenant();
    const event = { event_id: randomUUID(), quantity: 11, subject: 'ann' };
    await record(tenant, event);
    await refusalOf(tenant, event.event_id);
    await record(tenant, event);

    expect(await refusalOf(tenant, event.event_id, 2)).toEqual({
      event_id: event.event_id,
      status: 'refused',
      event_type: 'usage',
      metric: 'email_sends',
      quantity: 11,
      counted_as: 0,
      subject: null,
      timestamp: null,
      received_at: null,
      period_start: null,
      is_late: false,
      metadata: null,
      corrects: null,
      corrected_by: null,
      reason: null,
      refusal: {
        code: 'limit_exceeded',
        quantity: 11,
        refused_at: expect.stringMatching(/Z$/),
        times: 2,
      },
    });
    expect(ids(await list(tenant))).toEqual([]);
  });

  it('of a batch, of a gauge at 0, and of an id in use, too', async () => {
    const tenant = await service.makeTenant();
    const [tooMuch, tooFew, used] = [randomUUID(), randomUUID(), randomUUID()];
    await record(tenant, { event_id: used });
    await service.api('POST', EVENTS, {
      key: tenant.key,
      body: { events: [{ event_id: tooMuch, metric: 'email_sends', quantity: 10 }] },
    });
    await service.api('POST', '/v1/billings/usage/decrement', {
      key: tenant.key,
      body: { event_id: tooFew, metric: 'campaigns' },
    });
    await record(tenant, { event_id: used, quantity: 2 });

    expect((await refusalOf(tenant, tooMuch)).refusal.code).toBe('limit_exceeded');
    expect(await refusalOf(tenant, tooFew)).toMatchObject({
      event_type: 'decrement',
      quantity: -1,
      refusal: { code: 'state_conflict' },
    });
    expect(await refusalOf(tenant, used)).toMatchObject({
      status: 'recorded',
      quantity: 1,
      refusal: { code: 'event_id_conflict', quantity: 2 },
    });
  });

  it('that fits later is recorded, and keeps what was said before', async () => {
    const tenant = await service.makeTenant();
    const event = { event_id: randomUUID(), quantity: 10 };
    const { body: first } = await record(tenant, { quantity: 1 });
    await record(tenant, event);
    await refusalOf(tenant, event.event_id);
    await service.api('POST', '/v1/billings/usage/corrections', {
      key: service.adminKey,
      tenantId: tenant.id,
      body: { event_id: first.event_id, reason: 'Room for the other' },
    });

    expect((await record(tenant, event)).status).toBe(201);

    expect((await find(tenant, event.event_id)).body).toMatchObject({
      status: 'recorded',
      refusal: { code: 'limit_exceeded' },
    });
  });

  it('of a flood is noted once each', async () => {
    const tenant = await service.makeTenant();
    const events = Array.from({ length: 1000 }, () => ({
      event_id: randomUUID(),
      metric: 'email_sends',
      quantity: 11,
    }));
    const send = (): Promise<ApiAnswer> => service.api('POST', EVENTS, { key: tenant.key, body: { events } });
    const answers = await Promise.all([send(), send(), send()]);
    for (const { body } of answers) expect(body.summary).toMatchObject({ limit_exceeded: 1000 });
    const noted = await service.until(async () => {
      const [row] = await service.rows<{ events: number }>(
        'select count(*)::int as events from usage_refusals where tenant_id = $1',
        [tenant.id],
      );
      return row!.events === 1000 && row;
    });
    expect(noted.events).toBe(1000);
  });
});

describe('the list', () => {
  it('is newest first by the time of the events, pages and filters', async () => {
    const tenant = await service.makeTenant();
    const now = Math.floor(Date.now() / 1000) * 1000;
    const at = (minutesAgo: number): string => new Date(now - minutesAgo * MINUTE_MS).toISOString();
    const sent: string[] = [];
    for (const [index, minutesAgo] of [3, 1, 5, 4, 2].entries()) {
      const subject = index % 2 === 0 ? 'ann' : 'bob';
      const { body } = await record(tenant, { timestamp: at(minutesAgo), subject });
      sent[minutesAgo] = body.event_id;
    }
    const { body: other } = await record(tenant, { metric: 'api_calls', timestamp: at(3) });

    const first = await list(tenant, 'limit=4');
    const second = await list(tenant, `limit=4&cursor=${first.body.next_cursor}`);
    expect([...ids(first), ...ids(second)].filter((id) => id !== other.event_id)).toEqual(sent.slice(1));
    expect([first.body.has_more, second.body.has_more]).toEqual([true, false]);

    expect(ids(await list(tenant, 'metric=api_calls'))).toEqual([other.event_id]);
    expect(ids(await list(tenant, 'subject=bob'))).toEqual([sent[1], sent[4]]);
    expect(ids(await list(tenant, `metric=email_sends&from=${at(4)}&to=${at(2)}`))).toEqual([
      sent[3],
      sent[4],
    ]);
    expect((await list(tenant, `subject=bob&cursor=${first.body.next_cursor}`)).body.code).toBe(
      'invalid_cursor',
    );
  });

  it('loses none of many events of the same moment, nor microseconds', async () => {
    const tenant = await service.makeTenant();
    const timestamp = `${new Date().toISOString().slice(0, 10)}T00:00:00.000123Z`;
    const events = Array.from({ length: 25 }, () => ({
      event_id: randomUUID(),
      metric: 'api_calls',
      timestamp,
    }));
    await service.api('POST', EVENTS, { key: tenant.key, body: { events } });
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const page = await list(tenant, `limit=10${cursor}`);
      expect(page.body.data[0].timestamp).toBe(timestamp);
      seen.push(...ids(page));
      if (!page.body.has_more) break;
      cursor = `&cursor=${page.body.next_cursor}`;
    }
    expect(seen.toSorted()).toEqual(events.map(({ event_id }) => event_id).toSorted());
  });

  it.each(['metric=A', 'from=yesterday', 'to=2026-02-30T00:00:00Z', 'subject=', 'limit=0', 'more=1'])(
    'refuses %s',
    async (query) => {
      const tenant = await service.makeTenant();
      const answer = await list(tenant, query);
      expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    },
  );
});

it('events of others do not exist, nor do ids of nothing', async () => {
  const [own, other] = await Promise.all([service.makeTenant(), service.makeTenant()]);
  const { body: theirs } = await record(other);
  const refused = { event_id: randomUUID(), quantity: 11 };
  await record(other, refused);
  await refusalOf(other, refused.event_id);
  for (const id of [theirs.event_id, refused.event_id, randomUUID(), 'a%20b', 'x'.repeat(201)]) {
    const answer = await find(own, id);
    expect([id, answer.status, answer.body.code]).toEqual([id, 404, 'not_found']);
  }
  expect(ids(await list(own))).toEqual([]);
});
