/** The Postgres and the Redis of one test run: started once, and gone afterwards whatever happened. */
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { ensureRoles, type PostgresPasswords } from '../../sandbox/postgres/roles';
import { startPostgres } from '../../sandbox/postgres/server';
import { type KnownProcess, isRunning, knownProcess, stopKnownProcess } from '../../sandbox/processes';
import { startRedis } from '../../sandbox/redis/server';

const FOLDER_PREFIX = 'tenant-billing-test-';

/** What a test run owns outside the repository; written down so that a later run can clean up after a kill -9. */
interface RunRecord {
  readonly owner: KnownProcess;
  readonly servers: KnownProcess[];
}

export interface TestServers {
  /** Answers when nothing of the run is left: no process, no folder, no database. */
  stop(): Promise<void>;
  /** The same within the time a dying process has: servers are killed, not asked. */
  stopAtOnce(): void;
}

/**
 * Starts both servers and publishes where they are through `process.env`:
 * `TEST_POSTGRES_SUPERUSER_URL`, `TEST_POSTGRES_HOST`, `TEST_POSTGRES_PORT`, `TEST_POSTGRES_OWNER_PASSWORD`,
 * `TEST_POSTGRES_APP_PASSWORD`, `TEST_DATABASE_PREFIX` (every database a test makes begins with it and is
 * dropped at the end) and `TEST_REDIS_URL`.
 * `TEST_DATABASE_URL` (a superuser's) or `TEST_REDIS_URL` given from outside are used instead.
 */
export async function startTestServers(): Promise<TestServers> {
  await sweepAbandonedRuns();
  const dir = mkdtempSync(join(tmpdir(), FOLDER_PREFIX));
  // Postgres may run as another user, who has to pass through.
  chmodSync(dir, 0o711);
  const servers: KnownProcess[] = [];
  const record = () => {
    const run: RunRecord = { owner: knownProcess(process.pid) as KnownProcess, servers };
    writeFileSync(join(dir, 'run.json'), JSON.stringify(run));
  };
  const remember = (pid: number) => {
    const known = knownProcess(pid);
    if (known) servers.push(known);
    record();
  };
  record();

  const stops: (() => Promise<void>)[] = [];
  const startOwnPostgres = async () => {
    const postgres = await startPostgres({ dir: join(dir, 'postgres'), fsync: false });
    stops.push(() => postgres.stop());
    remember(postgres.pid);
    publishPostgres(postgres.superuserUrl, postgres.passwords);
  };
  const startOwnRedis = async () => {
    const redis = await startRedis({ dir: join(dir, 'redis') });
    stops.push(() => redis.stop());
    remember(redis.pid);
    process.env.TEST_REDIS_URL = redis.url;
  };
  const external = process.env.TEST_DATABASE_URL;
  const stop = async () => {
    if (external) await dropTestDatabases(external);
    await Promise.all(stops.map((end) => end()));
    rmSync(dir, { recursive: true, force: true });
  };
  const stopAtOnce = () => {
    for (const server of servers) if (isRunning(server)) process.kill(server.pid, 'SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  process.env.TEST_DATABASE_PREFIX = `tb_test_${randomBytes(4).toString('hex')}_`;
  const started = await Promise.allSettled([
    external ? usePostgres(external) : startOwnPostgres(),
    process.env.TEST_REDIS_URL ? Promise.resolve() : startOwnRedis(),
  ]);
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return { stop, stopAtOnce };
}

async function usePostgres(superuserUrl: string): Promise<void> {
  // The same for every run against this server: two runs side by side must not lock each other out.
  const password = (role: string) =>
    createHash('sha256').update(`${role}\n${superuserUrl}`).digest('base64url').slice(0, 32);
  const passwords = { postgres: '', owner: password('owner'), app: password('app') };
  await ensureRoles(superuserUrl, passwords);
  publishPostgres(superuserUrl, passwords);
}

function publishPostgres(superuserUrl: string, passwords: PostgresPasswords): void {
  const { hostname, port } = new URL(superuserUrl);
  process.env.TEST_POSTGRES_SUPERUSER_URL = superuserUrl;
  process.env.TEST_POSTGRES_HOST = hostname;
  process.env.TEST_POSTGRES_PORT = port || '5432';
  process.env.TEST_POSTGRES_OWNER_PASSWORD = passwords.owner;
  process.env.TEST_POSTGRES_APP_PASSWORD = passwords.app;
}

async function dropTestDatabases(superuserUrl: string): Promise<void> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  const names = await client.query<{ datname: string }>(
    'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
    [process.env.TEST_DATABASE_PREFIX],
  );
  for (const { datname } of names.rows) {
    await client.query(`DROP DATABASE ${client.escapeIdentifier(datname)} WITH (FORCE)`);
  }
  await client.end();
}

/** A run that was killed could not clean up: the next one does it. */
async function sweepAbandonedRuns(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const dir = join(tmpdir(), name);
    const file = join(dir, 'run.json');
    if (!existsSync(file)) continue;
    try {
      const run = JSON.parse(readFileSync(file, 'utf8')) as RunRecord;
      if (isRunning(run.owner)) continue;
      await Promise.all(run.servers.map((server) => stopKnownProcess(server, 'SIGQUIT', 5000)));
      rmSync(dir, { recursive: true, force: true });
    } catch {
      // Another user's run, or one being removed right now: not ours to clean.
    }
  }
}
