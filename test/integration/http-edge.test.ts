import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { ERRORS } from '../../src/contracts/errors';
import { head, sendRaw, type RawAnswer } from '../support/raw-http';
import { startTestService, type TestService, type TestTenant } from '../support/service';

const OWN = '/v1/billings/subscription';
const ADMIN = '/v1/admin/tenants';
const bearer = (key: string): string => `authorization: Bearer ${key}`;

/** Generic HTTP, credentials and the tenant header, against the real service: errors-and-bad-input.md 0 and 2. */
let service: TestService;
let tenant: TestTenant;
let other: TestTenant;
let serviceKey: string;
/** Runs beside the other tests, since it takes ten seconds. */
let dripping: Promise<RawAnswer>;

beforeAll(async () => {
  service = await startTestService();
  tenant = await service.makeTenant();
  other = await service.makeTenant();
  const slow = head(
    'POST',
    ADMIN,
    bearer(service.adminKey),
    'content-type: application/json',
    'content-length: 1000',
  );
  dripping = sendRaw(service.url, [slow, ...Array<string>(12).fill('{')], {
    pauseMs: 1000,
    timeoutMs: 13_000,
    untilClosed: true,
  });
  serviceKey = (await service.admin('POST', '/v1/api-keys', { name: 'back end', kind: 'service' })).secret;
});

afterAll(async () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  await service.close();
});

function get(...headers: string[]): Promise<RawAnswer> {
  return sendRaw(service.url, head('GET', OWN, ...headers));
}

/** A JSON body to the operator's route that creates tenants. */
function post(body: string | Buffer, ...headers: string[]): Promise<RawAnswer> {
  const bytes = Buffer.from(body);
  const all = headers.some((header) => /^content-type:/i.test(header))
    ? headers
    : [...headers, 'content-type: application/json'];
  const start = head('POST', ADMIN, bearer(service.adminKey), `content-length: ${bytes.length}`, ...all);
  return sendRaw(service.url, [Buffer.concat([Buffer.from(start), bytes])]);
}

/** Checks the error contract and hands on the code. */
function codeOf(answer: RawAnswer): string {
  const body = answer.text ? (JSON.parse(answer.text) as Record<string, unknown>) : {};
  const code = String(body.code);
  expect(Object.keys(ERRORS)).toContain(code);
  expect(answer.status).toBe(ERRORS[code as keyof typeof ERRORS].status);
  expect(body).toMatchObject({
    status: answer.status,
    title: expect.any(String),
    detail: expect.any(String),
  });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('x-request-id')).toBe(body.request_id);
  return code;
}

const withoutRequestId = (text: string): string => text.replace(/"request_id":"[^"]+"/, '"request_id":""');

describe('credentials', () => {
  it('B-031, B-032, B-035, B-037: every wrong one gets the same bytes, and no word why', async () => {
    const revoked = await service.admin('POST', '/v1/api-keys', {
      name: 'old',
      kind: 'tenant',
      tenant_id: tenant.id,
    });
    await service.api('DELETE', `/v1/api-keys/${revoked.id}`, { key: service.adminKey });
    const expired = await service.admin('POST', '/v1/api-keys', {
      name: 'short',
      kind: 'tenant',
      tenant_id: tenant.id,
      expires_at: new Date(Date.now() + 300).toISOString(),
    });
    const unknownId = tenant.key.replace(/_[a-z0-9]{12}_/, '_aaaaaaaaaaaa_');
    const wrongSecret = `${tenant.key.slice(0, 25)}${tenant.key[25] === 'A' ? 'B' : 'A'}${tenant.key.slice(26)}`;
    await service.until(async () => (await get(bearer(expired.secret))).status === 401);
    const wrong = [
      [],
      [bearer(unknownId)],
      [bearer(wrongSecret)],
      [bearer(revoked.secret)],
      [bearer(expired.secret)],
      [bearer('x')],
      [bearer('x'.repeat(10_000))],
      [`x-api-key: ${'x'.repeat(10_000)}`],
      ['x-api-key:'],
      ['authorization:'],
      ['authorization: Bearer'],
      [`authorization: Bearer  ${tenant.key}`],
      [`authorization: Bearer\t${tenant.key}`],
      [`authorization: Bearer ${tenant.key} x`],
      [`authorization: Bearer ${tenant.key}é`],
      [`authorization: Basic ${tenant.key}`],
      [`authorization: ${tenant.key}`],
      [`x-api-key: ${tenant.key} é`],
      ['x-api-key: null'],
    ];
    const answers = await Promise.all(wrong.map((headers) => get(...headers)));
    for (const answer of answers) {
      expect(codeOf(answer)).toBe('unauthenticated');
      expect(withoutRequestId(answer.text)).toBe(withoutRequestId(answers[0]!.text));
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    }
  });

  it('B-037: a NUL in a header is not HTTP', async () => {
    const answer = await get(`authorization: Bearer ${tenant.key}\u0000`);
    expect(codeOf(answer)).toBe('bad_request');
    expect(answer.closed).toBe(true);
  });

  it('may come as Authorization or as X-API-Key, or as both when they are equal', async () => {
    for (const headers of [
      [bearer(tenant.key)],
      [`AUTHORIZATION: bearer ${tenant.key}`],
      [`x-api-key: ${tenant.key}`],
      [bearer(tenant.key), `X-Api-Key: ${tenant.key}`],
    ])
      expect((await get(...headers)).status).toBe(200);
  });

  it('B-034: in the query string are ignored', async () => {
    for (const query of [
      `api_key=${tenant.key}`,
      `access_token=${tenant.key}`,
      `authorization=Bearer%20${tenant.key}`,
    ])
      expect(codeOf(await sendRaw(service.url, head('GET', `${OWN}?${query}`)))).toBe('unauthenticated');
  });

  it('B-036: two that differ are refused', async () => {
    for (const headers of [
      [bearer(tenant.key), bearer(other.key)],
      [bearer(tenant.key), `x-api-key: ${other.key}`],
      [`x-api-key: ${tenant.key}`, `x-api-key: ${other.key}`],
    ])
      expect(codeOf(await get(...headers))).toBe('validation_failed');
  });
});

describe('the tenant header', () => {
  it('B-038: may be left out where the key fixes the tenant, and is required where it does not', async () => {
    expect((await get(bearer(tenant.key))).status).toBe(200);
    expect((await get(bearer(tenant.key), `tenant-id: ${tenant.id}`)).status).toBe(200);
    expect((await get(bearer(tenant.key), `Tenant-ID: ${tenant.id.toUpperCase()}`)).status).toBe(200);
    expect(codeOf(await get(bearer(serviceKey)))).toBe('tenant_header_required');
    expect((await get(bearer(serviceKey), `tenant-id: ${tenant.id}`)).status).toBe(200);
  });

  it('B-039: of another tenant is refused, the same as one of nobody', async () => {
    const foreign = await get(bearer(tenant.key), `tenant-id: ${other.id}`);
    const nobody = await get(bearer(tenant.key), `tenant-id: ${randomUUID()}`);
    expect(codeOf(foreign)).toBe('tenant_mismatch');
    expect(withoutRequestId(foreign.text)).toBe(withoutRequestId(nobody.text));
    expect(codeOf(await get(bearer(serviceKey), `tenant-id: ${randomUUID()}`))).toBe('tenant_mismatch');
  });

  it('B-039: outside the list of a service key is refused', async () => {
    const listed = await service.admin('POST', '/v1/api-keys', {
      name: 'one tenant only',
      kind: 'service',
      tenant_ids: [tenant.id],
    });
    expect((await get(bearer(listed.secret), `tenant-id: ${tenant.id}`)).status).toBe(200);
    const foreign = await get(bearer(listed.secret), `tenant-id: ${other.id}`);
    expect(codeOf(foreign)).toBe('tenant_mismatch');
    const nobody = await get(bearer(listed.secret), `tenant-id: ${randomUUID()}`);
    expect(withoutRequestId(nobody.text)).toBe(withoutRequestId(foreign.text));
  });

  it.each([
    '',
    'null',
    'undefined',
    '*',
    '%00',
    "' OR 1=1",
    '{}',
    'x'.repeat(5000),
    '00000000-0000-0000-0000-00000000000',
    '{00000000-0000-0000-0000-000000000000}',
    '00000000000000000000000000000000',
  ])('B-040: %j is refused, with every kind of key', async (value) => {
    for (const key of [tenant.key, serviceKey, service.adminKey])
      expect(codeOf(await get(bearer(key), `tenant-id: ${value}`))).toBe('tenant_header_invalid');
  });

  it('B-040: of a megabyte is too large', async () => {
    expect(codeOf(await get(bearer(tenant.key), `tenant-id: ${'x'.repeat(1_000_000)}`))).toBe(
      'headers_too_large',
    );
  });

  it('of the system stream opens nothing', async () => {
    const nil = 'tenant-id: 00000000-0000-0000-0000-000000000000';
    for (const key of [tenant.key, serviceKey, service.adminKey])
      expect(codeOf(await get(bearer(key), nil))).toBe('tenant_mismatch');
  });

  it('B-041: sent twice, or with two values, is refused', async () => {
    const own = `tenant-id: ${tenant.id}`;
    expect(codeOf(await get(bearer(tenant.key), own, own))).toBe('tenant_header_invalid');
    expect(codeOf(await get(bearer(tenant.key), `${own},${other.id}`))).toBe('tenant_header_invalid');
    expect(codeOf(await get(bearer(tenant.key), own, `tenant-id: ${other.id}`))).toBe(
      'tenant_header_invalid',
    );
  });

  it('B-042: under other names is ignored', async () => {
    for (const name of ['Tenant_Id', 'X-Tenant-Id', 'tenantid', 'x-forwarded-tenant-id'])
      expect((await get(bearer(tenant.key), `${name}: ${other.id}`)).status).toBe(200);
  });
});

describe('paths and methods', () => {
  it.each([
    '/v1/nothing',
    '/v1/billings//subscription',
    '//v1/billings/subscription',
    '/v1/./billings/subscription',
    '/v1/billings/%2e%2e/plans',
    '/v1/billings/../plans',
    '/v1/billings/subscription;jsessionid=1',
    '/v1/billings/subscription/',
    '/V1/BILLINGS/SUBSCRIPTION',
    '/v1/billings/subscription%00',
    '/v1/billings/%ff',
    '/v1/billings/%',
    '/api/v2/billings/subscription',
    '/api/api/v1/billings/subscription',
    '/api/healthz',
    '/_api/v1/billings/subscription',
    '/.env',
    '/assets/nothing.js',
    '/assets/',
    '/assets/../../package.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/assets/..%2f..%2fpackage.json',
  ])('B-047: %s is nowhere', async (path) => {
    for (const headers of [[], [bearer(service.adminKey)]])
      expect(codeOf(await sendRaw(service.url, head('GET', path, ...headers)))).toBe('not_found');
  });

  it('an id that is too long or no id is no object', async () => {
    for (const id of ['x', 'x'.repeat(300), '%2e%2e%2f', "'%20or%201=1", '%F0%9F%92%A9'])
      expect(
        codeOf(await sendRaw(service.url, head('GET', `${ADMIN}/${id}`, bearer(service.adminKey)))),
      ).toBe('not_found');
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'POST', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'FOO', 'get'])(
    'B-048: %s on a path that only reads is 405, with and without a key',
    async (method) => {
      for (const headers of [[], [bearer(tenant.key)]])
        expect(codeOf(await sendRaw(service.url, head(method, OWN, 'content-length: 0', ...headers)))).toBe(
          'method_not_allowed',
        );
    },
  );

  it('B-048: CONNECT is 405 and tunnels nothing', async () => {
    for (const target of ['example.com:443', '/v1/billings/subscription'])
      expect((await sendRaw(service.url, head('CONNECT', target))).status).toBe(405);
  });

  it('405 names the methods that there are', async () => {
    const answer = await sendRaw(service.url, head('PUT', ADMIN, 'content-length: 0'));
    expect(codeOf(answer)).toBe('method_not_allowed');
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
  });

  it('B-048: a method in a header or in the query overrides nothing', async () => {
    const { id } = await service.makeTenant();
    for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])
      expect(
        (
          await sendRaw(
            service.url,
            head('GET', `${ADMIN}/${id}`, bearer(service.adminKey), `${name}: DELETE`),
          )
        ).status,
      ).toBe(200);
    expect(
      codeOf(await sendRaw(service.url, head('POST', `${ADMIN}/${id}?_method=DELETE`, 'content-length: 0'))),
    ).toBe('method_not_allowed');
  });

  it('HEAD answers as GET does, without a body, and asks for the same key', async () => {
    const api = (key?: string) => service.api('HEAD', OWN, { key });
    expect((await api()).status).toBe(401);
    const found = await api(tenant.key);
    expect([found.status, found.text]).toEqual([200, '']);
  });

  it('are the same behind gateways that add /api', async () => {
    expect((await service.api('GET', `/api${OWN}`, { key: tenant.key })).status).toBe(200);
    expect((await service.api('GET', `/api${OWN}`)).status).toBe(401);
    expect((await service.api('PUT', `/api${OWN}`)).status).toBe(405);
    for (const path of ['/healthz', '/_api/healthz', '/_api/healthz?probe=1'])
      expect((await service.api('GET', path)).status).toBe(200);
  });
});

describe('framing', () => {
  const json = 'content-type: application/json';

  it('B-049: two lengths are refused, and the connection closed', async () => {
    const start = (...headers: string[]): string =>
      head('POST', ADMIN, bearer(service.adminKey), json, ...headers);
    for (const request of [
      `${start('content-length: 5', 'transfer-encoding: chunked')}0\r\n\r\n`,
      `${start('transfer-encoding: chunked', 'content-length: 0')}0\r\n\r\n`,
      `${start('content-length: 2', 'content-length: 3')}{}x`,
      `${start('content-length: +2')}{}`,
      `${start('content-length: 0x2')}{}`,
      `${start('transfer-encoding: chunked, identity')}0\r\n\r\n`,
      `${start('transfer-encoding: chunked')}zz\r\n{}\r\n0\r\n\r\n`,
      `${start('transfer-encoding: chunked')}-2\r\n{}\r\n0\r\n\r\n`,
      `POST ${ADMIN} HTTP/1.1\r\nhost: a\r\n${json}\r\ncontent-length : 2\r\n\r\n{}`,
      `POST ${ADMIN} HTTP/1.1\r\nhost: a\r\n content-length: 2\r\n\r\n{}`,
      `GET ${OWN} HTTP/9.9\r\nhost: a\r\n\r\n`,
    ]) {
      const answer = await sendRaw(service.url, request, { untilClosed: true });
      expect([answer.status, answer.closed]).toEqual([400, true]);
      expect(codeOf(answer)).toBe('bad_request');
    }
  });

  it('a request smuggled behind a refused one is not answered', async () => {
    const inner = head('GET', OWN, bearer(tenant.key));
    const outer = head(
      'POST',
      ADMIN,
      bearer(service.adminKey),
      json,
      'content-length: 4',
      'transfer-encoding: chunked',
    );
    const answer = await sendRaw(service.url, `${outer}0\r\n\r\n${inner}`, { untilClosed: true });
    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain('HTTP/1.1 200');
  });

  it('B-050: 200 headers, or one of 32 kB, are too many', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `x-${index}: 1`);
    expect(codeOf(await get(...many))).toBe('headers_too_large');
    expect(codeOf(await get(`x-long: ${'x'.repeat(32 * 1024)}`))).toBe('headers_too_large');
    expect((await get(bearer(tenant.key), ...many.slice(0, 90))).status).toBe(200);
  });

  it('B-051: a URI of 20 kB is too long', async () => {
    for (const target of [`/v1/${'x'.repeat(20_000)}`, `${OWN}?x=${'y'.repeat(20_000)}`])
      expect(codeOf(await sendRaw(service.url, head('GET', target)))).toBe('uri_too_long');
  });

  it('B-057: a body over the limit is refused before it was read, with and without its length', async () => {
    const limit = 4 * 1024 * 1024;
    const start = (...headers: string[]): string =>
      head('POST', ADMIN, bearer(service.adminKey), json, ...headers);
    const announced = await sendRaw(service.url, start(`content-length: ${limit + 1}`));
    expect(codeOf(announced)).toBe('payload_too_large');
    const chunk = Buffer.concat([
      Buffer.from('100000\r\n'),
      Buffer.alloc(0x100000, ' '),
      Buffer.from('\r\n'),
    ]);
    const chunked = await sendRaw(service.url, [
      start('transfer-encoding: chunked'),
      chunk,
      chunk,
      chunk,
      chunk,
      chunk,
    ]);
    expect(codeOf(chunked)).toBe('payload_too_large');
    const fitting = await sendRaw(service.url, [
      start('transfer-encoding: chunked'),
      ...[chunk, chunk, chunk, chunk],
      '0\r\n\r\n',
    ]);
    expect(codeOf(fitting)).toBe('invalid_json');
  });

  it('B-058: a body that drips is given up within about 10 s', async () => {
    const answer = await dripping;
    expect(answer.closed).toBe(true);
    expect(answer.tookMs).toBeLessThan(12_000);
    expect([0, 408]).toContain(answer.status);
  });

  it('B-060: clients that go away in the middle break nothing', async () => {
    const failures: unknown[] = [];
    const note = (reason: unknown): number => failures.push(reason);
    process.on('unhandledRejection', note);
    const body = JSON.stringify({ name: 'Aborted', email: 'aborted@example.test' });
    const start = head('POST', ADMIN, bearer(service.adminKey), json, `content-length: ${body.length}`);
    const { hostname, port } = new URL(service.url);
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const socket = connect(Number(port), hostname);
        await new Promise((resolve) => socket.once('connect', resolve));
        // Half of them leave within the body, half right after it.
        socket.write(start + body.slice(0, index % 2 ? body.length : index));
        await new Promise((resolve) => setTimeout(resolve, index % 5));
        socket.destroy();
      }),
    );
    expect((await get(bearer(tenant.key))).status).toBe(200);
    await service.until(async () => {
      const [row] = await service.rows<{ open: string }>(
        `select count(*) as open from pg_stat_activity
         where datname = current_database() and usename = 'app' and state like 'idle in transaction%'`,
      );
      return Number(row!.open) === 0;
    });
    const made = await service.rows<{ id: string; rows: string }>(
      `select t.id, (select count(*) from audit_logs a where a.tenant_id = t.id and a.action = 'TENANT_CREATED') as rows
       from tenants t where t.name = 'Aborted'`,
    );
    expect(made.every((row) => Number(row.rows) === 1)).toBe(true);
    process.off('unhandledRejection', note);
    expect(failures).toEqual([]);
  });
});

describe('bodies', () => {
  const good = (): string => JSON.stringify({ name: 'Tenant', email: `${randomUUID()}@example.test` });

  it('as JSON in UTF-8 are read, however they say so', async () => {
    for (const type of [
      'application/json',
      'Application/JSON',
      'application/json; charset=utf-8',
      'application/json;charset="UTF-8"',
    ])
      expect((await post(good(), `content-type: ${type}`)).status).toBe(201);
  });

  it.each([
    'application/xml',
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/json, text/plain',
    '',
  ])('B-052: as %j are refused', async (type) => {
    expect(codeOf(await post(good(), `content-type: ${type}`))).toBe('unsupported_media_type');
  });

  it('B-052: without a type are refused', async () => {
    const body = good();
    const start = head('POST', ADMIN, bearer(service.adminKey), `content-length: ${body.length}`);
    expect(codeOf(await sendRaw(service.url, start + body))).toBe('unsupported_media_type');
  });

  it.each(['gzip', 'br', 'deflate', 'x', 'gzip, identity'])(
    'B-023: packed as %s are refused',
    async (encoding) => {
      expect(codeOf(await post(good(), `content-encoding: ${encoding}`))).toBe('unsupported_media_type');
    },
  );

  it.each<[string, string | Buffer, string[]]>([
    ['utf-7', '{}', ['content-type: application/json; charset=utf-7']],
    ['latin1', '{}', ['content-type: application/json; charset=iso-8859-1']],
    ['broken UTF-8', Buffer.from([0x22, 0xff, 0x22]), []],
    ['a lone surrogate', '{"name":"\\ud800"}', []],
    ['a byte order mark', '\ufeff{}', []],
    ['a truncated document', '{"name":', []],
    ['NaN', '{"name":NaN}', []],
    ['a trailing comma', '{"name":"a",}', []],
    ['two documents', '{}{}', []],
    ['a doubled key', '{"name":"a","name":"b"}', []],
    ['a doubled key in disguise', '{"name":"a","\\u006eame":"b"}', []],
  ])('B-053, B-054, B-055: with %s are invalid', async (_name, body, headers) => {
    expect(codeOf(await post(body, ...headers))).toBe('invalid_json');
  });

  it('B-056: deep or wide ones are refused quickly', async () => {
    for (const body of ['['.repeat(1000) + ']'.repeat(1000), `[${'0,'.repeat(999_999)}0]`]) {
      const answer = await post(body);
      expect(codeOf(answer)).toBe('validation_failed');
      expect(answer.tookMs).toBeLessThan(1000);
    }
  });

  it.each(['__proto__', 'constructor', 'prototype'])('B-061: the key %s is refused', async (name) => {
    expect(codeOf(await post(`{"${name}":{"isAdmin":true}}`))).toBe('validation_failed');
    expect(codeOf(await post(`{"name":"a","email":"a@b.test","metadata":{"${name}":"x"}}`))).toBe(
      'validation_failed',
    );
    const query = await sendRaw(service.url, head('GET', `${ADMIN}?${name}=1`, bearer(service.adminKey)));
    expect(codeOf(query)).toBe('validation_failed');
  });

  it.each(['isAdmin', 'tenantId', 'used', 'created_at', 'status', 'stripe_customer_id'])(
    'B-062: the unknown field %s is refused and named',
    async (name) => {
      const answer = await post(JSON.stringify({ ...JSON.parse(good()), [name]: 'x' }));
      expect(codeOf(answer)).toBe('validation_failed');
      expect(JSON.parse(answer.text).errors).toEqual([
        expect.objectContaining({ pointer: `/${name}`, code: 'unknown_field' }),
      ]);
    },
  );

  it.each([
    'limit=1&limit=2',
    'limit[]=1',
    'limit[$ne]=1',
    'a[b][c]=1',
    'limit%5B%5D=1',
    'search=%00',
    'unknown=1',
  ])('B-063: the query %s is refused', async (query) => {
    const answer = await sendRaw(service.url, head('GET', `${ADMIN}?${query}`, bearer(service.adminKey)));
    expect(codeOf(answer)).toBe('validation_failed');
  });

  it.each([1, true, ['a'], {}, null])('B-064: %j where a text belongs is refused', async (name) => {
    expect(codeOf(await post(JSON.stringify({ ...JSON.parse(good()), name })))).toBe('validation_failed');
  });

  it('B-065: U+0000 is refused wherever it stands', async () => {
    const nul = '\u0000';
    for (const change of [{ name: `a${nul}` }, { metadata: { [`k${nul}`]: 'v' } }, { metadata: { k: nul } }])
      expect(codeOf(await post(JSON.stringify({ ...JSON.parse(good()), ...change })))).toBe(
        'validation_failed',
      );
  });

  it('are required where the route has one', async () => {
    const start = head('POST', ADMIN, bearer(service.adminKey), 'content-length: 0');
    expect(codeOf(await sendRaw(service.url, start))).toBe('validation_failed');
    for (const body of ['null', '[]', '"x"', '1', '[[]]'])
      expect(codeOf(await post(body))).toBe('validation_failed');
  });

  it('with lists in lists are no lists of objects', async () => {
    const answer = await post(JSON.stringify({ ...JSON.parse(good()), contacts: [[]] }));
    expect(codeOf(answer)).toBe('validation_failed');
  });
});

describe('answers', () => {
  it('B-059: are never HTML, whatever is asked for', async () => {
    for (const accept of ['text/html', 'application/xml', 'image/png;q=1, */*;q=0']) {
      const found = await get(bearer(tenant.key), `accept: ${accept}`);
      expect([found.status, found.headers.get('content-type')]).toEqual([
        200,
        'application/json; charset=utf-8',
      ]);
      expect(codeOf(await get(`accept: ${accept}`))).toBe('unauthenticated');
      expect(codeOf(await sendRaw(service.url, head('GET', '/nowhere', `accept: ${accept}`)))).toBe(
        'not_found',
      );
    }
  });

  it('have a request id of ours, not to be stored nor sniffed, and say nothing of what answers', async () => {
    const answer = await get(bearer(tenant.key), 'x-request-id: forged');
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.has('server') || answer.headers.has('x-powered-by')).toBe(false);
  });

  it('never repeat what was sent (error contract)', async () => {
    const canary = 'CANARYvalue';
    const answers = await Promise.all([
      post(JSON.stringify({ name: 7, email: canary, [canary]: canary })),
      post(`{"name":"${canary}`),
      sendRaw(service.url, head('GET', `/v1/${canary}?${canary}=${canary}`)),
      sendRaw(service.url, head('GET', `${ADMIN}/${canary}`, bearer(service.adminKey))),
      sendRaw(service.url, head('GET', `${ADMIN}?cursor=${canary}`, bearer(service.adminKey))),
      get(bearer(canary)),
      get(bearer(tenant.key), `tenant-id: ${canary}`),
    ]);
    for (const answer of answers) {
      codeOf(answer);
      const { errors = [], ...rest } = JSON.parse(answer.text) as { errors?: { message: string }[] };
      expect(JSON.stringify(rest)).not.toContain(canary);
      for (const error of errors) expect(error.message).not.toContain(canary);
    }
  });
});

it('without a proxy in front, the address of a caller is its own, whatever it says (S-52)', async () => {
  const { body } = await service.api('POST', ADMIN, {
    key: service.adminKey,
    body: { name: 'Forged', email: 'forged@example.test' },
    headers: { 'x-forwarded-for': '6.6.6.6', 'x-real-ip': '6.6.6.6', forwarded: 'for=6.6.6.6' },
  });
  const rows = await service.rows('select ip from audit_logs where tenant_id = $1', [body.id]);
  expect(rows).toEqual([{ ip: '127.0.0.1' }]);
});

describe('the order of checks', () => {
  const wrongInEveryWay = (...headers: string[]): Promise<RawAnswer> =>
    sendRaw(
      service.url,
      `${head('POST', `${ADMIN}?a=1&a=2`, ...headers, 'content-type: text/xml', 'content-encoding: gzip', 'idempotency-key: é', 'content-length: 4')}{"a"`,
    );

  it('is credential, tenant header, scope, query, media type, idempotency key, body', async () => {
    const admin = bearer(service.adminKey);
    expect(codeOf(await wrongInEveryWay())).toBe('unauthenticated');
    expect(codeOf(await wrongInEveryWay(bearer(tenant.key), 'tenant-id: x'))).toBe('tenant_header_invalid');
    expect(codeOf(await wrongInEveryWay(bearer(tenant.key), `tenant-id: ${other.id}`))).toBe(
      'tenant_mismatch',
    );
    expect(codeOf(await wrongInEveryWay(bearer(tenant.key)))).toBe('insufficient_scope');
    expect(codeOf(await wrongInEveryWay(admin))).toBe('validation_failed');
    expect(codeOf(await post('{"a"', 'content-type: text/xml', 'idempotency-key: é'))).toBe(
      'unsupported_media_type',
    );
    expect(codeOf(await post('{"name":1}', 'idempotency-key: a b'))).toBe('idempotency_key_invalid');
    expect(codeOf(await post('{"name":1}', 'idempotency-key: k'))).toBe('validation_failed');
  });

  it('tells callers without a credential nothing about a request but 401, 404 and 405', async () => {
    const targets = [ADMIN, OWN, `${ADMIN}/${tenant.id}`, '/v1/nothing', '/v1/api-keys', '/metrics'];
    const seen = new Set<number>();
    for (const target of targets)
      for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
        for (const body of ['', '{']) {
          const headers = [
            'content-type: text/xml',
            'content-encoding: gzip',
            'tenant-id: x',
            'idempotency-key: é',
          ];
          const start = head(method, `${target}?a=1&a=1`, ...headers, `content-length: ${body.length}`);
          const answer = await sendRaw(service.url, start + body);
          codeOf(answer);
          seen.add(answer.status);
        }
    expect([...seen].sort()).toEqual([401, 404, 405]);
  });
});
