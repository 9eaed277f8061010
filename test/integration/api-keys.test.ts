import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** Any route of a tenant: what holds here holds for all, because the edge decides before routes are asked. */
const ROUTE = '/v1/billings/events';

let service: TestService;
let tenant: TestTenant;
let other: TestTenant;

beforeAll(async () => {
  service = await startTestService();
  tenant = await service.makeTenant();
  other = await service.makeTenant();
});
afterAll(() => service.close());

/** Everything of a problem that may not depend on the case. */
function withoutRequestId({ body }: ApiAnswer): Record<string, unknown> {
  return { ...body, request_id: null };
}

function issue(body: Record<string, unknown>, key = service.adminKey): Promise<ApiAnswer> {
  return service.api('POST', '/v1/api-keys', { key, body: { name: 'a key', ...body } });
}

/** A key of the right form that nobody issued. */
function strangersKey(publicId = 'abcdefghijkl'): string {
  const body = `tb_test_${publicId}_${randomBytes(32).toString('base64url')}`;
  return body + createHash('sha256').update(body).digest('hex').slice(0, 6);
}

/** fetch joins repeated headers and refuses odd bytes; the bare client sends what it is told. */
function raw(
  headers: (string | [string, string])[][] | [string, string][],
  path = ROUTE,
): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(service.url);
    const flat = ['host', hostname, ...(headers as [string, string][]).flat()];
    const sent = httpRequest({ hostname, port, path, headers: flat as never }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += String(chunk)));
      response.on('end', () =>
        resolve({ status: response.statusCode!, text, body: JSON.parse(text), headers: new Headers() }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('a request proves who it is', () => {
  let refused: Record<string, unknown>;

  beforeAll(async () => {
    refused = withoutRequestId(await service.api('GET', ROUTE));
  });

  it('is refused without a credential (B-031)', () => {
    expect(refused).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  it('passes with its key, in either header, with or without its own tenant-id (B-038)', async () => {
    const answers = await Promise.all([
      service.api('GET', ROUTE, { key: tenant.key }),
      service.api('GET', ROUTE, { headers: { 'x-api-key': tenant.key } }),
      service.api('GET', ROUTE, { key: tenant.key, headers: { 'x-api-key': tenant.key } }),
      service.api('GET', ROUTE, { key: tenant.key, tenantId: tenant.id }),
      service.api('GET', ROUTE, { key: tenant.key, tenantId: tenant.id.toUpperCase() }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(answers[0]!.headers.get('x-tenant-status')).toBe('PENDING');
  });

  it('hears the same for every key that is none (B-032, B-035)', async () => {
    const parts = tenant.key.split('_');
    const revoked = await issue({ kind: 'tenant', tenant_id: tenant.id });
    await service.api('DELETE', `/v1/api-keys/${revoked.body.id}`, { key: service.adminKey });
    const expired = await issue({
      kind: 'tenant',
      tenant_id: tenant.id,
      expires_at: new Date(Date.now() + 60_000).toISOString(),
    });
    await service.rows(`update api_keys set expires_at = now() - interval '1 second' where id = $1`, [
      expired.body.id,
    ]);
    const keys = {
      'right id, wrong secret': strangersKey(parts[2]),
      'unknown id': strangersKey(),
      'wrong checksum': `${tenant.key.slice(0, -1)}${tenant.key.endsWith('0') ? '1' : '0'}`,
      'not a key': 'secret',
      revoked: revoked.body.secret,
      expired: expired.body.secret,
    };
    for (const [what, key] of Object.entries(keys))
      expect({ what, ...withoutRequestId(await service.api('GET', ROUTE, { key })) }).toEqual({
        what,
        ...refused,
      });
  });

  it('is refused with a key of 10 kB, and with one in the query (B-033, B-034)', async () => {
    const long = await service.api('GET', ROUTE, { key: 'tb_test_'.padEnd(10_000, 'a') });
    const query = await service.api('GET', `${ROUTE}?api_key=${tenant.key}&x-api-key=${tenant.key}`);
    expect([withoutRequestId(long), withoutRequestId(query)]).toEqual([refused, refused]);
  });

  it('must not present two credentials that differ (B-036)', async () => {
    const differing = await service.api('GET', ROUTE, {
      key: tenant.key,
      headers: { 'x-api-key': other.key },
    });
    const twice = await raw([
      ['authorization', `Bearer ${tenant.key}`],
      ['authorization', `Bearer ${other.key}`],
    ]);
    expect([differing, twice].map(({ status, body }) => [status, body.code])).toEqual([
      [400, 'validation_failed'],
      [400, 'validation_failed'],
    ]);
  });

  it.each([
    ['a tab inside', 'Bearer a\tb'],
    ['another scheme', 'Basic YTpi'],
    ['no token', 'Bearer'],
    ['bytes beyond ASCII', 'Bearer \u00e9\u00e9\u00e9'],
  ])('is refused for an Authorization with %s (B-037)', async (_what, value) => {
    expect(withoutRequestId(await raw([['authorization', value]]))).toEqual(refused);
  });
});

describe('the tenant-id header', () => {
  it('of another tenant is refused exactly as one of nobody (B-039)', async () => {
    const foreign = await service.api('GET', ROUTE, { key: tenant.key, tenantId: other.id });
    const unknown = await service.api('GET', ROUTE, { key: tenant.key, tenantId: randomUUID() });
    expect(foreign.body).toMatchObject({ status: 403, code: 'tenant_mismatch' });
    expect(withoutRequestId(foreign)).toEqual(withoutRequestId(unknown));
  });

  it.each([
    ['empty', ''],
    ['a word', 'null'],
    ['a star', '*'],
    ['an escape', '%00'],
    ['an injection', "' OR 1=1"],
    ['a list', `${randomUUID()},${randomUUID()}`],
    ['without hyphens', randomUUID().replaceAll('-', '')],
  ])('that is %s is refused (B-040, B-041)', async (_what, value) => {
    const answer = await raw([
      ['authorization', `Bearer ${tenant.key}`],
      ['tenant-id', value],
    ]);
    expect(answer.body).toMatchObject({ status: 400, code: 'tenant_header_invalid' });
  });

  it('sent twice is refused (B-041)', async () => {
    const answer = await raw([
      ['authorization', `Bearer ${tenant.key}`],
      ['tenant-id', tenant.id],
      ['tenant-id', tenant.id],
    ]);
    expect(answer.body).toMatchObject({ status: 400, code: 'tenant_header_invalid' });
  });

  it('in other spellings counts for nothing (B-042)', async () => {
    const headers = { 'x-tenant-id': other.id, tenant_id: other.id };
    const answer = await service.api('GET', ROUTE, { key: tenant.key, headers });
    expect(answer.status).toBe(200);
    expect(answer.body.data.every((event: { tenant_id: string }) => event.tenant_id === tenant.id)).toBe(
      true,
    );
  });

  it('is needed by service keys, and must name a tenant they may act for', async () => {
    const all = (await issue({ kind: 'service' })).body.secret;
    const some = (await issue({ kind: 'service', tenant_ids: [tenant.id] })).body.secret;
    const codes = async (key: string, tenantId?: string): Promise<unknown> => {
      const answer = await service.api('GET', ROUTE, { key, tenantId });
      return answer.status === 200 ? 200 : answer.body.code;
    };
    expect(await codes(all)).toBe('tenant_header_required');
    expect(await codes(all, other.id)).toBe(200);
    expect(await codes(all, randomUUID())).toBe('tenant_mismatch');
    expect(await codes(some, tenant.id)).toBe(200);
    expect(await codes(some, other.id)).toBe('tenant_mismatch');
  });
});

describe('issuing keys', () => {
  it('shows the whole key once and stores only its digest', async () => {
    const { status, body } = await issue({ kind: 'tenant', tenant_id: tenant.id, scopes: ['billing:read'] });
    expect(status).toBe(201);
    expect(body.secret).toMatch(/^tb_test_[a-z0-9]{12}_[\w-]{49}$/);
    const read = await service.admin('GET', `/v1/api-keys/${body.id}`);
    const { secret: _, ...shown } = body;
    expect(read).toEqual(shown);
    const secret = body.secret.slice(21, 64);
    const [row] = await service.rows<{ everything: string }>(
      `select api_keys::text || (select string_agg(data::text, '') from outbox)
         || (select string_agg(after::text, '') from audit_logs) as everything
       from api_keys where id = $1`,
      [body.id],
    );
    expect(row!.everything).not.toContain(secret);
    expect(row!.everything).toContain(createHash('sha256').update(secret).digest('hex'));
  });

  it('replays without the secret, which nothing stored could give back', async () => {
    const request = {
      key: service.adminKey,
      body: { name: 'once', kind: 'service' },
      headers: { 'idempotency-key': randomUUID() },
    };
    const first = await service.api('POST', '/v1/api-keys', request);
    const again = await service.api('POST', '/v1/api-keys', request);
    expect(first.body.secret).toMatch(/^tb_test_/);
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body).toEqual({ ...first.body, secret: null });
    const bodies = await service.rows<{ body: Buffer | null }>('select body from idempotency_keys');
    expect(bodies.map(({ body }) => body?.toString()).join()).not.toContain(first.body.secret);
  });

  it('hands on no scope that the issuing key does not hold (S-17)', async () => {
    const limited = (await issue({ kind: 'admin', scopes: ['admin:keys', 'billing:read'] })).body.secret;
    const stronger = await issue({ kind: 'admin', scopes: ['admin:plans'] }, limited);
    expect(stronger.body).toMatchObject({ status: 403, code: 'insufficient_scope' });
    const silent = await issue({ kind: 'admin' }, limited);
    expect(silent.body.scopes).toEqual(['admin:keys', 'billing:read']);
  });

  it('is for operators: tenants and services are refused', async () => {
    const serviceKey = (await issue({ kind: 'service' })).body.secret;
    for (const key of [tenant.key, serviceKey]) {
      const answer = await issue({ kind: 'tenant', tenant_id: tenant.id }, key);
      expect(answer.body).toMatchObject({ status: 403, code: 'insufficient_scope' });
    }
  });

  it('refuses a key for a tenant that is none', async () => {
    const answers = await Promise.all([
      issue({ kind: 'tenant', tenant_id: randomUUID() }),
      issue({ kind: 'service', tenant_ids: [tenant.id, randomUUID()] }),
    ]);
    for (const { body } of answers) expect(body).toMatchObject({ status: 404, code: 'tenant_not_found' });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['no kind', {}, '/kind'],
    ['an unknown kind', { kind: 'root' }, '/kind'],
    ['a tenant key of no tenant', { kind: 'tenant' }, '/tenant_id'],
    ['a tenant on a service key', { kind: 'service', tenant_id: randomUUID() }, '/tenant_id'],
    ['a list of tenants on an admin key', { kind: 'admin', tenant_ids: [randomUUID()] }, '/tenant_ids'],
    ['an empty list of tenants', { kind: 'service', tenant_ids: [] }, '/tenant_ids'],
    ['a scope nobody has', { kind: 'service', scopes: ['root'] }, '/scopes'],
    ['a scope of another kind', { kind: 'service', scopes: ['admin:keys'] }, '/scopes/0'],
    ['a scope twice', { kind: 'service', scopes: ['billing:read', 'billing:read'] }, '/scopes'],
    ['an expiry in the past', { kind: 'service', expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
    ['an expiry without a zone', { kind: 'service', expires_at: '2099-01-01T00:00:00' }, '/expires_at'],
    [
      'an expiry on a day that is none',
      { kind: 'service', expires_at: '2099-02-30T00:00:00Z' },
      '/expires_at',
    ],
    ['a blank name', { kind: 'service', name: '   ' }, '/name'],
    ['a name with a line break', { kind: 'service', name: 'a\nb' }, '/name'],
    ['a name of 101 characters', { kind: 'service', name: 'a'.repeat(101) }, '/name'],
    ['a field we do not know', { kind: 'service', secret: 'mine' }, '/secret'],
  ])('refuses %s', async (_what, body, pointer) => {
    const answer = await issue(body);
    expect(answer.body).toMatchObject({ status: 400, code: 'validation_failed' });
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });
});

describe('revoking keys', () => {
  it('is in force at once, and doing it again changes nothing', async () => {
    const { body } = await issue({ kind: 'tenant', tenant_id: tenant.id });
    expect((await service.api('GET', ROUTE, { key: body.secret })).status).toBe(200);
    const first = await service.admin('DELETE', `/v1/api-keys/${body.id}`);
    expect((await service.api('GET', ROUTE, { key: body.secret })).status).toBe(401);
    const again = await service.admin('DELETE', `/v1/api-keys/${body.id}`);
    expect(first.status).toBe('revoked');
    expect({ ...again, last_used_at: null }).toEqual({ ...first, last_used_at: null });
    const told = await service.rows(`select type from outbox where aggregate_id = $1 order by id`, [body.id]);
    const audited = await service.rows(
      `select action from audit_logs where target_id = $1 order by sequence`,
      [body.id],
    );
    expect(told).toEqual([{ type: 'api_key.issued' }, { type: 'api_key.revoked' }]);
    expect(audited).toEqual([{ action: 'API_KEY_ISSUED' }, { action: 'API_KEY_REVOKED' }]);
  });

  it('reaches every replica within a second', async () => {
    const replica = await service.replica();
    try {
      const { body } = await issue({ kind: 'tenant', tenant_id: tenant.id });
      expect((await replica.api('GET', ROUTE, { key: body.secret })).status).toBe(200);
      const revokedAt = performance.now();
      await service.admin('DELETE', `/v1/api-keys/${body.id}`);
      await service.until(async () => (await replica.api('GET', ROUTE, { key: body.secret })).status === 401);
      expect(performance.now() - revokedAt).toBeLessThan(1200);
    } finally {
      await replica.stop();
    }
  });

  it.each(['POST me', 'GET unknown', 'DELETE unknown', 'GET not-a-uuid', 'DELETE bootstrap'])(
    'answers not found alike: %s',
    async (what) => {
      const [method, id] = what.split(' ') as [string, string];
      const path = `/v1/api-keys/${id === 'unknown' ? randomUUID() : id}`;
      const answer = await service.api(method, path, { key: service.adminKey });
      expect(answer.status).toBe(method === 'POST' ? 405 : 404);
    },
  );
});

describe('reading keys', () => {
  it('answers the calling key to every kind', async () => {
    const own = await service.api('GET', '/v1/api-keys/me', { key: tenant.key });
    expect(own.body).toMatchObject({ kind: 'tenant', tenant_id: tenant.id, status: 'active' });
    const serviceKey = await issue({ kind: 'service' });
    const asService = await service.api('GET', '/v1/api-keys/me', {
      key: serviceKey.body.secret,
      tenantId: tenant.id,
    });
    expect(asService.body).toMatchObject({ id: serviceKey.body.id, kind: 'service', tenant_id: null });
    const asOperator = await service.api('GET', '/v1/api-keys/me', {
      key: service.adminKey,
      tenantId: tenant.id,
    });
    expect(asOperator.body).toMatchObject({ id: 'bootstrap', kind: 'admin' });
    expect(own.text + asService.text + asOperator.text).not.toContain('secret');
  });

  it('lists newest first, page by page, and those of one tenant alone', async () => {
    const owner = await service.makeTenant();
    for (let n = 0; n < 4; n += 1) await issue({ kind: 'tenant', tenant_id: owner.id, name: `key ${n}` });
    const names: string[] = [];
    let cursor = '';
    do {
      const page = await service.admin('GET', `/v1/api-keys?tenant_id=${owner.id}&limit=2${cursor}`);
      names.push(...page.data.map((key: { name: string }) => key.name));
      cursor = page.next_cursor ? `&cursor=${page.next_cursor}` : '';
    } while (cursor);
    expect(names).toEqual(['key 3', 'key 2', 'key 1', 'key 0', 'test']);
  });

  it('refuses a cursor of another list', async () => {
    const { next_cursor } = await service.admin('GET', `/v1/api-keys?limit=1`);
    const answer = await service.api('GET', `/v1/api-keys?tenant_id=${tenant.id}&cursor=${next_cursor}`, {
      key: service.adminKey,
    });
    expect(answer.body).toMatchObject({ status: 400, code: 'invalid_cursor' });
  });

  it('remembers when a key was used last', async () => {
    const { body } = await issue({ kind: 'tenant', tenant_id: tenant.id });
    expect(body.last_used_at).toBeNull();
    await service.api('GET', ROUTE, { key: body.secret });
    const used = await service.until(async () => {
      const key = await service.admin('GET', `/v1/api-keys/${body.id}`);
      return key.last_used_at as string | null;
    });
    expect(Date.parse(used)).toBeGreaterThanOrEqual(Date.parse(body.created_at));
  });
});
