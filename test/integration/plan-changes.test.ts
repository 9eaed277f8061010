import { startTestService, type TestService } from '../support/service';

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

const limitsOf = async (key: string) =>
  (await service.api('GET', '/v1/billings/subscription', { key })).body.entitlements.limits;

/** All editable fields of a plan, as PUT wants them. */
const edited = (plan: Record<string, unknown>, changes: Record<string, unknown>) => {
  const { name, slug, description, currency, amount, interval, interval_count, limits, features } = plan;
  return {
    name,
    slug,
    description,
    currency,
    amount,
    interval,
    interval_count,
    limits,
    features,
    ...changes,
  };
};

it('a raised limit reaches the subscribers, the free tenants and the add-ons of the plan', async () => {
  const plan = await service.makePlan({ limits: { campaigns: 10 } });
  const addOn = await service.makePlan({ limits: { seats: 5 } });
  const free = await service.makePlan({ amount: 0, limits: { campaigns: 1 } });
  const [subscriber, extended, gratis, stranger] = await Promise.all([
    service.makeTenant(),
    service.makeTenant(),
    service.makeTenant(),
    service.makeTenant(),
  ]);
  await service.subscribe(subscriber!, plan.id);
  await service.subscribe(stranger!, (await service.makePlan({ limits: { campaigns: 7 } })).id);
  const opened = await service.api('POST', '/v1/billings/subscription/checkout', {
    key: extended!.key,
    body: { plan_id: plan.id, items: [{ plan_id: addOn.id, quantity: 2 }] },
  });
  await service.stripe.completeCheckout(opened.body.id, 'success');
  await service.api('POST', '/v1/billings/subscription/checkout', {
    key: gratis!.key,
    body: { plan_id: free.id },
  });
  await service.settle();
  expect(await limitsOf(extended!.key)).toEqual({ campaigns: 10, seats: 10 });

  await service.admin('PUT', `/v1/admin/plans/${plan.id}`, edited(plan, { limits: { campaigns: 25 } }));
  await service.admin('PUT', `/v1/admin/plans/${addOn.id}`, edited(addOn, { limits: { seats: 8 } }));
  await service.admin('PUT', `/v1/admin/plans/${free.id}`, edited(free, { limits: { campaigns: 3 } }));
  await service.until(async () => (await limitsOf(subscriber!.key)).campaigns === 25);
  await service.until(async () => (await limitsOf(extended!.key)).seats === 16);
  await service.until(async () => (await limitsOf(gratis!.key)).campaigns === 3);
  expect(await limitsOf(stranger!.key)).toEqual({ campaigns: 7 });
  const stale = await service.rows('select 1 from tenant_entitlements where is_stale');
  expect(stale).toEqual([]);
});
