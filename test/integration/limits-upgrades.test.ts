import { randomUUID } from 'node:crypto';
import { PlansRepository } from '../../src/modules/plans/plans.repository';
import { PlansService } from '../../src/modules/plans/plans.service';
import { EntitlementsRepository } from '../../src/modules/entitlements/entitlements.repository';
import type { ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** What a refused tenant is told about the plans that would help. */
let service: TestService;
const plans: Record<string, { id: string; slug: string; name: string }> = {};

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  const make = async (name: string, fields: Record<string, unknown>): Promise<void> => {
    plans[name] = await service.makePlan({ name, ...fields });
  };
  await make('Free', { slug: 'free', amount: 0, limits: { campaigns: 3, email_sends: 1 } });
  await make('Team', { amount: 4900, limits: { campaigns: 50 } });
  await make('Yearly', { amount: 48_000, interval: 'year', limits: { campaigns: 20 } });
  await make('Pro', { amount: 1900, limits: { campaigns: 10, email_sends: null } });
  await make('Tiny', { amount: 500, limits: { campaigns: 4 } });
  await make('Huge', { amount: 99_900, limits: { campaigns: null } });
  await make('Gone', { amount: 100, limits: { campaigns: 100 } });
  await service.admin('DELETE', `/v1/admin/plans/${plans.Gone!.id}`);
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => service.close());

const makeTenant = (): Promise<TestTenant> => service.makeTenant();
const use = (tenant: TestTenant, metric: string, quantity: number | string): Promise<ApiAnswer> =>
  service.api('POST', '/v1/billings/usage/events', {
    key: tenant.key,
    body: { event_id: randomUUID(), metric, quantity },
  });
const suggested = async (tenant: TestTenant, metric: string, quantity: number): Promise<string[]> => {
  const refused = await use(tenant, metric, quantity);
  expect([refused.status, refused.body.code]).toEqual([402, 'limit_exceeded']);
  return refused.body.upgrade_suggestions.map(({ name }: { name: string }) => name);
};

describe('a refusal suggests', () => {
  it('the three cheapest plans per month that have room for it, each with its price and where to buy it', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'campaigns', 3);

    const refused = await use(tenant, 'campaigns', 2);

    expect(refused.body.upgrade_suggestions).toEqual([
      {
        plan_id: plans.Pro!.id,
        name: 'Pro',
        limit: 10,
        amount: 1900,
        currency: 'usd',
        interval: 'month',
        checkout_url: `http://billing.test/pricing?plan=${plans.Pro!.slug}`,
      },
      expect.objectContaining({ name: 'Yearly', limit: 20, amount: 48_000, interval: 'year' }),
      expect.objectContaining({ name: 'Team', limit: 50 }),
    ]);
    expect(refused.body.billing_portal_url).toBe('http://billing.test/portal');
  });

  it('plans with room for what is used and reserved besides', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'campaigns', 1);
    const held = { metric: 'campaigns', quantity: 2 };
    await service.api('POST', '/v1/billings/usage/reservations', { key: tenant.key, body: held });

    expect(await suggested(tenant, 'campaigns', 1)).toEqual(['Tiny', 'Pro', 'Yearly']);
    expect(await suggested(tenant, 'campaigns', 2)).toEqual(['Pro', 'Yearly', 'Team']);
    expect(await suggested(tenant, 'campaigns', 40)).toEqual(['Team', 'Huge']);
    expect(await suggested(tenant, 'campaigns', 1_000_000)).toEqual(['Huge']);
    expect(await suggested(tenant, 'email_sends', 2)).toEqual(['Pro']);
  });

  it("a tenant's own plan to that tenant alone, and never the plan it is on", async () => {
    const [tenant, other] = [await makeTenant(), await makeTenant()];
    const own = { tenant_id: tenant.id, name: 'Own', amount: 300, limits: { campaigns: 5 } };
    const ownPlan = await service.makePlan(own);
    expect((await suggested(tenant, 'campaigns', 4))[0]).toBe('Own');
    expect((await suggested(other, 'campaigns', 4))[0]).toBe('Tiny');

    await service.subscribe(tenant, ownPlan.id);
    await service.settle();
    expect(await suggested(tenant, 'campaigns', 6)).toEqual(['Pro', 'Yearly', 'Team']);
  });

  it('plans in the currency that the tenant pays in before others', async () => {
    const tenant = await makeTenant();
    const euro = { currency: 'eur', tenant_id: tenant.id };
    const base = await service.makePlan({ ...euro, name: 'Basis', limits: { campaigns: 4 }, amount: 100 });
    await service.makePlan({ ...euro, name: 'Voll', limits: { campaigns: 9 }, amount: 9000 });
    await service.subscribe(tenant, base.id);
    await service.settle();

    expect(await suggested(tenant, 'campaigns', 5)).toEqual(['Voll', 'Pro', 'Yearly']);
  });

  it("nothing while an operator's number stands, which no plan would change", async () => {
    const tenant = await makeTenant();
    const body = { limit: 2, reason: 'Agreed' };
    await service.admin('PUT', `/v1/admin/tenants/${tenant.id}/limit-overrides/campaigns`, body);
    expect(await suggested(tenant, 'campaigns', 3)).toEqual([]);
  });
});

describe('a flood of refusals', () => {
  it('asks for plans once, not once each', async () => {
    const tenant = await makeTenant();
    await use(tenant, 'campaigns', 3);
    await suggested(tenant, 'campaigns', 5);
    const asked = jest.spyOn(service.get(PlansService), 'findForTenant');
    const read = jest.spyOn(service.get(PlansRepository), 'findForTenant');
    const entitlements = jest.spyOn(service.get(EntitlementsRepository), 'readAcrossTenants');

    const answers = await Promise.all(Array.from({ length: 300 }, () => use(tenant, 'campaigns', 5)));

    expect(answers.every(({ body }) => body.upgrade_suggestions.length === 3)).toBe(true);
    // Remembered for a second; on a slow machine the 300 may take more than one.
    expect(asked.mock.calls.length).toBeLessThan(10);
    expect(read).not.toHaveBeenCalled();
    expect(entitlements).not.toHaveBeenCalled();
  });

  it('is refused all the same when nobody can say which plans there are', async () => {
    const tenant = await makeTenant();
    jest.spyOn(service.get(PlansService), 'findForTenant').mockRejectedValue(new Error('away'));
    expect(await suggested(tenant, 'campaigns', 5)).toEqual([]);
  });
});
