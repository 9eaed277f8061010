import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { PlanSyncRuns } from '../../src/modules/plans/plan-sync-runs';
import { PlanSyncJobs } from '../../src/modules/plans/plan-sync.jobs';
import { PlansService } from '../../src/modules/plans/plans.service';
import { CatalogGateway } from '../../src/stripe/catalog-gateway';
import type { Answered } from '../support/api';
import { startTestService, type TestService } from '../support/service';

describe('the Stripe plan sync', () => {
  let service: TestService;
  let stripe: Stripe;

  beforeAll(async () => {
    service = await startTestService();
    const { hostname, port } = new URL(service.stripe.url);
    stripe = new Stripe(service.stripe.secretKey, { host: hostname, port, protocol: 'http' });
    // The hourly slot of now runs when the service starts.
    await service.until(async () => {
      const { body } = await service.api('GET', '/v1/admin/plans/sync', { key: service.adminKey });
      return body.status === 'succeeded' && body.trigger === 'scheduled';
    });
  });
  afterAll(() => service.close());
  afterEach(() => service.stripeIsBack());

  /** Asks for a run and waits for its end. */
  async function sync(): Promise<Answered> {
    const asked = await service.api('POST', '/v1/admin/plans/sync', { key: service.adminKey });
    expect(asked.status).toBe(202);
    return service.until(async () => {
      const run = await service.admin('GET', '/v1/admin/plans/sync');
      const ended = run.status === 'succeeded' || run.status === 'failed';
      return run.id === asked.body.id && ended ? run : null;
    });
  }

  const planAt = (price: Stripe.Price) =>
    service.get(PlansService).findByStripePrice(price.id as Parameters<PlansService['findByStripePrice']>[0]);

  async function offer(
    product: Stripe.ProductCreateParams,
    price: Partial<Stripe.PriceCreateParams> = {},
  ): Promise<{ product: Stripe.Product; price: Stripe.Price }> {
    const made = await stripe.products.create(product);
    return {
      product: made,
      price: await stripe.prices.create({
        product: made.id,
        currency: 'eur',
        unit_amount: 4200,
        recurring: { interval: 'month' },
        ...price,
      }),
    };
  }

  it('makes a plan of a price, with everything that product and price say', async () => {
    const { product, price } = await offer(
      {
        name: 'Gold Plan',
        description: 'All that glitters',
        metadata: { limit_seats: '25', limit_campaigns: '7', features: 'Reports, sso', family: 'gold' },
      },
      {
        metadata: {
          limit_seats: '30',
          limit_email_sends: 'unlimited',
          rate_limit: '{"per_second":5,"burst":10}',
          popular: 'true',
        },
      },
    );
    const run = await sync();
    expect(run).toMatchObject({ status: 'succeeded', trigger: 'manual', error: null });
    expect(run.report).toMatchObject({ trigger: 'manual', created: 1, errors: [] });
    expect(run.report.duration_ms).toBeGreaterThanOrEqual(0);
    expect(await planAt(price)).toMatchObject({
      name: 'Gold Plan',
      slug: 'gold-plan-monthly',
      description: 'All that glitters',
      currency: 'eur',
      amount: 4200,
      interval: 'month',
      intervalCount: 1,
      stripeProductId: product.id,
      limits: { seats: 30, campaigns: 7, email_sends: null },
      features: ['reports', 'sso'],
      rateLimit: { per_second: 5, burst: 10, per_day: null },
      metadata: { family: 'gold', popular: 'true' },
      tenantId: null,
      isActive: true,
    });
  });

  it('finds nothing to do the second time', async () => {
    await offer(
      { name: 'Silver', marketing_features: [{ name: 'Priority support' }] },
      { lookup_key: 'silver' },
    );
    await sync();
    const rows = () => service.rows('select * from plans order by id');
    const [before, events] = [await rows(), await service.rows('select id from outbox')];
    const { report } = await sync();
    expect(report).toMatchObject({ created: 0, updated: 0, deactivated: 0, errors: [] });
    expect(report.unchanged).toBeGreaterThan(0);
    expect(await rows()).toEqual(before);
    expect(await service.rows('select id from outbox')).toEqual(events);
    const silver = await service.get(PlansService).findBySlug('silver');
    expect(silver?.features).toEqual(['priority_support']);
  });

  it('changes nothing of plans made here, with and without Stripe', async () => {
    const tenant = await service.makeTenant();
    const plans = [
      await service.makePlan({ amount: 0 }),
      await service.makePlan({
        description: 'Everything',
        limits: { seats: 3, campaigns: null, api_calls: 0 },
        limit_grace: { seats: 12.5, api_calls: 0 },
        features: Array.from({ length: 60 }, (_, index) => `a_rather_long_feature_name_${index}`),
        rate_limit: { per_second: 3, burst: null, per_day: 1000 },
        metadata: { popular: 'true', family: 'f', note: 'ü'.repeat(500) },
        trial_days: 7,
        sort_order: 9,
      }),
      await service.makePlan({ tenant_id: tenant.id, manual_invoicing: true, days_until_due: 14 }),
      await service.makePlan({ amount: 100, features: [], limits: {} }),
    ];
    const { amount: _amount, ...changed } = plans[3];
    delete changed.stripe_price_id;
    await service.admin('PUT', `/v1/admin/plans/${plans[3].id}`, {
      name: changed.name,
      slug: changed.slug,
      currency: 'usd',
      amount: 200,
      interval: 'year',
    });
    const read = () => Promise.all(plans.map((plan) => service.admin('GET', `/v1/admin/plans/${plan.id}`)));
    const before = await read();
    const { report } = await sync();
    expect(report).toMatchObject({ created: 0, updated: 0, deactivated: 0, errors: [] });
    expect(await read()).toEqual(before);
    // The price that the last plan was sold at before is known as such.
    expect(report.skipped).toContainEqual({ price_id: plans[3].stripe_price_id, reason: 'superseded' });
  });

  it('takes over what changed in Stripe, tells it, and shows it at once', async () => {
    const plan = await service.makePlan({ limits: { seats: 5, campaigns: 5 } });
    expect((await service.api('GET', `/v1/plans/${plan.id}`)).body.limits.seats).toBe(5);
    await stripe.products.update(plan.stripe_product_id, {
      name: 'Renamed in Stripe',
      metadata: { limit_seats: '99' },
    });
    const { report } = await sync();
    expect(report).toMatchObject({ updated: 1, created: 0 });
    const shown = await service.api('GET', `/v1/plans/${plan.id}`);
    expect(shown.body).toMatchObject({ name: 'Renamed in Stripe', limits: { seats: 99, campaigns: 5 } });
    const [event] = await service.rows<{ previous: object }>(
      `select previous from outbox where aggregate_id = $1 order by id desc limit 1`,
      [plan.id],
    );
    expect(event!.previous).toMatchObject({ name: plan.name, limits: { seats: 5 } });
  });

  it('takes plans off the shelf whose price or product is archived, and back when it returns', async () => {
    const byPrice = await service.makePlan();
    const byProduct = await service.makePlan();
    await stripe.prices.update(byPrice.stripe_price_id, { active: false });
    await stripe.products.update(byProduct.stripe_product_id, { active: false });
    expect((await sync()).report).toMatchObject({ deactivated: 2, created: 0 });
    for (const plan of [byPrice, byProduct])
      expect((await service.api('GET', `/v1/plans/${plan.id}`)).status).toBe(404);

    await stripe.prices.update(byPrice.stripe_price_id, { active: true });
    expect((await sync()).report).toMatchObject({ deactivated: 0, updated: 1 });
    expect((await service.api('GET', `/v1/plans/${byPrice.id}`)).status).toBe(200);
  });

  it('skips what cannot be a plan, each with its reason', async () => {
    const product = (await stripe.products.create({ name: 'Odd prices' })).id;
    const meter = await stripe.billing.meters.create({
      display_name: 'Calls',
      event_name: 'calls',
      default_aggregation: { formula: 'sum' },
    });
    const recurring = { interval: 'month' } as const;
    const odd: [Stripe.PriceCreateParams, string][] = [
      [{ product, currency: 'usd', unit_amount: 5 }, 'one_time'],
      [
        {
          product,
          currency: 'usd',
          unit_amount: 5,
          recurring: { ...recurring, usage_type: 'metered', meter: meter.id },
        },
        'metered',
      ],
      [
        {
          product,
          currency: 'usd',
          recurring,
          billing_scheme: 'tiered',
          tiers_mode: 'graduated',
          tiers: [{ up_to: 'inf', unit_amount: 5 }],
        },
        'tiered',
      ],
      [{ product, currency: 'usd', unit_amount: 5, recurring: { interval: 'week' } }, 'unsupported_interval'],
      [{ product, currency: 'usd', unit_amount: 5, recurring: { interval: 'day' } }, 'unsupported_interval'],
      [
        { product, currency: 'usd', unit_amount_decimal: Stripe.Decimal.from('0.5'), recurring },
        'decimal_amount',
      ],
      [{ product, currency: 'usd', unit_amount: 5, recurring, metadata: { plan: 'false' } }, 'reserved'],
      [{ product, currency: 'usd', unit_amount: 5, recurring, active: false }, 'archived'],
      [
        {
          product,
          currency: 'usd',
          unit_amount: 5,
          recurring,
          transform_quantity: { divide_by: 10, round: 'up' },
        },
        'transformed_quantity',
      ],
      [
        {
          product,
          currency: 'usd',
          unit_amount: 5,
          recurring,
          metadata: { tenant_id: '0190a5b0-0000-7000-8000-000000000000' },
        },
        'unknown_tenant',
      ],
    ];
    const made = [];
    for (const [price, reason] of odd)
      made.push({ price_id: (await stripe.prices.create(price)).id, reason });
    const { report } = await sync();
    expect(report.created).toBe(0);
    for (const skip of made) expect(report.skipped).toContainEqual(skip);
  });

  it('reports metadata that makes no sense, and takes over the rest', async () => {
    const { price } = await offer({
      name: 'Typos',
      metadata: {
        limit_seats: 'ten',
        limit_unicorns: '5',
        limit_campaigns: '4',
        rate_limit: 'fast',
        limits_grace: '{"seats":-1}',
      },
    });
    const { report } = await sync();
    expect(report.errors).toEqual(
      expect.arrayContaining([
        { price_id: price.id, code: 'invalid_value', field: 'limit_seats' },
        { price_id: price.id, code: 'unknown_metric', field: 'limit_unicorns' },
        { price_id: price.id, code: 'invalid_value', field: 'rate_limit' },
        { price_id: price.id, code: 'invalid_value', field: 'limits_grace' },
      ]),
    );
    expect(await planAt(price)).toMatchObject({ limits: { campaigns: 4 }, rateLimit: null });
    await stripe.prices.update(price.id, { active: false });
  });

  it('gives a tenant the plan that Stripe says is its own, and nobody else', async () => {
    const [owner, stranger] = [await service.makeTenant(), await service.makeTenant()];
    const { price } = await offer({ name: 'Made for one', metadata: { tenant_id: owner.id } });
    await sync();
    const plan = await planAt(price);
    expect(plan?.tenantId).toBe(owner.id);
    const status = async (key?: string) =>
      (await service.api('GET', `/v1/plans/${plan!.id}`, { key })).status;
    expect([await status(owner.key), await status(stranger.key), await status()]).toEqual([200, 404, 404]);

    await stripe.products.update(price.product as string, { metadata: { tenant_id: stranger.id } });
    const { report } = await sync();
    expect(report.skipped).toContainEqual({ price_id: price.id, reason: 'tenant_changed' });
    expect((await planAt(price))?.tenantId).toBe(owner.id);
    await stripe.products.update(price.product as string, { metadata: { tenant_id: '' } });
    await sync();
    // What Stripe no longer says does not make an enterprise plan public.
    expect((await planAt(price))?.tenantId).toBe(owner.id);
  });

  it('gives slugs that are free', async () => {
    const first = await offer({ name: 'Same name!' });
    const second = await offer({ name: 'Same name!' });
    const yearly = await offer({ name: 'Same name!' }, { recurring: { interval: 'year' } });
    await sync();
    const slugs = await Promise.all(
      [first, second, yearly].map(async ({ price }) => (await planAt(price))?.slug),
    );
    expect(slugs.sort()).toEqual(['same-name-monthly', 'same-name-monthly-2', 'same-name-yearly']);
  });

  it('pulls more than a page', async () => {
    const product = (await stripe.products.create({ name: 'Many' })).id;
    for (let count = 0; count < 101; count += 1)
      await stripe.prices.create({ product, currency: 'usd', unit_amount: 5, metadata: { plan: 'false' } });
    const { report } = await sync();
    expect(report.pulled.prices).toBe(service.stripe.objects('price').length);
    expect(report.pulled.prices).toBeGreaterThan(100);
  });

  it('repairs a plan that was told to Stripe but never recorded', async () => {
    const plan = await service.makePlan({ limits: { seats: 8 } });
    await service.rows('delete from plans where id = $1', [plan.id]);
    await sync();
    expect(await service.admin('GET', `/v1/admin/plans/${plan.id}`)).toMatchObject({
      slug: plan.slug,
      amount: plan.amount,
      limits: { seats: 8 },
      features: plan.features,
    });
  });

  it('archives a former price that was left on sale', async () => {
    const plan = await service.makePlan({ amount: 700 });
    const { name, slug } = plan;
    const change = { name, slug, currency: 'usd', amount: 900, interval: 'month' };
    await service.admin('PUT', `/v1/admin/plans/${plan.id}`, change);
    await stripe.prices.update(plan.stripe_price_id, { active: true });
    await sync();
    expect(service.stripe.object('price', plan.stripe_price_id)).toMatchObject({ active: false });
  });

  it('answers the waiting run to all who ask meanwhile, and runs one at a time', async () => {
    const asked = await Promise.all(
      Array.from({ length: 5 }, () => service.admin('POST', '/v1/admin/plans/sync')),
    );
    const ids = new Set(asked.map((run) => run.id));
    const run = await service.until(async () => {
      const last = await service.admin('GET', '/v1/admin/plans/sync');
      return last.status === 'succeeded' ? last : null;
    });
    expect(ids.has(run.id)).toBe(true);
    const open = await service.rows(`select id from plan_sync_runs where status in ('queued', 'running')`);
    expect(open).toEqual([]);
    expect(ids.size).toBe(1);
  });

  it('does not start a second time while one runs', async () => {
    const runs = service.get(PlanSyncRuns);
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let started = 0;
    const slow = async (): Promise<never> => {
      started += 1;
      await held;
      throw new Error('enough');
    };
    const first = runs.carryOut(null, slow).catch((error: Error) => error.message);
    await service.until(async () => started === 1);
    await runs.carryOut(null, slow);
    const { id, status } = await service.admin('POST', '/v1/admin/plans/sync');
    expect([started, status]).toEqual([1, 'running']);
    release!();
    expect(await first).toBe('enough');
    expect(await service.admin('GET', '/v1/admin/plans/sync')).toMatchObject({
      id,
      status: 'failed',
      error: 'internal',
    });
  });

  it('takes the place of a run whose process died', async () => {
    await service.rows(
      `insert into plan_sync_runs (id, status, trigger, requested_at, started_at)
       values (gen_random_uuid(), 'running', 'scheduled', now(), now())`,
    );
    expect(await sync()).toMatchObject({ status: 'succeeded' });
    const dead = await service.rows(`select error from plan_sync_runs where error = 'interrupted'`);
    expect(dead).toHaveLength(1);
  });

  it('takes up a run that Redis has lost, within seconds', async () => {
    const id = randomUUID();
    await service.rows(
      `insert into plan_sync_runs (id, status, trigger, requested_at)
       values ($1, 'queued', 'manual', now() - interval '1 minute')`,
      [id],
    );
    const done = await service.until(async () => {
      const [run] = await service.rows<{ status: string }>(
        'select status from plan_sync_runs where id = $1',
        [id],
      );
      return run?.status === 'succeeded' && run;
    }, 20_000);
    expect(done.status).toBe('succeeded');
  });

  it('says that it failed while Stripe is away, and takes down nothing', async () => {
    const plan = await service.makePlan();
    service.stripe.setFaults({ outage: true });
    const run = await sync();
    expect(run).toMatchObject({ status: 'failed', error: 'stripe_unavailable', report: null });
    expect((await service.admin('GET', `/v1/admin/plans/${plan.id}`)).is_active).toBe(true);
  });

  it('writes each run into the audit log', async () => {
    const run = await sync();
    const actions = await service.rows<{ action: string }>(
      `select action from audit_logs where target_id = $1 order by sequence`,
      [run.id],
    );
    expect(actions.map(({ action }) => action)).toEqual(['PLAN_SYNC_STARTED', 'PLAN_SYNCED']);
  });
});

describe('the Stripe plan sync, without background work', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService({ env: { ROLE: 'api' } });
  });
  afterAll(() => service.close());

  it('has no report before its first run, then the run that waits', async () => {
    const before = await service.api('GET', '/v1/admin/plans/sync', { key: service.adminKey });
    expect([before.status, before.body.code]).toEqual([404, 'not_found']);
    const asked = await service.admin('POST', '/v1/admin/plans/sync');
    expect(asked).toMatchObject({ status: 'queued', trigger: 'manual', started_at: null, report: null });
    expect(await service.admin('GET', '/v1/admin/plans/sync')).toEqual(asked);
    // The hourly run takes one that waits, whose pointer Redis may have lost.
    await service.get(PlanSyncJobs).pull({});
    expect(await service.admin('GET', '/v1/admin/plans/sync')).toMatchObject({
      id: asked.id,
      status: 'succeeded',
    });
    await service.get(PlanSyncJobs).pull({ run_id: asked.id });
    expect(await service.rows('select id from plan_sync_runs')).toHaveLength(1);
  });

  it('takes plans off the shelf whose price and product Stripe no longer has, and no others', async () => {
    const free = await service.makePlan({ amount: 0 });
    const gone = [await service.makePlan(), await service.makePlan()];
    service.stripe.reset();
    const kept = await service.makePlan();
    await service.get(PlanSyncJobs).pull({});
    const { report } = await service.admin('GET', '/v1/admin/plans/sync');
    expect(report).toMatchObject({ pulled: { products: 1, prices: 1 }, deactivated: 2, unchanged: 1 });
    const isActive = async ({ id }: { id: string }): Promise<boolean> =>
      (await service.admin('GET', `/v1/admin/plans/${id}`)).is_active;
    expect(await Promise.all([free, ...gone, kept].map(isActive))).toEqual([true, false, false, true]);
  });

  it('never overwrites a change that an operator makes meanwhile', async () => {
    const plan = await service.makePlan({ limits: { seats: 1 } });
    const gateway = service.get(CatalogGateway);
    const products = gateway.products.bind(gateway);
    jest.spyOn(gateway, 'products').mockImplementationOnce(async () => {
      const old = await products();
      const { name, slug, currency, amount, interval } = plan;
      await service.admin('PUT', `/v1/admin/plans/${plan.id}`, {
        ...{ name, slug, currency, amount, interval },
        limits: { seats: 2 },
      });
      return old.map((product) =>
        product.id === plan.stripe_product_id
          ? { ...product, metadata: { ...product.metadata, limit_seats: '77' } }
          : product,
      );
    });
    await service.get(PlanSyncJobs).pull({});
    const { report } = await service.admin('GET', '/v1/admin/plans/sync');
    expect(report.skipped).toContainEqual({ price_id: plan.stripe_price_id, reason: 'changed_meanwhile' });
    expect((await service.admin('GET', `/v1/admin/plans/${plan.id}`)).limits).toEqual({ seats: 2 });
  });
});
