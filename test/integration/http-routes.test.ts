import { randomUUID } from 'node:crypto';
import { HttpEdge } from '../../src/platform/http/http-edge';
import type { RegisteredRoute } from '../../src/platform/http/route-table';
import type { ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/**
 * Every route as it is registered, tried with no credential, with another tenant's header, with another
 * tenant's ids: R-22, S-01, S-02. A new route fails here until it has its line in ROUTES.
 */
let service: TestService;
let routes: RegisteredRoute[];
/** The one who tries. */
let own: TestTenant;
/** Whose things are tried for. */
let foreign: TestTenant;
/** What belongs to the other, by name, and must never be read in an answer to the first. */
let theirs: {
  planId: string;
  sessionId: string;
  sessionRowId: string;
  keyId: string;
  contactId: string;
  reservationId: string;
  eventId: string;
  cursor: string;
  itemId: string;
  paymentMethodId: string;
  invoiceId: string;
  canaries: string[];
};

/** A request that names something of the other tenant, and its twin that names nothing that exists. */
interface Attempt {
  path?: [foreign: string, unknown: string];
  body?: [foreign: unknown, unknown: unknown];
  query?: [foreign: string, unknown: string];
}

const admin = (): Attempt[] => [];
const open = (): Attempt[] => [];

/** Method and pattern of every route -> how another tenant's things could be named in it. */
const ROUTES: Record<string, () => Attempt[]> = {
  'GET /': open,
  'GET /pricing': open,
  'GET /checkout/return': open,
  'GET /checkout/canceled': open,
  'GET /assets/*': open,
  'GET /favicon.svg': open,
  'GET /healthz': open,
  'GET /readyz': open,
  'GET /metrics': admin,
  'GET /v1/openapi.json': open,
  'POST /v1/webhooks/stripe': open,
  'GET /v1/sandbox/clock': admin,
  'POST /v1/sandbox/clock': admin,
  'POST /v1/api-keys': admin,
  'GET /v1/api-keys': admin,
  'GET /v1/api-keys/:id': admin,
  'DELETE /v1/api-keys/:id': admin,
  'POST /v1/admin/tenants': admin,
  'GET /v1/admin/tenants': admin,
  'GET /v1/admin/tenants/:id': admin,
  'PATCH /v1/admin/tenants/:id': admin,
  'POST /v1/admin/tenants/:id/deletion': admin,
  'DELETE /v1/admin/tenants/:id/deletion': admin,
  'GET /v1/admin/tenants/:id/limit-overrides': admin,
  'PUT /v1/admin/tenants/:id/limit-overrides/:metric': admin,
  'DELETE /v1/admin/tenants/:id/limit-overrides/:metric': admin,
  'POST /v1/admin/plans': admin,
  'GET /v1/admin/plans': admin,
  'POST /v1/admin/plans/sync': admin,
  'GET /v1/admin/plans/sync': admin,
  'GET /v1/admin/plans/:id': admin,
  'PUT /v1/admin/plans/:id': admin,
  'DELETE /v1/admin/plans/:id': admin,
  'GET /v1/subscriptions/:id': admin,
  'POST /v1/subscriptions/:id/upgrade/preview': admin,
  'POST /v1/subscriptions/:id/upgrade': admin,
  'POST /v1/subscriptions/:id/downgrade': admin,
  'DELETE /v1/subscriptions/:id/downgrade': admin,
  'POST /v1/subscriptions/:id/cancel': admin,
  'POST /v1/subscriptions/:id/reactivate': admin,
  'POST /v1/subscriptions/:id/pause': admin,
  'POST /v1/subscriptions/:id/resume': admin,
  'PATCH /v1/subscriptions/:id/quantity': admin,
  'POST /v1/billings/subscription/upgrade/preview': () => [
    { body: [{ plan_id: theirs.planId }, { plan_id: randomUUID() }] },
  ],
  'POST /v1/billings/subscription/upgrade': () => [
    { body: [{ plan_id: theirs.planId }, { plan_id: randomUUID() }] },
  ],
  'POST /v1/billings/subscription/downgrade': () => [
    { body: [{ plan_id: theirs.planId }, { plan_id: randomUUID() }] },
  ],
  // Without an id of anything: refused alike, since the one who asks has nothing running.
  'DELETE /v1/billings/subscription/downgrade': () => [{}],
  'POST /v1/billings/subscription/cancel': () => [{ body: [{ reason: theirs.planId }, { reason: 'x' }] }],
  'POST /v1/billings/subscription/reactivate': () => [{}],
  'POST /v1/billings/subscription/pause': () => [
    { body: [{ mode: 'access_kept' }, { mode: 'access_kept' }] },
  ],
  'POST /v1/billings/subscription/resume': () => [{}],
  'GET /v1/billings/subscription/scheduled-changes': () => [],
  'DELETE /v1/billings/subscription/scheduled-changes/:id': () => [{ path: [theirs.planId, randomUUID()] }],
  'PATCH /v1/billings/subscription/quantity': () => [{ body: [{ quantity: 2 }, { quantity: 3 }] }],
  'POST /v1/billings/subscription/items': () => [
    { body: [{ plan_id: theirs.planId }, { plan_id: randomUUID() }] },
  ],
  'PATCH /v1/billings/subscription/items/:id': () => [
    { path: [theirs.itemId, 'si_nobody'], body: [{ quantity: 2 }, { quantity: 2 }] },
  ],
  'DELETE /v1/billings/subscription/items/:id': () => [{ path: [theirs.itemId, 'si_nobody'] }],
  'POST /v1/billings/portal': () => [
    { body: [{ return_url: `https://${theirs.planId}.example` }, { return_url: 'https://x.example' }] },
  ],
  'POST /v1/billings/payment-methods': () => [],
  'GET /v1/billings/payment-methods': () => [],
  'POST /v1/billings/payment-methods/:id/default': () => [{ path: [theirs.paymentMethodId, 'pm_nobody'] }],
  'DELETE /v1/billings/payment-methods/:id': () => [{ path: [theirs.paymentMethodId, 'pm_nobody'] }],
  'GET /v1/billings/invoices': () => [{ query: [`cursor=${theirs.cursor}`, `cursor=${theirs.cursor}x`] }],
  'GET /v1/billings/invoices/upcoming': () => [],
  'GET /v1/billings/invoices/:id': () => [{ path: [theirs.invoiceId, randomUUID()] }],
  'GET /v1/billings/invoices/:id/pdf': () => [{ path: [theirs.invoiceId, randomUUID()] }],
  'POST /v1/billings/invoices/:id/pay': () => [
    { path: [theirs.invoiceId, randomUUID()], body: [{}, {}] },
    {
      path: [theirs.invoiceId, randomUUID()],
      body: [{ payment_method: theirs.paymentMethodId }, { payment_method: 'pm_nobody' }],
    },
  ],
  'GET /v1/api-keys/me': () => [],
  'GET /v1/billings/subscription': () => [],
  'GET /v1/plans': () => [],
  'GET /v1/plans/:id': () => [{ path: [theirs.planId, randomUUID()] }],
  'POST /v1/billings/subscription/checkout': () => [
    { body: [{ plan_id: theirs.planId }, { plan_id: randomUUID() }] },
  ],
  'GET /v1/billings/subscription/checkout/:id': () => [
    { path: [theirs.sessionId, `cs_test_${'a'.repeat(24)}`] },
    { path: [theirs.sessionRowId, randomUUID()] },
    { path: [theirs.keyId, randomUUID()] },
  ],
  'POST /v1/billings/usage/events': () => [{ body: [{ metric: foreign.id }, { metric: randomUUID() }] }],
  'POST /v1/billings/usage/increment': () => [{ body: [{ metric: foreign.id }, { metric: randomUUID() }] }],
  'POST /v1/billings/usage/decrement': () => [{ body: [{ metric: foreign.id }, { metric: randomUUID() }] }],
  'GET /v1/billings/usage/events': () => [{ query: [`cursor=${theirs.cursor}`, `cursor=${theirs.cursor}x`] }],
  'GET /v1/billings/usage/events/:id': () => [{ path: [theirs.eventId, randomUUID()] }],
  'GET /v1/billings/usage': () => [],
  'GET /v1/billings/usage/history': () => [],
  'GET /v1/billings/usage/cost': () => [],
  'GET /v1/billings/usage/export': () => [],
  'POST /v1/billings/usage/corrections': () => [
    {
      body: [
        { event_id: theirs.eventId, reason: 'x' },
        { event_id: randomUUID(), reason: 'x' },
      ],
    },
  ],
  'POST /v1/billings/usage/reservations': () => [
    { body: [{ metric: foreign.id }, { metric: randomUUID() }] },
  ],
  'GET /v1/billings/usage/reservations': () => [
    { query: [`cursor=${theirs.cursor}`, `cursor=${theirs.cursor}x`] },
  ],
  'GET /v1/billings/usage/reservations/:id': () => [{ path: [theirs.reservationId, randomUUID()] }],
  'POST /v1/billings/usage/reservations/:id/commit': () => [
    { path: [theirs.reservationId, randomUUID()], body: [{}, {}] },
  ],
  'POST /v1/billings/usage/reservations/:id/release': () => [{ path: [theirs.reservationId, randomUUID()] }],
  'GET /v1/billings/limits': () => [],
  'POST /v1/billings/limits/check': () => [{ body: [{ metric: 'their_own' }, { metric: 'of_nobody' }] }],
  'POST /v1/billings/limits/validate': () => [
    {
      body: [
        { metrics: { seats: 1 }, plan_id: theirs.planId },
        { metrics: { seats: 1 }, plan_id: randomUUID() },
      ],
    },
  ],
  // Features have names, not ids: what nobody has is answered "no", what cannot be a name is not found.
  'GET /v1/billings/access/features/:feature': () => [{ path: ['THEIR-OWN', 'OF-NOBODY'] }],
  'GET /v1/billings/access/metrics/:metric': () => [{ path: [theirs.planId, randomUUID()] }],
  'GET /v1/billings/alerts': () => [],
  'PUT /v1/billings/alerts': () => [
    {
      body: ['their_own', 'of_nobody'].map((metric) => ({
        rules: [{ metric, levels: [{ percent: 50, channels: [] }] }],
      })) as [unknown, unknown],
    },
  ],
  'GET /v1/billings/leaderboards/:metric': () => [{ path: [theirs.planId, randomUUID()] }],
  'GET /v1/billings/events': () => [{ query: [`cursor=${theirs.cursor}`, `cursor=${theirs.cursor}x`] }],
};

/** Who may be nobody; everything else answers 401. */
const PUBLIC = [
  'GET /',
  'GET /assets/*',
  'GET /checkout/canceled',
  'GET /checkout/return',
  'GET /favicon.svg',
  'GET /healthz',
  'GET /pricing',
  'GET /readyz',
  'GET /v1/openapi.json',
  'GET /v1/plans',
  'GET /v1/plans/:id',
  'POST /v1/webhooks/stripe',
];
/** The pages are there when the web application was built. */
const PAGES = /^GET \/(|pricing|checkout\/.*|assets\/\*|favicon\.svg)$/;

beforeAll(async () => {
  service = await startTestService();
  routes = service.get(HttpEdge).routes.all.filter((route) => route.method !== 'HEAD');
  own = await service.makeTenant();
  foreign = await service.makeTenant();
  const plan = await service.makePlan({ tenant_id: foreign.id });
  await service.subscribe(foreign, plan.id);
  await service.settle();
  const [session] = await service.rows<{ id: string; stripe_session_id: string }>(
    'select id, stripe_session_id from checkout_sessions where tenant_id = $1',
    [foreign.id],
  );
  const me = await service.api('GET', '/v1/api-keys/me', { key: foreign.key });
  const events = await service.api('GET', '/v1/billings/events?limit=1', { key: foreign.key });
  const eventId = randomUUID();
  await service.api('POST', '/v1/billings/usage/events', {
    key: foreign.key,
    body: { event_id: eventId, metric: 'campaigns' },
  });
  const reservation = await service.api('POST', '/v1/billings/usage/reservations', {
    key: foreign.key,
    body: { metric: 'campaigns' },
  });
  const [item] = (await service.api('GET', '/v1/billings/subscription', { key: foreign.key })).body.items;
  const [method] = (await service.api('GET', '/v1/billings/payment-methods', { key: foreign.key })).body.data;
  const [invoice] = (await service.api('GET', '/v1/billings/invoices', { key: foreign.key })).body.data;
  const { contacts, email, stripe_customer_id } = await service.admin(
    'GET',
    `/v1/admin/tenants/${foreign.id}`,
  );
  theirs = {
    planId: plan.id,
    sessionId: session!.stripe_session_id,
    sessionRowId: session!.id,
    keyId: me.body.id,
    contactId: contacts[0].id,
    reservationId: reservation.body.id,
    eventId,
    cursor: events.body.next_cursor,
    itemId: item.id,
    paymentMethodId: method.id,
    invoiceId: invoice.id,
    canaries: [
      foreign.id,
      foreign.name,
      email,
      stripe_customer_id,
      plan.id,
      plan.slug,
      session!.id,
      session!.stripe_session_id,
      me.body.id,
      contacts[0].id,
      reservation.body.id,
      eventId,
      item.id,
      method.id,
      invoice.id,
    ],
  };
  expect(theirs.canaries.every((canary) => typeof canary === 'string' && canary.length > 5)).toBe(true);
});

afterAll(() => service.close());

const nameOf = (route: RegisteredRoute): string => `${route.method} ${route.pattern}`;
const pathOf = (route: RegisteredRoute, id: string = randomUUID()): string =>
  route.pattern.replace(/:[a-z_]+/gi, id).replace('*', 'nothing.js');
const withoutRequestId = (answer: ApiAnswer): string => answer.text.replace(/"request_id":"[^"]+"/, '');
/** Routes that ask for a credential of some kind, or look at one. */
const guarded = (): RegisteredRoute[] => routes.filter((route) => route.access!.kind !== 'public');
const ofTenants = (): RegisteredRoute[] =>
  guarded().filter(
    ({ access }) => access!.kind === 'optional' || (access!.kind === 'key' && access!.tenant === 'required'),
  );
const ofOperators = (): RegisteredRoute[] => guarded().filter((route) => !ofTenants().includes(route));

function call(
  route: RegisteredRoute,
  key: string | undefined,
  more: Record<string, string> = {},
  id?: string,
): Promise<ApiAnswer> {
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(route.method);
  return service.api(route.method, pathOf(route, id), { key, body: hasBody ? {} : undefined, headers: more });
}

/** The state of everything that an attempt could change. */
async function contents(): Promise<unknown> {
  const [row] = await service.rows(
    `select (select count(*) from tenants) as tenants, (select count(*) from api_keys) as keys,
            (select count(*) from api_keys where revoked_at is not null) as revoked,
            (select count(*) from plans) as plans, (select sum(version) from plans) as plan_versions,
            (select count(*) from checkout_sessions) as sessions, (select sum(version) from billings) as billings,
            (select sum(version) from tenants) as versions, (select count(*) from audit_logs) as audited,
            (select count(*) from outbox) as told, (select count(*) from stripe_events) as inbox,
            (select count(*) from plan_sync_runs where trigger = 'manual') as syncs`,
  );
  return row;
}

describe('the list of routes', () => {
  it('is known: each has its line above', () => {
    const registered = routes.map(nameOf).filter((name) => name !== 'OPTIONS *');
    const missing = registered.filter((name) => !(name in ROUTES));
    const gone = Object.keys(ROUTES).filter((name) => !registered.includes(name) && !PAGES.test(name));
    expect({ missing, gone }).toEqual({ missing: [], gone: [] });
  });

  it('says who may call each, and lets HEAD be called by whom GET may be called', () => {
    const all = service.get(HttpEdge).routes.all;
    expect(all.filter((route) => route.access === null)).toEqual([]);
    for (const head of all.filter((route) => route.method === 'HEAD'))
      expect(head.access).toEqual(
        all.find((route) => route.method === 'GET' && route.pattern === head.pattern)!.access,
      );
  });

  it("has the operators' routes under operators' scopes, without a tenant", () => {
    for (const route of routes.filter((one) => one.pattern.startsWith('/v1/admin')))
      expect({ route: nameOf(route), access: route.access }).toEqual({
        route: nameOf(route),
        access: { kind: 'key', scope: expect.stringMatching(/^admin:/), tenant: 'none' },
      });
  });

  it('names a foreign id for every tenant route that takes one', () => {
    for (const route of ofTenants()) {
      const attempts = ROUTES[nameOf(route)]?.() ?? [];
      if (route.pattern.includes(':')) expect(attempts.some((attempt) => attempt.path)).toBe(true);
      if (route.method !== 'GET' && nameOf(route) !== 'POST /v1/billings/payment-methods')
        expect(attempts.length).toBeGreaterThan(0);
    }
  });
});

describe('nobody', () => {
  it('gets 401 from every route but the public ones (S-63)', async () => {
    const opened: string[] = [];
    for (const route of routes) if ((await call(route, undefined)).status !== 401) opened.push(nameOf(route));
    expect(opened.toSorted()).toEqual(
      PUBLIC.filter((name) => routes.some((route) => nameOf(route) === name)),
    );
  });

  it('with a wrong key gets the same 401 bytes from every route that looks at keys', async () => {
    const answers = await Promise.all(guarded().map((route) => call(route, 'tb_test_wrong')));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([401]));
    expect(new Set(answers.map(withoutRequestId)).size).toBe(1);
  });

  it("reads no detail from the public routes, and nobody's things", async () => {
    for (const route of routes.filter((one) => PUBLIC.includes(nameOf(one)))) {
      const answer = await call(route, undefined, {}, theirs.planId);
      for (const canary of theirs.canaries) expect(answer.text).not.toContain(canary);
    }
    for (const path of ['/healthz', '/readyz'])
      expect((await service.api('GET', path)).text).not.toMatch(
        /\d+\.\d+\.\d+|postgres:|redis:|127\.0\.0\.1/,
      );
  });
});

describe("a tenant's key", () => {
  it("with another tenant's header gets 403 tenant_mismatch from every route, and changes nothing (S-01)", async () => {
    const before = await contents();
    for (const route of guarded())
      for (const tenantId of [foreign.id, randomUUID()]) {
        const answer = await call(route, own.key, { 'tenant-id': tenantId }, theirs.planId);
        expect([nameOf(route), answer.status, answer.body.code]).toEqual([
          nameOf(route),
          403,
          'tenant_mismatch',
        ]);
      }
    expect(await contents()).toEqual(before);
  });

  it("opens none of the operators' routes, whatever they are asked", async () => {
    const before = await contents();
    for (const route of ofOperators())
      for (const id of [own.id, foreign.id, theirs.keyId, theirs.planId, randomUUID()]) {
        const answer = await call(route, own.key, {}, id);
        expect([nameOf(route), answer.status, answer.body.code]).toEqual([
          nameOf(route),
          403,
          'insufficient_scope',
        ]);
      }
    expect(await contents()).toEqual(before);
  });

  it('gets for the ids of another tenant what it gets for ids of nothing, to the byte (S-02)', async () => {
    const before = await contents();
    let tried = 0;
    for (const route of ofTenants())
      for (const attempt of ROUTES[nameOf(route)]!()) {
        const [theirAnswer, nothing] = await Promise.all(
          [0, 1].map((which) =>
            service.api(
              route.method,
              pathOf(route, attempt.path?.[which]) + (attempt.query ? `?${attempt.query[which]}` : ''),
              { key: own.key, body: attempt.body?.[which] },
            ),
          ),
        );
        expect([nameOf(route), theirAnswer!.status]).toEqual([nameOf(route), nothing!.status]);
        expect(theirAnswer!.status).toBeGreaterThanOrEqual(400);
        expect(theirAnswer!.status).toBeLessThan(500);
        expect(withoutRequestId(theirAnswer!)).toBe(withoutRequestId(nothing!));
        tried++;
      }
    expect(tried).toBeGreaterThan(4);
    expect(await contents()).toEqual(before);
  });

  it('reads nothing of another tenant from any route that reads, nor does a service key for the first', async () => {
    const serviceKey = (await service.admin('POST', '/v1/api-keys', { name: 's', kind: 'service' })).secret;
    for (const route of ofTenants().filter((one) => one.method === 'GET'))
      for (const answer of [
        await call(route, own.key),
        await call(route, serviceKey, { 'tenant-id': own.id }),
      ]) {
        expect(answer.status).toBeLessThan(500);
        for (const canary of theirs.canaries) expect(answer.text).not.toContain(canary);
      }
  });

  it('is what the owner of those ids reads them with, so that the tests above mean something', async () => {
    const found = (path: string): Promise<number> =>
      service.api('GET', path, { key: foreign.key }).then((answer) => answer.status);
    expect(await found(`/v1/plans/${theirs.planId}`)).toBe(200);
    expect(await found(`/v1/billings/subscription/checkout/${theirs.sessionId}`)).toBe(200);
    expect(await found(`/v1/billings/events?cursor=${theirs.cursor}`)).toBe(200);
    expect(await found(`/v1/billings/usage/events/${theirs.eventId}`)).toBe(200);
    expect(await found(`/v1/billings/usage/reservations/${theirs.reservationId}`)).toBe(200);
  });
});

describe('answers to a tenant', () => {
  it('say its status, and are not to be kept by anyone else (S-64)', async () => {
    for (const route of ofTenants()) {
      const answer = await call(route, own.key);
      expect([nameOf(route), answer.headers.get('x-tenant-status')]).toEqual([
        nameOf(route),
        expect.any(String),
      ]);
      expect([nameOf(route), answer.headers.get('cache-control')]).toEqual([
        nameOf(route),
        expect.stringMatching(/^(no-store|private, no-cache)$/),
      ]);
    }
  });
});
