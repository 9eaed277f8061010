import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type RunningPostgres, startPostgres } from '../../sandbox/postgres/server';
import { startTestServers } from '../support/servers';

const before = { ...process.env };
let dir: string;
let external: RunningPostgres;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-external-'));
  chmodSync(dir, 0o711);
  external = await startPostgres({ dir, fsync: false });
});

afterEach(() => {
  process.env = { ...before };
});

afterAll(async () => {
  await external.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

describe('the servers of a test run', () => {
  it('are started beside those of other runs, and leave nothing behind', async () => {
    delete process.env.TEST_REDIS_URL;
    const servers = await startTestServers();
    const [row] = await ask(process.env.TEST_POSTGRES_SUPERUSER_URL ?? '', 'SHOW data_directory');
    const folder = join(String(row?.data_directory), '..', '..');
    expect(existsSync(join(folder, 'run.json'))).toBe(true);
    expect(process.env.TEST_POSTGRES_SUPERUSER_URL).not.toBe(before.TEST_POSTGRES_SUPERUSER_URL);
    expect(process.env.TEST_REDIS_URL).not.toBe(before.TEST_REDIS_URL);
    await servers.stop();
    expect(existsSync(folder)).toBe(false);
    await expect(ask(process.env.TEST_POSTGRES_SUPERUSER_URL ?? '', 'SELECT 1')).rejects.toThrow(
      /ECONNREFUSED/,
    );
  });

  it('use a given Postgres, with both roles, and drop only the databases of the run', async () => {
    process.env.TEST_DATABASE_URL = external.superuserUrl;
    const servers = await startTestServers();
    const { TEST_POSTGRES_PORT, TEST_POSTGRES_APP_PASSWORD, TEST_DATABASE_PREFIX } = process.env;
    await ask(external.superuserUrl, 'CREATE DATABASE somebody_elses');
    await ask(external.superuserUrl, `CREATE DATABASE ${TEST_DATABASE_PREFIX}one`);
    const app = `postgres://app:${TEST_POSTGRES_APP_PASSWORD}@127.0.0.1:${TEST_POSTGRES_PORT}/${TEST_DATABASE_PREFIX}one`;
    expect(await ask(app, 'SELECT current_user AS me')).toEqual([{ me: 'app' }]);
    await servers.stop();
    const left = await ask(external.superuserUrl, `SELECT datname FROM pg_database ORDER BY 1`);
    expect(left.map(({ datname }) => datname)).toEqual([
      'billing',
      'postgres',
      'somebody_elses',
      'template0',
      'template1',
    ]);
  });
});
