import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ShortPath } from '../../src/platform/http/short-path';
import { head, sendRaw, type RawAnswer } from '../support/raw-http';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** The short path of hot routes (ADR 9) must not be told from the ordinary one by anything it answers. */
let service: TestService;
let took: jest.SpiedFunction<ShortPath['take']>;

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  await service.makePlan({
    slug: 'free',
    amount: 0,
    features: ['exports'],
    limits: { email_sends: 10, campaigns: 3, api_calls: null },
  });
  took = jest.spyOn(service.get(ShortPath), 'take');
});
afterAll(() => service.close());

const EVENTS = '/v1/billings/usage/events';
const CHECK = '/v1/billings/limits/check';
const FEATURE = '/v1/billings/access/features/';
const METRIC = '/v1/billings/access/metrics/';

interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

const post = (path: string, body: unknown): Ask => ({
  method: 'POST',
  path,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const event = (event_id: string, fields: object = {}): object => ({
  event_id,
  metric: 'email_sends',
  ...fields,
});

function send({ method, path, body }: Ask, ...headers: string[]): Promise<RawAnswer> {
  const bytes = Buffer.from(body ?? '');
  const about =
    body === undefined ? [] : ['content-type: application/json', `content-length: ${bytes.length}`];
  const start = head(method, path, ...about, ...headers);
  return sendRaw(service.url, [Buffer.concat([Buffer.from(start), bytes])]);
}

const bearer = ({ key }: Pick<TestTenant, 'key'>): string => `authorization: Bearer ${key}`;

/** Lets the edge know the caller. */
async function introduce(tenant: Pick<TestTenant, 'key'>): Promise<void> {
  await send({ method: 'GET', path: `${FEATURE}exports` }, bearer(tenant), 'content-encoding: identity');
}

async function tookIt(answer: Promise<RawAnswer>): Promise<[boolean, RawAnswer]> {
  took.mockClear();
  const settled = await answer;
  return [took.mock.results.some(({ value }) => value === true), settled];
}

/** What must be equal. */
function seen({ status, headers, text }: RawAnswer): object {
  // Fastify hangs up after a body that is not JSON; there is no need to.
  const { date: _, connection: __, 'keep-alive': ___, ...rest } = Object.fromEntries(headers);
  const { 'x-request-id': id, ...others } = rest;
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  const body = JSON.parse(text) as { request_id?: string };
  if (body.request_id !== undefined) expect(body.request_id).toBe(id);
  delete body.request_id;
  return { status, headers: others, body };
}

it('answers like the ordinary path, to the header', async () => {
  const [short, ordinary] = [await service.makeTenant(), await service.makeTenant()];
  const known = randomUUID();
  const asks: Ask[] = [
    post(EVENTS, event(known, { quantity: 4 })),
    post(EVENTS, event(known, { quantity: 4 })),
    post(EVENTS, event(known, { quantity: 5 })),
    post(EVENTS, event(randomUUID(), { quantity: 99 })),
    post(EVENTS, event(randomUUID(), { metric: 'nobody_knows' })),
    post(EVENTS, event(randomUUID(), { timestamp: '2020-01-01T00:00:00Z' })),
    post(EVENTS, { events: [event('a'), event('a'), event('ä'), event('b', { quantity: 0 }), 7] }),
    post(EVENTS, { events: [] }),
    post(EVENTS, { events: [event('c')], more: true }),
    post(EVENTS, '{"event_id":"x","event_id":"y"}'),
    post(EVENTS, '{"event_id":'),
    post(EVENTS, '\ufeff{}'),
    post(EVENTS, '[]'),
    post(EVENTS, '"text"'),
    post(CHECK, { metric: 'email_sends', count: 2 }),
    post(CHECK, { metric: 'email_sends', count: 0 }),
    post(CHECK, { metric: 'nobody_knows' }),
    post(CHECK, '{}'),
    { method: 'GET', path: `${FEATURE}exports` },
    { method: 'GET', path: `${FEATURE}nothing` },
    { method: 'GET', path: `${METRIC}campaigns` },
    { method: 'GET', path: `${METRIC}nothing` },
  ];
  for (const ask of asks) {
    await introduce(short);
    const [isShort, one] = await tookIt(send(ask, bearer(short)));
    const [isShortToo, other] = await tookIt(send(ask, bearer(ordinary), 'content-encoding: identity'));
    expect([ask, isShort, isShortToo]).toEqual([ask, true, false]);
    expect([ask, seen(one)]).toEqual([ask, seen(other)]);
  }
});

describe('leaves to the ordinary path', () => {
  let tenant: TestTenant;
  const good = (): Ask => post(EVENTS, event(randomUUID(), { metric: 'api_calls' }));
  beforeAll(async () => {
    tenant = await service.makeTenant();
  });
  beforeEach(() => introduce(tenant));

  it.each<[string, () => Promise<RawAnswer>, number]>([
    ['an unknown key', () => send(good(), `authorization: Bearer ${tenant.key}x`), 401],
    ['no key', () => send(good()), 401],
    ['two keys', () => send(good(), bearer(tenant), `x-api-key: ${tenant.key}x`), 400],
    [
      'two tenants',
      () => send(good(), bearer(tenant), `tenant-id: ${tenant.id}`, `tenant-id: ${tenant.id}`),
      400,
    ],
    ['a foreign tenant', () => send(good(), bearer(tenant), `tenant-id: ${randomUUID()}`), 403],
    ['another method', () => send({ method: 'PUT', path: EVENTS }, bearer(tenant)), 405],
    ['a query', () => send({ ...good(), path: `${EVENTS}?a=1&a=2` }, bearer(tenant)), 400],
    ['another origin', () => send(good(), bearer(tenant), 'origin: https://elsewhere.example'), 201],
    ['a compressed body', () => send(good(), bearer(tenant), 'content-encoding: gzip'), 415],
    ['a parameter with an escape', () => send({ method: 'GET', path: `${FEATURE}%00` }, bearer(tenant)), 404],
  ])('%s', async (_, ask, status) => {
    const [isShort, answer] = await tookIt(ask());
    expect([isShort, answer.status]).toEqual([false, status]);
  });

  it('a key without the scope', async () => {
    const { secret } = await service.admin('POST', '/v1/api-keys', {
      name: 'reader',
      kind: 'tenant',
      tenant_id: tenant.id,
      scopes: ['usage:read'],
    });
    const reader = { key: secret as string };
    await introduce(reader);
    const [checked] = await tookIt(send(post(CHECK, { metric: 'api_calls' }), bearer(reader)));
    const [recorded, answer] = await tookIt(send(good(), bearer(reader)));
    expect([checked, recorded, answer.status]).toEqual([true, false, 403]);
  });

  it('media types of other kinds, and none', async () => {
    for (const type of ['content-type: text/plain', 'content-type: application/jsonx']) {
      const bytes = good().body!;
      const start = head('POST', EVENTS, bearer(tenant), type, `content-length: ${bytes.length}`);
      const [isShort, answer] = await tookIt(sendRaw(service.url, [start + bytes]));
      expect([isShort, answer.status]).toEqual([false, 415]);
    }
  });
});

it('records nothing of a request that is broken off', async () => {
  const tenant = await service.makeTenant();
  await introduce(tenant);
  const start = head(
    'POST',
    EVENTS,
    bearer(tenant),
    'content-type: application/json',
    'content-length: 4000',
  );
  await sendRaw(service.url, [start, JSON.stringify(event('cut'))], { timeoutMs: 300 }).catch(() => null);
  const found = await service.rows('select 1 from billing_events where tenant_id = $1', [tenant.id]);
  expect(found).toEqual([]);
  expect((await send({ method: 'GET', path: `${FEATURE}exports` }, bearer(tenant))).status).toBe(200);
});

describe('hears within a second', () => {
  const ask = (tenant: TestTenant): Promise<RawAnswer> =>
    send({ method: 'GET', path: `${FEATURE}exports` }, bearer(tenant));
  const revoke = (tenant: TestTenant): Promise<unknown> =>
    service.rows('update api_keys set revoked_at = now() where tenant_id = $1', [tenant.id]);

  /** Asks until the answer is as wanted; how long that took. */
  async function until(tenant: TestTenant, wanted: (answer: RawAnswer) => boolean): Promise<number> {
    const started = performance.now();
    while (!wanted(await ask(tenant)) && performance.now() - started < 5000) await pause(10);
    return performance.now() - started;
  }

  it('that another process suspends the tenant, or revokes its key', async () => {
    const tenant = await service.makeTenant();
    await introduce(tenant);
    expect((await tookIt(ask(tenant)))[0]).toBe(true);
    await service.rows('update tenants set suspended_at = now() where id = $1', [tenant.id]);
    const isSuspended = ({ headers }: RawAnswer): boolean => headers.get('x-tenant-status') === 'SUSPENDED';
    expect(await until(tenant, isSuspended)).toBeLessThan(1000);
    await revoke(tenant);
    expect(await until(tenant, ({ status }) => status === 401)).toBeLessThan(1000);
  });

  it('that a key is revoked while the connection that tells is broken', async () => {
    const tenant = await service.makeTenant();
    await introduce(tenant);
    await service.rows(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'tenant-billing-listen'`,
    );
    await revoke(tenant);
    expect(await until(tenant, ({ status }) => status === 401)).toBeLessThan(1000);
  });
});

it('counts and logs under the pattern of the route', async () => {
  const tenant = await service.makeTenant();
  await introduce(tenant);
  await send({ method: 'GET', path: `${FEATURE}exports` }, bearer(tenant));
  const { text } = await sendRaw(service.url, head('GET', '/metrics', bearer({ key: service.adminKey })));
  expect(text).toMatch(/route="\/v1\/billings\/access\/features\/:feature",method="GET",status="200"/);
});
