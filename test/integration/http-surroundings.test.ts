import { startTestService, type TestService, type TestTenant } from '../support/service';
import type { ApiAnswer } from '../support/api';

/** What stands in front of the service: browsers of listed origins, and proxies that are believed so far and no further. */
const LISTED = 'https://app.example.test';
const ROUTE = '/v1/billings/subscription';

let service: TestService;
let tenant: TestTenant;

beforeAll(async () => {
  service = await startTestService({
    env: { CORS_ALLOWED_ORIGINS: `${LISTED},https://admin.example.test`, TRUSTED_PROXY_HOPS: '1' },
  });
  tenant = await service.makeTenant();
});

afterAll(() => service?.close());

function preflight(origin: string, method = 'POST', path = `${ROUTE}/checkout`): Promise<ApiAnswer> {
  return service.api('OPTIONS', path, {
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type,idempotency-key,tenant-id',
    },
  });
}

const allowedOrigin = (answer: ApiAnswer): string | null => answer.headers.get('access-control-allow-origin');

it('a listed origin may ask before it calls, without a credential', async () => {
  const answer = await preflight(LISTED);
  expect(answer.status).toBe(204);
  expect(allowedOrigin(answer)).toBe(LISTED);
  expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
  const headers = answer.headers.get('access-control-allow-headers')!.toLowerCase().split(/, ?/);
  expect(headers).toEqual(
    expect.arrayContaining(['authorization', 'content-type', 'idempotency-key', 'tenant-id']),
  );
  expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
});

it('a listed origin reads answers, refusals too, and the headers that matter', async () => {
  const found = await service.api('GET', ROUTE, { key: tenant.key, headers: { origin: LISTED } });
  expect([found.status, allowedOrigin(found)]).toEqual([200, LISTED]);
  expect(found.headers.get('access-control-expose-headers')).toContain('x-request-id');
  expect(found.headers.get('vary')).toMatch(/origin/i);
  for (const [path, key, status] of [
    [ROUTE, undefined, 401],
    ['/v1/nothing', undefined, 404],
    ['/v1/admin/tenants', tenant.key, 403],
  ] as const) {
    const refused = await service.api('GET', path, { key, headers: { origin: LISTED } });
    expect([path, refused.status, allowedOrigin(refused)]).toEqual([path, status, LISTED]);
  }
});

it.each([
  'https://evil.example.test',
  `${LISTED}.evil.test`,
  'http://app.example.test',
  `${LISTED}:8443`,
  'null',
])('the origin %s is not let in', async (origin) => {
  expect(allowedOrigin(await preflight(origin))).toBeNull();
  const answer = await service.api('GET', ROUTE, { key: tenant.key, headers: { origin } });
  expect(allowedOrigin(answer)).toBeNull();
});

it('OPTIONS that asks nothing is a method like any other', async () => {
  for (const path of [ROUTE, '/healthz']) expect((await service.api('OPTIONS', path)).status).toBe(405);
  expect((await service.api('OPTIONS', '/v1/nothing')).status).toBe(404);
});

it('the address of a caller is what the one proxy says, not what the caller says (S-52)', async () => {
  const { body } = await service.api('POST', '/v1/admin/tenants', {
    key: service.adminKey,
    body: { name: 'Proxied', email: 'proxied@example.test' },
    headers: { 'x-forwarded-for': '6.6.6.6, 203.0.113.7' },
  });
  const rows = await service.rows('select ip from audit_logs where tenant_id = $1', [body.id]);
  expect(rows).toEqual([{ ip: '203.0.113.7' }]);
});
