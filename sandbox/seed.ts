/** Puts the demo company into a new service through its own API; a second time it changes nothing. */
import { join } from 'node:path';
import { ServiceApi, Refused } from './service-api';
import { DEMO_PLANS, DEMO_TENANTS, type DemoPlan, type DemoTenant, ENTERPRISE_PLAN } from './demo-company';
import { readJson, writeJson } from './json-file';

export interface Seeded {
  readonly service_key: string;
  readonly tenants: SeededTenant[];
}

export interface SeededTenant {
  readonly id: string;
  readonly name: string;
  /** Slug of the plan whose limits are in force; null when the service names none. */
  readonly plan: string | null;
  readonly key: string;
}

/** Keys by owner: a tenant's id, or `service`. A key is shown once, so it is kept here. */
type KeptKeys = Record<string, string>;

interface Plan {
  readonly id: string;
  readonly slug: string;
}

interface Tenant {
  readonly id: string;
  readonly name: string;
}

/**
 * Seeds what is missing and answers the keys to use; keys are remembered in `seed.json`.
 * @throws Refused when the service does not take the demo company
 */
export async function seed(url: string, adminKey: string, folder: string): Promise<Seeded> {
  const api = new ServiceApi(url, adminKey);
  const file = join(folder, 'seed.json');
  const keys = readJson<KeptKeys>(file) ?? {};
  const [plans, tenants] = await Promise.all([
    api.all<Plan>('/v1/admin/plans'),
    api.all<Tenant>('/v1/admin/tenants'),
  ]);
  const slugs = new Set(plans.map((plan) => plan.slug));

  // Plans first: a new tenant starts its trial on one of them.
  for (const plan of DEMO_PLANS) if (!slugs.has(plan.slug)) await addPlan(api, plan);
  const ensured: Tenant[] = [];
  for (const demo of DEMO_TENANTS) {
    const tenant = tenants.find(({ name }) => name === demo.name) ?? (await addTenant(api, demo));
    if (demo.enterprise && !slugs.has(ENTERPRISE_PLAN.slug))
      await addPlan(api, { ...ENTERPRISE_PLAN, tenant_id: tenant.id });
    ensured.push(tenant);
  }

  const keep = async (owner: string, body: Record<string, unknown>): Promise<string> => {
    const kept = keys[owner];
    if (kept && (await isAccepted(url, kept))) return kept;
    const issued = await api.post<{ secret: string }>('/v1/api-keys', body);
    keys[owner] = issued.secret;
    // At once: a key that is lost before it is written down would be issued again at the next start.
    writeJson(file, keys);
    return issued.secret;
  };
  const service_key = await keep('service', { kind: 'service', name: 'Demo back end' });
  const seeded: SeededTenant[] = [];
  for (const tenant of ensured) {
    const key = await keep(tenant.id, { kind: 'tenant', tenant_id: tenant.id, name: `${tenant.name} demo` });
    seeded.push({ id: tenant.id, name: tenant.name, plan: await planOf(url, key), key });
  }
  return { service_key, tenants: seeded };
}

function addPlan(api: ServiceApi, plan: DemoPlan & { tenant_id?: string }): Promise<unknown> {
  return api.post('/v1/admin/plans', plan);
}

function addTenant(api: ServiceApi, tenant: DemoTenant): Promise<Tenant> {
  return api.post<Tenant>('/v1/admin/tenants', { name: tenant.name, email: tenant.email, locale: 'en' });
}

/** A kept key may belong to a database that was thrown away since. */
async function isAccepted(url: string, key: string): Promise<boolean> {
  try {
    await new ServiceApi(url, key).get('/v1/api-keys/me');
    return true;
  } catch (error) {
    // Anything but "who are you?" means that the key was recognised.
    if (error instanceof Refused) return error.status !== 401;
    throw error;
  }
}

/** What the service itself says the tenant is on: a trial's plan at first, whatever it bought later. */
async function planOf(url: string, tenantKey: string): Promise<string | null> {
  const tenant = new ServiceApi(url, tenantKey);
  const subscription = await tenant.get<{ plan: { slug: string } | null }>('/v1/billings/subscription');
  return subscription.plan?.slug ?? null;
}
