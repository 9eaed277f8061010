import { randomUUID } from 'node:crypto';
import type { TenantId } from '../../src/contracts/ids';
import { EntitlementsMemory } from '../../src/modules/entitlements/entitlements-memory';
import { AccessService } from '../../src/modules/limits/access.service';
import type { ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** Trials, and tenants with nothing: where no free plan is configured. */
let service: TestService;
let starter: { id: string };

beforeAll(async () => {
  service = await startTestService({ env: { FREE_PLAN_SLUG: '' } });
  starter = await service.makePlan({
    slug: 'starter',
    amount: 0,
    limits: { campaigns: 2 },
    features: ['reports'],
  });
});
afterAll(() => service.close());

const check = (tenant: TestTenant, metric: string): Promise<ApiAnswer> =>
  service.api('POST', '/v1/billings/limits/check', { key: tenant.key, body: { metric } });
const use = (tenant: TestTenant, metric: string): Promise<ApiAnswer> =>
  service.api('POST', '/v1/billings/usage/events', {
    key: tenant.key,
    body: { event_id: randomUUID(), metric },
  });

async function afterTrial(): Promise<TestTenant> {
  const tenant = await service.makeTenant();
  await service.settle();
  await service.rows(
    `update tenant_entitlements set valid_until = updated_at, version = version + 1 where tenant_id = $1`,
    [tenant.id],
  );
  service.get(EntitlementsMemory).forget(tenant.id as TenantId);
  return tenant;
}

it('a trial allows what its plan gives, and is not refused within it', async () => {
  const tenant = await service.makeTenant();
  for (let time = 0; time < 2; time++) {
    expect((await check(tenant, 'campaigns')).body).toMatchObject({
      allowed: true,
      source: 'trial',
      limit: 2,
    });
    expect((await use(tenant, 'campaigns')).status).toBe(201);
  }
  expect((await use(tenant, 'campaigns')).body.code).toBe('limit_exceeded');
  const { body } = await service.api('GET', '/v1/billings/limits', { key: tenant.key });
  expect(body).toMatchObject({ source: 'trial', plan_id: starter.id, limits: [{ source: 'trial' }] });
});

it('with nothing, nothing is allowed, and use is 402 payment_required', async () => {
  const tenant = await afterTrial();

  const answer = await check(tenant, 'campaigns');
  expect([answer.status, answer.body]).toEqual([
    200,
    expect.objectContaining({
      allowed: false,
      reason: 'no_entitlement',
      source: 'none',
      limit: 0,
      remaining: 0,
    }),
  ]);
  const used = await use(tenant, 'campaigns');
  expect([used.status, used.body.code]).toEqual([402, 'payment_required']);
  expect((await service.api('GET', '/v1/billings/limits', { key: tenant.key })).body).toMatchObject({
    source: 'none',
    plan_id: null,
    limits: [],
  });
  const feature = await service.api('GET', '/v1/billings/access/features/reports', { key: tenant.key });
  expect(feature.body).toMatchObject({ allowed: false, plan_id: null, source: 'none' });
  expect(await service.get(AccessService).getSubscriptionStatus(tenant.id as TenantId)).toBe('canceled');
});

it("with nothing, an operator's number is what there is", async () => {
  const tenant = await afterTrial();
  await service.admin('PUT', `/v1/admin/tenants/${tenant.id}/limit-overrides/campaigns`, {
    limit: 1,
    reason: 'A favour',
  });
  expect((await check(tenant, 'campaigns')).body).toMatchObject({ allowed: true, source: 'override' });
  expect((await use(tenant, 'campaigns')).status).toBe(201);
  const refused = await use(tenant, 'campaigns');
  expect([refused.status, refused.body.code]).toEqual([402, 'limit_exceeded']);
});
