import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrate } from '../../src/platform/database/migrate';

/** A migrated database of a test file's own, with both roles' addresses. */
export interface TestDatabase {
  ownerUrl: string;
  appUrl: string;
  /** For looking behind row-level security. */
  superuserUrl: string;
  drop(): Promise<void>;
}

const TEMPLATE_LOCK = 907_551_231;

/** Copies the migrated template, which the first test file of a run makes. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `${requiredEnv('TEST_DATABASE_PREFIX')}${randomBytes(5).toString('hex')}`;
  const template = `${requiredEnv('TEST_DATABASE_PREFIX')}template`;
  await asSuperuser('postgres', async (client) => {
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [template]);
    if (!rowCount) {
      await client.query(`create database ${template} owner owner`);
      await migrate(urlOf('owner', template), urlOf('app', template));
    }
    // Copying needs the template idle, so one file copies at a time.
    await client.query(`create database ${name} template ${template} owner owner`);
    await client.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  });
  return {
    ownerUrl: urlOf('owner', name),
    appUrl: urlOf('app', name),
    superuserUrl: superuserUrl(name),
    drop: () =>
      asSuperuser('postgres', async (client) => {
        await client.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

/** Rows as they really are: read by the superuser, who passes row-level security. */
export async function queryAsSuperuser<Row>(
  database: TestDatabase,
  sql: string,
  parameters: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: database.superuserUrl });
  await client.connect();
  try {
    return (await client.query(sql, parameters)).rows as Row[];
  } finally {
    await client.end();
  }
}

/** Shuts the database's door and throws everyone out, for as long as `work` takes: Postgres is away. */
export async function whilePostgresIsAway(database: TestDatabase, work: () => Promise<void>): Promise<void> {
  const name = new URL(database.superuserUrl).pathname.slice(1);
  await asSuperuser('postgres', async (client) => {
    await client.query(`alter database ${name} allow_connections false`);
    try {
      await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
      await work();
    } finally {
      await client.query(`alter database ${name} allow_connections true`);
    }
  });
}

async function asSuperuser(database: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: superuserUrl(database) });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function superuserUrl(database: string): string {
  const url = new URL(requiredEnv('TEST_POSTGRES_SUPERUSER_URL'));
  url.pathname = `/${database}`;
  return url.toString();
}

function urlOf(role: 'owner' | 'app', database: string): string {
  const url = new URL(superuserUrl(database));
  url.username = role;
  url.password = requiredEnv(`TEST_POSTGRES_${role.toUpperCase()}_PASSWORD`);
  return url.toString();
}

function requiredEnv(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run tests through npm test or npx jest`);
  return value;
}
