import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startPostgres } from '../../sandbox/postgres/server';
import { processMark } from '../../sandbox/processes';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tb-postgres-'));
  chmodSync(dir, 0o711);
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

describe('the Postgres of the sandbox', () => {
  it('starts with an owner that owns and an app role that owns nothing', async () => {
    const postgres = await startPostgres({ dir, fsync: false });
    try {
      const roles = await ask(
        postgres.superuserUrl,
        `SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname IN ('owner', 'app') ORDER BY 1`,
      );
      expect(roles).toEqual([
        { rolname: 'app', rolsuper: false, rolbypassrls: false, rolcanlogin: true },
        { rolname: 'owner', rolsuper: false, rolbypassrls: false, rolcanlogin: true },
      ]);
      await ask(postgres.ownerUrl, 'CREATE TABLE things (id int)');
      await expect(ask(postgres.appUrl, 'CREATE TABLE others (id int)')).rejects.toThrow(/permission denied/);
      await expect(ask(postgres.appUrl, 'SELECT * FROM things')).rejects.toThrow(/permission denied/);
      const [letters] = await ask(postgres.appUrl, `SELECT lower('ÄÖ') AS low`);
      expect(letters).toEqual({ low: 'äö' });
    } finally {
      await postgres.stop();
    }
    expect(processMark(postgres.pid)).toBeNull();
  });

  it('refuses a wrong password', async () => {
    const postgres = await startPostgres({ dir, fsync: false });
    try {
      const wrong = postgres.appUrl.replace(postgres.passwords.app, 'wrong');
      await expect(ask(wrong, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
    } finally {
      await postgres.stop();
    }
  });

  it('keeps its data, and takes over from a server whose launcher was killed', async () => {
    const first = await startPostgres({ dir });
    await ask(first.ownerUrl, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const second = await startPostgres({ dir });
    try {
      expect(processMark(first.pid)).toBeNull();
      expect(await ask(second.ownerUrl, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    } finally {
      await second.stop();
    }
  });

  it('recovers from kill -9 even when a stranger now has the id in the stale lock', async () => {
    const first = await startPostgres({ dir });
    await ask(first.ownerUrl, 'CREATE TABLE kept AS SELECT 7 AS answer');
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    const lock = join(dir, 'data', 'postmaster.pid');
    const lines = readFileSync(lock, 'utf8').split('\n');
    writeFileSync(lock, [String(process.ppid), ...lines.slice(1)].join('\n'));
    const second = await startPostgres({ dir });
    try {
      expect(await ask(second.ownerUrl, 'SELECT answer FROM kept')).toEqual([{ answer: 7 }]);
    } finally {
      await second.stop();
    }
  });

  it('begins again after a first start that was cut off', async () => {
    const first = await startPostgres({ dir, fsync: false });
    await first.stop();
    rmSync(join(dir, 'complete'));
    const second = await startPostgres({ dir, fsync: false });
    try {
      expect(await ask(second.appUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      expect(existsSync(join(dir, 'complete'))).toBe(true);
    } finally {
      await second.stop();
    }
  });

  it('runs below a folder that other users may not enter', async () => {
    chmodSync(dir, 0o700);
    const postgres = await startPostgres({ dir, fsync: false });
    try {
      expect(await ask(postgres.appUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      await postgres.stop();
    }
    expect(processMark(postgres.pid)).toBeNull();
  });
});
