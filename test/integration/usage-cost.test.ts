import type { Answered, ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** What purchases cost; what usage may come to is tried in usage-overview.test.ts, on a clock of its own. */
let service: TestService;

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_DAYS: '0', FREE_PLAN_SLUG: '' } });
});
afterAll(() => service.close());

const costOf = (tenant: TestTenant): Promise<ApiAnswer> =>
  service.api('GET', '/v1/billings/usage/cost', { key: tenant.key });
const usd = (amount: number) => ({ amount, currency: 'usd' });
const flat = (amount: number) => ({
  cost_to_date: usd(amount),
  projected: { method: 'flat_fees', cost: usd(amount), low: usd(amount), high: usd(amount) },
});

describe('the cost', () => {
  it('of nothing has no currency', async () => {
    const { status, body } = await costOf(await service.makeTenant());
    expect([status, body.currency, body.cost_to_date]).toEqual([200, null, null]);
    expect(body).toMatchObject({ is_complete: true, charges: [], metrics: [], pricing_models: [] });
  });

  it('of a purchase is its flat fee, by the month', async () => {
    const tenant = await service.makeTenant();
    const plan = await service.makePlan({ amount: 12_000, interval: 'year', limits: { email_sends: 10 } });
    await service.subscribe(tenant, plan.id);
    const { body } = await costOf(tenant);
    expect(body).toMatchObject({ currency: 'usd', is_complete: true, ...flat(1000) });
    expect(body.charges).toEqual([
      { plan_id: plan.id, name: plan.name, quantity: 1, is_metered: false, ...flat(1000) },
    ]);
    expect(body.pricing_models).toEqual([{ pricing_model: null, ...flat(1000) }]);
  });

  it('says that it is not complete when Stripe prices a part by itself', async () => {
    const tenant = await service.makeTenant();
    const plan = await service.makePlan({ amount: 2900 });
    await service.subscribe(tenant, plan.id);
    // A later event of the same purchase would read the items from Stripe again, which knows nothing of this one.
    await service.settle();
    await service.rows(
      `insert into subscription_items (tenant_id, id, billing_id, stripe_subscription_item_id, product_id, price_id,
         is_metered, created_at)
       select tenant_id, gen_random_uuid(), id, 'si_metered_' || tenant_id, 'prod_x', 'price_x', true, now()
         from billings where tenant_id = $1 and is_live`,
      [tenant.id],
    );
    const { body } = await costOf(tenant);
    expect(body).toMatchObject({ is_complete: false, ...flat(2900) });
    expect(body.charges.find((charge: Answered) => charge.is_metered)).toMatchObject({
      plan_id: null,
      cost_to_date: null,
      projected: { cost: null, low: null, high: null },
    });
  });

  it('of a trial of Stripe is nothing yet', async () => {
    const tenant = await service.makeTenant();
    const plan = await service.makePlan({ amount: 2900, trial_days: 14 });
    await service.subscribe(tenant, plan.id);
    const { body } = await costOf(tenant);
    expect(body).toMatchObject(flat(0));
    expect(body.charges).toMatchObject([{ plan_id: plan.id, ...flat(0) }]);
  });
});
