import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource, MigrationInterface } from 'typeorm';
import { Logger } from '../logger';

/** One number for the whole product: all replicas queue here, one migrates. */
const MIGRATION_LOCK = 7_316_422_905;

/** What the app role may do to each table; decisions 1 takes rights away from the append-only ones. */
const APPEND_ONLY = ['audit_logs', 'billing_events'];
/** What has run is the owner's to say: a forged row would keep a migration from running. */
const MIGRATIONS = 'schema_migrations';

/**
 * Brings the schema up to date as the owner role and grants the app role its rights. Safe to call from
 * several processes at once: the lock makes them wait, and the second finds nothing to do.
 * @returns names of the migrations that ran
 */
export async function migrate(ownerUrl: string, appUrl: string): Promise<string[]> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: ownerUrl,
    migrations: await migrationClasses(),
    migrationsTableName: MIGRATIONS,
    migrationsTransactionMode: 'each',
    poolSize: 2,
    extra: { application_name: 'tenant-billing-migrate' },
  });
  await dataSource.initialize();
  const lock = dataSource.createQueryRunner();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const ran = await dataSource.runMigrations();
    await grantAppRole(dataSource, new URL(ownerUrl).username, new URL(appUrl).username);
    for (const migration of ran) new Logger('database').info('migration.ran', { name: migration.name });
    return ran.map((migration) => migration.name);
  } finally {
    await lock.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    await lock.release();
    await dataSource.destroy();
  }
}

/** The migrations of the top-level folder, compiled or not, in the order of their names. */
export async function migrationClasses(): Promise<(new () => MigrationInterface)[]> {
  const folder = join(__dirname, '..', '..', '..', 'migrations');
  const files = readdirSync(folder)
    .filter((name) => /^\d{13}-.*\.(js|ts)$/.test(name) && !name.endsWith('.d.ts'))
    .sort();
  const classes: (new () => MigrationInterface)[] = [];
  for (const file of files) {
    const module = (await import(join(folder, file))) as Record<string, unknown>;
    for (const exported of Object.values(module))
      if (typeof exported === 'function') classes.push(exported as new () => MigrationInterface);
  }
  return classes;
}

async function grantAppRole(dataSource: DataSource, owner: string, app: string): Promise<void> {
  if (!app || app === owner) return;
  const quoted = `"${app.replaceAll('"', '""')}"`;
  const statements = [
    `grant usage on schema public to ${quoted}`,
    `grant select, insert, update, delete on all tables in schema public to ${quoted}`,
    `grant usage, select on all sequences in schema public to ${quoted}`,
    `grant execute on all functions in schema public to ${quoted}`,
    `revoke insert, update, delete on ${MIGRATIONS} from ${quoted}`,
  ];
  for (const statement of statements) await dataSource.query(statement);
  // A partition is a table of its own, which could be named instead of its parent.
  const appendOnly = await dataSource.query<{ name: string }[]>(
    `select c.oid::regclass::text as name from pg_class c
       left join pg_inherits i on i.inhrelid = c.oid
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        and (c.relname = any($1) or i.inhparent::regclass::text = any($1))`,
    [APPEND_ONLY],
  );
  for (const { name } of appendOnly)
    await dataSource.query(`revoke update, delete, truncate on ${name} from ${quoted}`);
}
