import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';
import { HealthRepository } from '../../src/modules/health/health.repository';
import { Database } from '../../src/platform/database/database';
import { startTestService, type TestService } from '../support/service';

let service: TestService;
let metricsPort: number;

beforeAll(async () => {
  metricsPort = await freePort();
  service = await startTestService({ env: { METRICS_PORT: String(metricsPort) } });
});
afterAll(() => service.close());

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What the repository sees when the service came in with this role. */
async function seenAs(url: string, database = ''): Promise<unknown> {
  const at = new URL(url);
  if (database) at.pathname = `/${database}`;
  const client = new Client({ connectionString: at.toString() });
  await client.connect();
  try {
    const manager = { query: async (sql: string) => (await client.query(sql)).rows as unknown[] };
    const connection = { inNewTransaction: <T>(work: (m: typeof manager) => Promise<T>) => work(manager) };
    return await new HealthRepository(connection as unknown as Database).read();
  } finally {
    await client.end();
  }
}

describe('liveness', () => {
  it('says so, also under the prefixes that gateways add', async () => {
    for (const path of ['/healthz', '/_api/healthz']) {
      const answer = await service.api('GET', path);
      expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });
});

describe('readiness', () => {
  it('says what it stands on, and nothing that helps an attacker', async () => {
    const answer = await service.api('GET', '/readyz');
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: 'ok', database: 'ok', redis: 'ok', database_role: 'separate' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('is refused while Postgres is away, liveness is not, and comes back', async () => {
    const name = new URL(service.database.appUrl).pathname.slice(1);
    const postgres = new Client({ connectionString: process.env.TEST_POSTGRES_SUPERUSER_URL });
    await postgres.connect();
    try {
      await postgres.query(`alter database ${name} allow_connections false`);
      await postgres.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
        name,
      ]);
      const away = await service.until(async () => {
        const answer = await service.api('GET', '/readyz');
        return answer.status === 503 ? answer : null;
      });
      expect(away.body).toMatchObject({ status: 'unavailable', database: 'away', redis: 'ok' });
      expect(away.text).not.toMatch(/ECONN|127\.0\.0\.1|postgres|select/i);
      expect((await service.api('GET', '/healthz')).status).toBe(200);
    } finally {
      await postgres.query(`alter database ${name} allow_connections true`);
      await postgres.end();
    }
    await service.until(async () => (await service.api('GET', '/readyz')).status === 200);
  });

  it('is degraded but given without Redis, and says that one role does everything', async () => {
    const replica = await service.replica({
      REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
      DATABASE_URL: service.database.ownerUrl,
      METRICS_PORT: String(await freePort()),
    });
    try {
      const answer = await replica.api('GET', '/readyz');
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({
        status: 'degraded',
        database: 'ok',
        redis: 'away',
        database_role: 'single',
      });
    } finally {
      await replica.stop();
    }
  });

  it('is taken back before a stopping process closes its door', async () => {
    const replica = await service.replica({
      SHUTDOWN_DELAY_MS: '1500',
      METRICS_PORT: String(await freePort()),
    });
    const stopped = replica.stop();
    const answer = await service.until(async () => {
      const seen = await replica.api('GET', '/readyz');
      return seen.status === 503 ? seen : null;
    });
    expect(answer.body.status).toBe('stopping');
    expect(await stopped).toBe(0);
  });

  it('knows a role that row-level security would not hold, and a schema that is not there yet', async () => {
    const { appUrl, ownerUrl, superuserUrl } = service.database;
    expect(await seenAs(appUrl)).toEqual({ isMigrated: true, isUnsafeRole: false, isOwner: false });
    expect(await seenAs(ownerUrl)).toEqual({ isMigrated: true, isUnsafeRole: false, isOwner: true });
    expect(await seenAs(superuserUrl)).toMatchObject({ isUnsafeRole: true });
    await service.rows(`create table kept as select * from schema_migrations`);
    const [last] = await service.rows<{ name: string }>(
      'select name from schema_migrations order by id desc limit 1',
    );
    await service.rows('delete from schema_migrations where name = $1', [last!.name]);
    try {
      expect(await seenAs(appUrl)).toMatchObject({ isMigrated: false });
    } finally {
      await service.rows('insert into schema_migrations select * from kept where name = $1', [last!.name]);
    }
  });
});

describe('metrics', () => {
  it('need an operator on the main port', async () => {
    const { key } = await service.makeTenant();
    expect((await service.api('GET', '/metrics')).status).toBe(401);
    expect((await service.api('GET', '/metrics', { key })).body.code).toBe('insufficient_scope');
    const answer = await service.api('GET', '/metrics', { key: service.adminKey });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('text/plain');
    expect(answer.text).toContain('billing_http_request_duration_seconds_count{route="/metrics"');
  });

  it('are open on their own port, and nothing else is', async () => {
    const at = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${metricsPort}${path}`);
    const metrics = await at('/metrics');
    expect(metrics.headers.get('cache-control')).toBe('no-store');
    expect(await metrics.text()).toContain('# TYPE billing_alarms_total counter');
    expect((await at('/v1/admin/tenants')).status).toBe(404);
    expect((await at('/')).status).toBe(404);
  });

  it('name no tenant', async () => {
    const { id } = await service.makeTenant();
    const { text } = await service.api('GET', '/metrics', { key: service.adminKey });
    expect(text).not.toContain(id);
  });
});
