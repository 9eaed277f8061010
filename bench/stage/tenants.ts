/** Tenants with limits that are on, and far away. */
import type { Stage } from './stage';
import { METRIC } from '../load/events';

/** Finite, so that every event is compared with it; no benchmark gets there. */
export const FAR_AWAY = 1_000_000_000_000;
export const FEATURE = 'reports';

/** The plan all tenants are on. */
export async function addFreePlan(stage: Stage, limit = FAR_AWAY): Promise<void> {
  await stage.admin.post('/v1/admin/plans', {
    slug: 'free',
    name: 'Free',
    currency: 'usd',
    amount: 0,
    interval: 'month',
    limits: { [METRIC]: limit },
    features: [FEATURE],
  });
}

/** Makes tenants over the API, as an operator would. */
export async function addTenants(stage: Stage, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < count; at += 1) {
    const { id } = await stage.admin.post<{ id: string }>('/v1/admin/tenants', {
      name: `Tenant ${at}`,
      email: `tenant-${at}@example.test`,
    });
    ids.push(id);
  }
  return ids;
}

/** Makes very many tenants, with their entitlements, at once. */
export async function addTenantsBySql(stage: Stage, count: number): Promise<string[]> {
  const { rows } = await stage.sql.query<{ id: string }>(
    `with made as (
       insert into tenants (id, name, email, status, created_at, updated_at)
       select gen_random_uuid(), 'Tenant ' || n, 'tenant-' || n || '@example.test', 'ACTIVE', now(), now()
         from generate_series(1, $1::int) n
       returning id
     ), entitled as (
       insert into tenant_entitlements (tenant_id, source, plan_id, limits, features, updated_at)
       select id, 'free', (select plans.id from plans where slug = 'free'),
              jsonb_build_object($2::text, $3::bigint), array[$4::text], now()
         from made
     )
     select id from made`,
    [count, METRIC, FAR_AWAY, FEATURE],
  );
  await stage.sql.query('analyze tenants, tenant_entitlements');
  return rows.map((row) => row.id);
}
