import { QueryRunner } from 'typeorm';

/** Sees all with '*', one tenant's rows with its id, nothing without a setting (decisions 2). */
const SCOPE = "current_setting('app.tenant_id', true)";

/**
 * Turns on forced row-level security for a table of tenant rows. CASE, not OR: Postgres may evaluate both
 * sides of an OR, and casting '*' to uuid would raise 22P02.
 * @param column the column that holds the tenant's id
 */
export async function isolateByTenant(
  runner: QueryRunner,
  table: string,
  column = 'tenant_id',
): Promise<void> {
  await isolate(runner, table, `${column} = nullif(${SCOPE}, '')::uuid`);
}

/** Own rows and the rows of nobody may be read; only system work ('*') and the owner of a row may write. */
export async function isolateWithPublicRows(runner: QueryRunner, table: string): Promise<void> {
  await enable(runner, table);
  const own = `tenant_id = nullif(${SCOPE}, '')::uuid`;
  await runner.query(
    `create policy ${table}_read on ${table} for select
       using (case when ${SCOPE} = '*' then true else tenant_id is null or ${own} end)`,
  );
  await runner.query(
    `create policy ${table}_write on ${table} for all
       using (case when ${SCOPE} = '*' then true else ${own} end)
       with check (case when ${SCOPE} = '*' then true else ${own} end)`,
  );
}

async function isolate(runner: QueryRunner, table: string, own: string): Promise<void> {
  await enable(runner, table);
  await runner.query(
    `create policy ${table}_tenant on ${table}
       using (case when ${SCOPE} = '*' then true else ${own} end)
       with check (case when ${SCOPE} = '*' then true else ${own} end)`,
  );
}

async function enable(runner: QueryRunner, table: string): Promise<void> {
  await runner.query(`alter table ${table} enable row level security`);
  await runner.query(`alter table ${table} force row level security`);
}
