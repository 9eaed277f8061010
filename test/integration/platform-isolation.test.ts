import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import type { TenantId } from '../../src/contracts/ids';
import { Database } from '../../src/platform/database/database';
import { MissingTenantContext, TenantContext } from '../../src/platform/database/tenant-context';
import { seeded } from '../support/random';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** The database refuses what the app forgets: R-24, security S-04 to S-06. */
const SHARED_TABLES = [
  'clock_offset',
  'job_slots',
  'meters',
  'plan_sync_runs',
  'schema_migrations',
  'stripe_reconciliations',
  'usage_cache_generation',
  'usage_writers',
];
/** What the app role may only add to, and the functions that take away from it by rules of their own. */
const APPEND_ONLY = /^(audit_logs|billing_events(_\d\d)?)$/;
const DEFINERS = ['delete_old_usage_events', 'withdraw_refused_events'];
/** A plan belongs to a tenant or to nobody, so its key cannot contain the tenant; who may buy it is checked in code. */
const SIMPLE_FOREIGN_KEYS = ['plans'];

let service: TestService;
let app: Client;
let tenants: TestTenant[];
let database: Database;
let context: TenantContext;

beforeAll(async () => {
  service = await startTestService({ env: { DATABASE_POOL_SIZE: '4' } });
  database = service.get(Database);
  context = service.get(TenantContext);
  tenants = await Promise.all(Array.from({ length: 6 }, () => service.makeTenant()));
  const plan = await service.makePlan();
  await Promise.all(tenants.slice(0, 2).map((tenant) => service.subscribe(tenant, plan.id)));
  await service.makePlan({ tenant_id: tenants[0]!.id });
  app = new Client({ connectionString: service.database.appUrl });
  await app.connect();
});

afterAll(async () => {
  await app.end();
  await service.close();
});

/** What the app role sees in a transaction with this setting; null sets nothing. */
async function asApp<T>(setting: string | null, work: () => Promise<T>): Promise<T> {
  await app.query('begin');
  try {
    if (setting !== null) await app.query(`select set_config('app.tenant_id', $1, true)`, [setting]);
    return await work();
  } finally {
    await app.query('rollback');
  }
}

async function errorOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'nothing was refused';
  } catch (error) {
    return String((error as { code?: string }).code);
  }
}

/** Tables with rows of tenants, and the column that says whose. */
async function tenantTables(): Promise<{ table: string; column: string }[]> {
  const rows = await service.rows<{ table: string }>(
    `select c.relname as table from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and a.attname = 'tenant_id' and not a.attisdropped order by 1`,
  );
  return [{ table: 'tenants', column: 'id' }, ...rows.map(({ table }) => ({ table, column: 'tenant_id' }))];
}

describe('the app role', () => {
  it('is neither superuser nor owner of anything, passes no policy and becomes nobody else', async () => {
    const [role] = await service.rows(
      `select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
              (select count(*)::int from pg_class where relowner = r.oid) as owns,
              (select count(*)::int from pg_auth_members where member = r.oid) as memberships
       from pg_roles r where rolname = 'app'`,
    );
    expect(role).toEqual({
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      owns: 0,
      memberships: 0,
    });
    expect(await errorOf(() => asApp(null, () => app.query('set role owner')))).toBe('42501');
    expect(
      await errorOf(() => asApp(null, () => app.query('set row_security = off; select 1 from tenants'))),
    ).toBe('42501');
  });

  it.each([
    'create table t (id int)',
    'create function f() returns int language sql as $$ select 1 $$',
    'alter table tenants disable row level security',
    'drop policy tenants_tenant on tenants',
    'truncate outbox',
    'drop table outbox',
    "update audit_logs set action = 'x'",
    'delete from audit_logs',
    'truncate audit_logs',
    'alter table audit_logs disable trigger all',
    "insert into schema_migrations (timestamp, name) values (1, 'x')",
    'delete from schema_migrations',
  ])('may not %s', async (statement) => {
    expect(await errorOf(() => asApp('*', () => app.query(statement)))).toBe('42501');
  });

  it('is what the running service is connected as', async () => {
    const rows = await service.rows<{ usename: string }>(
      `select distinct usename from pg_stat_activity
       where datname = current_database() and application_name = 'tenant-billing'`,
    );
    expect(rows).toEqual([{ usename: 'app' }]);
  });

  it('even the superuser cannot change or remove an audit row in passing', async () => {
    for (const statement of [
      "update audit_logs set action = 'x'",
      'delete from audit_logs',
      'truncate audit_logs',
    ])
      expect(await errorOf(() => service.rows(statement))).toBe('42501');
  });
});

describe('row-level security', () => {
  it('is forced on every table with rows of tenants; the tables without it are known', async () => {
    const open = await service.rows<{ table: string; has_tenant: boolean }>(
      `select relname as table, exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id') as has_tenant
       from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
         and not (relrowsecurity and relforcerowsecurity) order by 1`,
    );
    expect(open.filter((row) => row.has_tenant)).toEqual([]);
    expect(open.map((row) => row.table)).toEqual(SHARED_TABLES);
  });

  it('has no views or functions that see more than their caller', async () => {
    const rows = await service.rows<{ name: string }>(
      `select relname as name from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('v', 'm')
         and not coalesce('security_invoker=true' = any(reloptions), false)
       union all select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef`,
    );
    expect(rows.map(({ name }) => name).sort()).toEqual(DEFINERS);
  });

  it('lets nobody rewrite what is append-only, nor any of its partitions', async () => {
    const tables = (await tenantTables()).filter(({ table }) => APPEND_ONLY.test(table));
    expect(tables).toHaveLength(18);
    for (const { table } of tables)
      for (const statement of [
        `update ${table} set tenant_id = tenant_id`,
        `delete from ${table}`,
        `truncate ${table}`,
      ])
        expect({ statement, error: await errorOf(() => asApp('*', () => app.query(statement))) }).toEqual({
          statement,
          error: '42501',
        });
  });

  it('takes back only events that the same transaction has recorded', async () => {
    const tenant = tenants[0]!.id;
    await service.rows(
      `insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp, timestamp_given,
         period, received_at) values ($1, 'kept', 'usage', 'seats', 1, now(), false, now(), now())`,
      [tenant],
    );
    const take = `select withdraw_refused_events(array[$1]::uuid[], array['kept'])`;
    expect(await errorOf(() => asApp('*', () => app.query(take, [tenant])))).toBe('P0001');
  });

  it.each([null, ''])('shows nothing to a transaction whose setting is %j', async (setting) => {
    const tables = await tenantTables();
    let filled = 0;
    for (const { table, column } of tables) {
      const count = `select count(*)::int as rows from ${table} where ${column} is not null`;
      const [real] = await service.rows<{ rows: number }>(count);
      filled += real!.rows > 0 ? 1 : 0;
      const { rows } = await asApp(setting, () => app.query(count));
      expect({ table, rows: rows[0].rows }).toEqual({ table, rows: 0 });
    }
    // The test would mean little over empty tables.
    expect(filled).toBeGreaterThan(10);
  });

  it('shows a tenant its own rows and no others, in every table', async () => {
    const own = tenants[0]!.id;
    for (const { table, column } of await tenantTables()) {
      const { rows } = await asApp(own, () =>
        app.query(`select distinct ${column}::text as id from ${table}`),
      );
      expect(rows.filter((row) => row.id !== own && row.id !== null)).toEqual([]);
      if (table !== 'plans') expect(rows.filter((row) => row.id === null)).toEqual([]);
      const real = await service.rows(`select 1 from ${table} where ${column} = $1 limit 1`, [own]);
      if (real.length > 0)
        expect({ table, own: rows.some((row) => row.id === own) }).toEqual({ table, own: true });
    }
  });

  it("lets a tenant's transaction change, remove or add nobody else's row, in any table", async () => {
    const [own, foreign] = [tenants[0]!.id, tenants[1]!.id];
    for (const { table, column } of await tenantTables()) {
      if (APPEND_ONLY.test(table)) continue;
      const touched = await asApp(own, async () => {
        const changed = await app.query(`update ${table} set ${column} = ${column} where ${column} = $1`, [
          foreign,
        ]);
        const removed = await app.query(`delete from ${table} where ${column} = $1`, [foreign]);
        return changed.rowCount! + removed.rowCount!;
      });
      expect({ table, touched }).toEqual({ table, touched: 0 });
      const [row] = await service.rows<Record<string, unknown>>(
        `select to_jsonb(t) as row from ${table} t where ${column} = $1 limit 1`,
        [foreign],
      );
      if (!row) continue;
      const copy = `insert into ${table} overriding system value select * from jsonb_populate_record(null::${table}, $1)`;
      expect({ table, refused: await errorOf(() => asApp(own, () => app.query(copy, [row.row]))) }).toEqual({
        table,
        refused: '42501',
      });
    }
  });

  it('lets no row move to another tenant', async () => {
    const [own, foreign] = [tenants[0]!.id, tenants[1]!.id];
    for (const table of ['tenant_contacts', 'api_keys', 'outbox', 'checkout_sessions']) {
      const move = `update ${table} set tenant_id = $1 where tenant_id = $2`;
      expect(await errorOf(() => asApp(own, () => app.query(move, [foreign, own])))).toBe('42501');
    }
  });

  it("lets a tenant publish no plan for everybody, and change nobody's", async () => {
    const own = tenants[0]!.id;
    const changed = await asApp(own, () => app.query('update plans set amount = 0 where tenant_id is null'));
    expect(changed.rowCount).toBe(0);
    const publish = 'update plans set tenant_id = null where tenant_id = $1';
    expect(await errorOf(() => asApp(own, () => app.query(publish, [own])))).toBe('42501');
  });

  it.each(['**', "*' or '1'='1", 'null', 'true', '% '])('takes %j for no tenant', async (setting) => {
    expect(await errorOf(() => asApp(setting, () => app.query('select count(*) from tenants')))).toBe(
      '22P02',
    );
  });

  it('forgets the setting with its transaction', async () => {
    await app.query('begin');
    await app.query(`select set_config('app.tenant_id', '*', true)`);
    expect((await app.query('select 1 from tenants')).rowCount).toBeGreaterThan(1);
    await app.query('commit');
    expect((await app.query('select 1 from tenants')).rowCount).toBe(0);
  });
});

describe('foreign keys', () => {
  it('between rows of tenants contain the tenant (S-06)', async () => {
    const simple = await service.rows<{ child: string; parent: string }>(
      `select distinct c.conrelid::regclass::text as child, c.confrelid::regclass::text as parent
       from pg_constraint c
       where c.contype = 'f' and c.confrelid <> 'tenants'::regclass
         and exists (select from pg_attribute a where a.attrelid = c.conrelid and a.attname = 'tenant_id')
         and exists (select from pg_attribute a where a.attrelid = c.confrelid and a.attname = 'tenant_id')
         and not exists (select from unnest(c.conkey, c.confkey) k(child, parent)
           join pg_attribute x on x.attrelid = c.conrelid and x.attnum = k.child and x.attname = 'tenant_id'
           join pg_attribute y on y.attrelid = c.confrelid and y.attnum = k.parent and y.attname = 'tenant_id')`,
    );
    expect(simple.filter(({ parent }) => !SIMPLE_FOREIGN_KEYS.includes(parent))).toEqual([]);
  });

  it("let no child hang on another tenant's row", async () => {
    const [own, foreign] = [tenants[0]!.id, tenants[1]!.id];
    const [billing] = await service.rows<{ id: string }>('select id from billings where tenant_id = $1', [
      foreign,
    ]);
    const insert = () =>
      app.query(
        `insert into subscription_items (tenant_id, id, billing_id, stripe_subscription_item_id, product_id, price_id, created_at)
         values ($1, $2, $3, 'si_forged', 'prod_x', 'price_x', now())`,
        [own, randomUUID(), billing!.id],
      );
    expect(await errorOf(() => asApp(own, insert))).toBe('23503');
  });
});

describe('the service inside', () => {
  it.each(['*', '', "' OR 1=1", 'null', undefined, null, 7, {}, ['*']])(
    'cannot enter %j as a tenant',
    async (forged) => {
      expect(() => context.run(forged as unknown as TenantId, async () => 1)).toThrow(MissingTenantContext);
      expect(() => context.enter(forged as unknown as TenantId)).toThrow(MissingTenantContext);
    },
  );

  it('sees nothing outside a context', async () => {
    const rows = await database.inTransaction((manager) => manager.query('select id from tenants'));
    expect(rows).toEqual([]);
    await expect(database.inTenant(async () => 1)).rejects.toBeInstanceOf(MissingTenantContext);
  });

  it("leaves another tenant's transaction when it enters a tenant, and goes on in the operator's", async () => {
    const [one, two] = tenants.map((tenant) => tenant.id as TenantId) as [TenantId, TenantId];
    const seen = (): Promise<string[]> =>
      database.inTransaction(async (manager) =>
        (await manager.query<{ id: string }[]>('select id from tenants')).map((row) => row.id),
      );
    const txid = (): Promise<string> =>
      database.inTransaction(async (manager) => {
        const [row] = await manager.query<{ id: string }[]>('select pg_current_xact_id()::text as id');
        return row!.id;
      });
    await context.run(one, () =>
      database.inTenant(async () => {
        expect(await seen()).toEqual([one]);
        const outer = await txid();
        await context.run(two, async () => {
          expect(await seen()).toEqual([two]);
          expect(await txid()).not.toBe(outer);
        });
        await context.run(one, async () => expect(await txid()).toBe(outer));
        await database.inNewTransaction(async () => {
          expect(await seen()).toEqual([one]);
          expect(await txid()).not.toBe(outer);
        });
        await database.acrossTenants(async () => expect((await seen()).length).toBeGreaterThan(2));
        expect(await seen()).toEqual([one]);
        expect(await txid()).toBe(outer);
      }),
    );
    await database.acrossTenants(async () => {
      const outer = await txid();
      await context.run(one, async () => expect(await txid()).toBe(outer));
    });
    expect(await seen()).toEqual([]);
  });

  it('leaks nothing over 2,000 alternating transactions on four connections, a third of them failing', async () => {
    const random = seeded(7);
    const failures: string[] = [];
    let left = 2000;
    const one = async (): Promise<void> => {
      const tenant = tenants[Math.floor(random() * tenants.length)]!;
      const kind = Math.floor(random() * 6);
      const work = context.run(tenant.id as TenantId, () =>
        database.inTenant(async (manager) => {
          if (kind === 0) throw new Error('on purpose');
          if (kind === 1) await manager.query('select 1 / 0');
          if (kind === 2) await pause(1);
          const rows = await manager.query<{ id: string }[]>(
            'select id from tenants union all select tenant_id from tenant_contacts',
          );
          if (rows.length < 2 || rows.some((row) => row.id !== tenant.id))
            failures.push(JSON.stringify(rows));
        }),
      );
      await work.catch((error: Error) => {
        if (kind > 1) failures.push(String(error));
      });
      if (kind === 5) {
        const outside = await database.inTransaction((manager) =>
          manager.query<unknown[]>('select id from tenants'),
        );
        if (outside.length > 0) failures.push('rows outside a context');
      }
    };
    const lane = async (): Promise<void> => {
      while (left-- > 0) await one();
    };
    await Promise.all(Array.from({ length: 12 }, lane));
    expect(failures).toEqual([]);
    const [row] = await service.rows<{ open: number }>(
      `select count(*)::int as open from pg_stat_activity
       where datname = current_database() and state like 'idle in transaction%'`,
    );
    expect(row!.open).toBe(0);
  });
});
