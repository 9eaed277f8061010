import Stripe from 'stripe';
import { gzipSync } from 'node:zlib';
import { deliver, madeUpEvent, signed } from '../support/stripe-delivery';
import { whilePostgresIsAway } from '../support/database';
import { startTestService, type TestService, type TestTenant } from '../support/service';

const OLD_SECRET = 'whsec_the_one_before_rotation';

let service: TestService;
let tenant: TestTenant;
let plan: { id: string };
let active: { stripe_subscription_id: string };

beforeAll(async () => {
  service = await startTestService({ env: { STRIPE_WEBHOOK_SECRET_PREVIOUS: OLD_SECRET } });
  plan = await service.makePlan();
  tenant = await service.makeTenant();
  active = await service.subscribe(tenant, plan.id);
  await service.settle();
});
afterAll(() => service.close());

const subscriptionOf = (id: string) => service.stripe.object('subscription', id) as Stripe.Subscription;
const now = () => Math.floor(Date.now() / 1000);
const inbox = (eventId: unknown) =>
  service.rows<{ status: string; error: string | null; payload: Buffer }>(
    'select status, error, payload from stripe_events where event_id = $1',
    [eventId],
  );

/** Everything that a delivery could change. */
async function snapshot(): Promise<string> {
  const tables = [
    'billings',
    'subscription_items',
    'tenants',
    'tenant_entitlements',
    'checkout_sessions',
    'outbox',
    'audit_logs',
  ];
  const contents: unknown[] = [];
  for (const table of tables) contents.push(await service.rows(`select * from ${table} order by 1, 2`));
  return JSON.stringify(contents, (key, value) =>
    key === 'synced_at' ||
    key === 'sync_count' ||
    key === 'published_at' ||
    key === 'attempts' ||
    key === 'next_attempt_at'
      ? undefined
      : value,
  );
}

async function changesNothing(work: () => Promise<void>): Promise<void> {
  const before = await snapshot();
  await work();
  await service.settle();
  expect(await snapshot()).toBe(before);
}

describe('forged, broken and old deliveries are refused, store nothing and change nothing', () => {
  const body = JSON.stringify(madeUpEvent());
  const cases: [string, () => { payload: string; headers: Record<string, string> }][] = [
    ['B-001 no signature', () => ({ payload: body, headers: { 'content-type': 'application/json' } })],
    ['B-002 empty header', () => ({ payload: body, headers: { 'stripe-signature': '' } })],
    ['B-003 nonsense', () => ({ payload: body, headers: { 'stripe-signature': 't=abc,v1=zz' } })],
    [
      'B-004 only v0',
      () => ({ payload: body, headers: { 'stripe-signature': `t=${now()},v0=${'a'.repeat(64)}` } }),
    ],
    ['B-005 short v1', () => ({ payload: body, headers: { 'stripe-signature': `t=${now()},v1=ab` } })],
    [
      'B-007 301 s old',
      () => ({ payload: body, headers: signed(body, service.webhookSecret, { timestamp: now() - 301 }) }),
    ],
    [
      'B-008 a day in the future',
      () => ({ payload: body, headers: signed(body, service.webhookSecret, { timestamp: now() + 86_400 }) }),
    ],
    [
      'B-009 one byte changed',
      () => ({ payload: body.replace('"event"', '"evenT"'), headers: signed(body, service.webhookSecret) }),
    ],
    [
      'B-009 a trailing newline',
      () => ({ payload: `${body}\n`, headers: signed(body, service.webhookSecret) }),
    ],
    [
      'B-009 serialised again',
      () => ({
        payload: JSON.stringify(JSON.parse(body), null, 2),
        headers: signed(body, service.webhookSecret),
      }),
    ],
    ['B-010 another secret', () => ({ payload: body, headers: signed(body, 'whsec_of_the_other_mode') })],
    [
      'two times',
      () => ({
        payload: body,
        headers: { 'stripe-signature': `t=1,${signed(body, service.webhookSecret)['stripe-signature']}` },
      }),
    ],
  ];

  it.each(cases)('%s', async (_name, make) => {
    const count = async () =>
      (await service.rows<{ n: string }>('select count(*) as n from stripe_events'))[0]!.n;
    const before = await count();
    const { payload, headers } = make();
    const answer = await deliver(service.url, payload, { 'content-type': 'application/json', ...headers });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_signature' } });
    expect(await count()).toBe(before);
  });

  it('B-006 the header twice', async () => {
    const headers = signed(body, service.webhookSecret);
    const response = await fetch(`${service.url}/v1/webhooks/stripe`, {
      method: 'POST',
      headers: [
        ['content-type', 'application/json'],
        ['stripe-signature', headers['stripe-signature']!],
        ['stripe-signature', headers['stripe-signature']!],
      ],
      body,
    });
    expect(response.status).toBe(400);
  });

  it('B-013 signed, but not JSON; signed JSON that is no event', async () => {
    for (const payload of ['not json', '[1]', '{}', '"text"', '{"id":"evt_1"}']) {
      const answer = await deliver(service.url, payload, signed(payload, service.webhookSecret));
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
    }
  });

  it('B-022 a byte more than 1 MiB, B-023 compressed, B-027 other methods', async () => {
    const big = 'x'.repeat(1024 * 1024 + 1);
    expect((await deliver(service.url, big, signed(big, service.webhookSecret))).status).toBe(413);
    const zipped = gzipSync(body);
    const headers = { ...signed(body, service.webhookSecret), 'content-encoding': 'gzip' };
    expect((await deliver(service.url, zipped, headers)).status).toBe(415);
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const { status, headers: answered } = await service.api(method, '/v1/webhooks/stripe');
      expect({ method, status, allow: answered.get('allow') }).toEqual({
        method,
        status: 405,
        allow: 'POST',
      });
    }
  });
});

describe('genuine deliveries are accepted', () => {
  it('B-011, B-012 during rotation: a second v1, and the previous secret', async () => {
    const payload = JSON.stringify(madeUpEvent());
    const good = signed(payload, service.webhookSecret)['stripe-signature']!;
    const [time, v1] = good.split(',');
    const two = `${time},v1=${'0'.repeat(64)},${v1}`;
    expect((await deliver(service.url, payload, { 'stripe-signature': two })).status).toBe(200);
    const other = JSON.stringify(madeUpEvent());
    expect((await deliver(service.url, other, signed(other, OLD_SECRET))).status).toBe(200);
    const after = await service.replica({ STRIPE_WEBHOOK_SECRET_PREVIOUS: '' });
    const third = JSON.stringify(madeUpEvent());
    expect((await deliver(after.url, third, signed(third, OLD_SECRET))).status).toBe(400);
    await after.stop();
  });

  it('B-024 text/plain is verified over the same bytes', async () => {
    const payload = JSON.stringify(madeUpEvent({ type: 'invoice.created' }));
    const headers = { ...signed(payload, service.webhookSecret), 'content-type': 'text/plain' };
    expect(await deliver(service.url, payload, headers)).toMatchObject({ status: 200 });
  });

  it('B-014 thin events, B-015 unknown types, B-019 the other mode: 200, ignored, no effect', async () => {
    await changesNothing(async () => {
      const ignored = [
        { event: madeUpEvent({ object: 'v2.core.event' }), kept: false },
        { event: madeUpEvent({ type: 'never.heard.of' }), kept: true },
        { event: madeUpEvent({ type: 'constructor' }), kept: true },
        {
          event: madeUpEvent({
            livemode: true,
            data: { object: subscriptionOf(active.stripe_subscription_id) },
          }),
          kept: true,
        },
      ];
      for (const { event, kept } of ignored) {
        const payload = JSON.stringify(event);
        const answer = await deliver(service.url, payload, signed(payload, service.webhookSecret));
        expect(answer).toEqual({ status: 200, body: { received: true, result: 'ignored' } });
        const rows = await inbox(event.id);
        expect(rows.map((row) => row.status)).toEqual(kept ? ['ignored'] : []);
      }
    });
  });

  it('B-016, B-017 the same id again: 200 duplicate, the first one stands', async () => {
    const event = madeUpEvent({ type: 'never.heard.of' });
    const payload = JSON.stringify(event);
    const other = JSON.stringify({ ...event, created: 5 });
    expect((await deliver(service.url, payload, signed(payload, service.webhookSecret))).body.result).toBe(
      'ignored',
    );
    expect((await deliver(service.url, payload, signed(payload, service.webhookSecret))).body.result).toBe(
      'duplicate',
    );
    expect((await deliver(service.url, other, signed(other, service.webhookSecret))).body.result).toBe(
      'duplicate',
    );
    const [row] = await inbox(event.id);
    expect(row!.payload.toString()).toBe(payload);
  });

  it('B-018 an unknown customer: kept and ignored', async () => {
    await changesNothing(async () => {
      const event = madeUpEvent();
      const payload = JSON.stringify(event);
      expect((await deliver(service.url, payload, signed(payload, service.webhookSecret))).status).toBe(200);
      await service.until(async () => (await inbox(event.id))[0]!.status === 'ignored');
    });
  });

  it('B-020 another API version is processed by refetching', async () => {
    const event = madeUpEvent({
      api_version: '2024-04-10',
      data: { object: subscriptionOf(active.stripe_subscription_id) },
    });
    const payload = JSON.stringify(event);
    await deliver(service.url, payload, signed(payload, service.webhookSecret));
    await service.until(async () => (await inbox(event.id))[0]!.status === 'processed');
  });

  it.each([
    ['no items', { items: { object: 'list', data: [] } }],
    ['no period end', { items: { object: 'list', data: [{ id: 'si_1' }] } }],
    ['period end 0', { items: { object: 'list', data: [{ id: 'si_1', current_period_end: 0 }] } }],
    [
      'period end in milliseconds',
      { items: { object: 'list', data: [{ id: 'si_1', current_period_end: 1e15 }] } },
    ],
    ['no id', { id: undefined }],
  ])('B-021 a malformed subscription (%s) is dead-lettered with a reason', async (_name, fields) => {
    await changesNothing(async () => {
      const event = madeUpEvent({
        data: { object: { ...subscriptionOf(active.stripe_subscription_id), ...fields } },
      });
      const payload = JSON.stringify(event);
      expect((await deliver(service.url, payload, signed(payload, service.webhookSecret))).status).toBe(200);
      const [row] = await inbox(event.id);
      expect(row).toMatchObject({ status: 'dead', error: expect.stringContaining('malformed') });
    });
  });

  it('a lying payload changes nothing: the object is refetched', async () => {
    await changesNothing(async () => {
      const truth = subscriptionOf(active.stripe_subscription_id);
      const event = madeUpEvent({
        type: 'customer.subscription.deleted',
        data: { object: { ...truth, status: 'canceled', ended_at: now(), cancel_at_period_end: true } },
      });
      const payload = JSON.stringify(event);
      await deliver(service.url, payload, signed(payload, service.webhookSecret));
      await service.until(async () => (await inbox(event.id))[0]!.status === 'processed');
    });
  });

  it("B-029 metadata or a customer of another tenant gives no authority over that tenant's rows", async () => {
    const victim = await service.makeTenant();
    await service.subscribe(victim, plan.id);
    await service.settle();
    const [row] = await service.rows<{ stripe_customer_id: string }>(
      'select stripe_customer_id from tenants where id = $1',
      [victim.id],
    );
    await changesNothing(async () => {
      const truth = subscriptionOf(active.stripe_subscription_id);
      for (const object of [
        { ...truth, metadata: { tenantId: victim.id } },
        { ...truth, customer: row!.stripe_customer_id },
      ]) {
        const event = madeUpEvent({ data: { object } });
        const payload = JSON.stringify(event);
        await deliver(service.url, payload, signed(payload, service.webhookSecret));
        await service.until(async () => (await inbox(event.id))[0]!.status !== 'pending');
      }
    });
  });

  it('B-030 prototypes, ten thousand keys and depth 500 are stored raw and harm nobody', async () => {
    const deep = `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`;
    const wide = JSON.stringify(
      Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`k${at}`, at])),
    );
    for (const object of [
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      deep,
      wide,
    ]) {
      const { id, ...event } = madeUpEvent({ type: 'never.heard.of' });
      const payload = `{"id":"${String(id)}","object":"event","type":"${String(event.type)}","created":1,"livemode":false,"data":{"object":${object}}}`;
      expect((await deliver(service.url, payload, signed(payload, service.webhookSecret))).status).toBe(200);
      expect((await inbox(id))[0]!.payload.toString()).toBe(payload);
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('B-026 with Redis away the answer is 200 and the event is processed', async () => {
    const lonely = await service.replica({ REDIS_URL: 'redis://127.0.0.1:1' });
    try {
      const event = madeUpEvent({ data: { object: subscriptionOf(active.stripe_subscription_id) } });
      const payload = JSON.stringify(event);
      expect((await deliver(lonely.url, payload, signed(payload, service.webhookSecret))).status).toBe(200);
      await service.until(async () => (await inbox(event.id))[0]!.status === 'processed');
    } finally {
      await lonely.stop();
    }
  });

  it('B-025 with Postgres away the answer is 503, so that Stripe tries again, and then 200', async () => {
    const event = madeUpEvent({ data: { object: subscriptionOf(active.stripe_subscription_id) } });
    const payload = JSON.stringify(event);
    const send = () =>
      service.api('POST', '/v1/webhooks/stripe', {
        headers: signed(payload, service.webhookSecret),
        raw: payload,
      });
    await whilePostgresIsAway(service.database, async () => {
      for (let attempt = 0; attempt < 5; attempt++) {
        const answer = await send();
        expect(answer).toMatchObject({ status: 503, body: { code: 'dependency_unavailable' } });
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(answer.text).not.toMatch(/ECONN|127\.0\.0\.1|postgres|insert/i);
      }
    });
    await service.until(async () => (await send()).status === 200);
    await service.until(async () => (await inbox(event.id))[0]!.status === 'processed');
  });

  it('waits while Stripe is down, and is processed when it is back', async () => {
    const event = madeUpEvent({ data: { object: subscriptionOf(active.stripe_subscription_id) } });
    const payload = JSON.stringify(event);
    service.stripe.setFaults({ outage: true });
    await deliver(service.url, payload, signed(payload, service.webhookSecret));
    await service.until(
      async () =>
        (
          await service.rows('select 1 from stripe_events where event_id = $1 and retry_count > 0', [
            event.id,
          ])
        ).length > 0,
      25_000,
    );
    service.stripe.setFaults({});
    await service.until(async () => (await inbox(event.id))[0]!.status === 'processed', 25_000);
  }, 60_000);
});
