import { PlanRecorder } from '../../src/modules/plans/plan-recorder';
import { PlansService } from '../../src/modules/plans/plans.service';
import { startTestService, type TestService } from '../support/service';

/** The whole of what an operator may say of a plan. */
const PRO = {
  name: 'Pro',
  slug: 'pro-monthly',
  description: 'For growing teams',
  currency: 'usd',
  amount: 9900,
  interval: 'month',
  interval_count: 1,
  limits: { campaigns: 50, seats: 10, email_sends: null },
  limit_grace: { campaigns: 10, seats: 12.5 },
  features: ['reports', 'sso'],
  rate_limit: { per_second: 50, burst: 100, per_day: null },
  trial_days: 14,
  sort_order: 3,
  metadata: { popular: 'true', family: 'pro' },
};

describe('plans, for operators', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.close());

  const api = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    service.api(method, path, { key: service.adminKey, body, headers });
  const slug = () => `plan-${Math.random().toString(36).slice(2, 12)}`;

  it('creates a paid plan with its product and price in Stripe, and gives every field back', async () => {
    const created = await api('POST', '/v1/admin/plans', PRO);

    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      ...PRO,
      tenant_id: null,
      manual_invoicing: false,
      days_until_due: null,
      is_active: true,
      version: 1,
    });
    expect(service.stripe.object('product', created.body.stripe_product_id)).toMatchObject({
      name: 'Pro',
      description: 'For growing teams',
      active: true,
      metadata: {
        plan_id: created.body.id,
        limit_campaigns: '50',
        limit_email_sends: 'unlimited',
        limits_grace: '{"campaigns":10,"seats":12.5}',
        features: 'reports,sso',
        popular: 'true',
      },
    });
    expect(service.stripe.object('price', created.body.stripe_price_id)).toMatchObject({
      currency: 'usd',
      unit_amount: 9900,
      recurring: { interval: 'month', interval_count: 1, usage_type: 'licensed' },
      metadata: { plan_id: created.body.id },
    });
    const read = await api('GET', `/v1/admin/plans/${created.body.id}`);
    expect(read.body).toEqual(created.body);
  });

  it('creates nothing in Stripe for a free plan', async () => {
    const before = service.stripe.objects('product').length;
    const plan = await service.makePlan({ amount: 0 });
    expect(plan).toMatchObject({ stripe_product_id: null, stripe_price_id: null });
    expect(service.stripe.objects('product')).toHaveLength(before);
  });

  it('records row, audit entry and event together', async () => {
    const plan = await service.makePlan();
    const [audit] = await service.rows(
      `select action, after from audit_logs where target_id = $1 order by sequence`,
      [plan.id],
    );
    expect(audit).toMatchObject({ action: 'PLAN_CREATED', after: { slug: plan.slug, version: 1 } });
    const events = await service.rows(`select type, data, previous from outbox where aggregate_id = $1`, [
      plan.id,
    ]);
    expect(events).toEqual([{ type: 'plan.updated', data: plan, previous: null }]);
  });

  it('answers one Idempotency-Key once, and a repeated wish with 409', async () => {
    const body = { ...PRO, slug: slug() };
    const headers = { 'idempotency-key': slug() };
    const first = await api('POST', '/v1/admin/plans', body, headers);
    const again = await api('POST', '/v1/admin/plans', body, headers);
    expect(again.text).toBe(first.text);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const repeated = await api('POST', '/v1/admin/plans', body);
    expect([repeated.status, repeated.body.code]).toEqual([409, 'already_exists']);
  });

  it('lets one of many simultaneous wishes for a slug through, with one product in Stripe', async () => {
    const wished = slug();
    const wish = (amount: number) => api('POST', '/v1/admin/plans', { ...PRO, slug: wished, amount });
    const answers = await Promise.all([100, 200, 300, 400, 500].map(wish));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    const products = service.stripe
      .objects('product')
      .filter((product) => (product as { metadata: Record<string, string> }).metadata.plan_slug === wished);
    expect(products).toHaveLength(1);
  });

  it('changes what can be changed in place, and tells Stripe', async () => {
    const plan = await service.makePlan({ limits: { campaigns: 5, seats: 2 }, metadata: { tier: 'one' } });
    const changed = await api('PUT', `/v1/admin/plans/${plan.id}`, {
      ...fieldsOf(plan),
      name: 'Better',
      limits: { campaigns: 7 },
      features: [],
      metadata: { popular: 'true' },
    });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({
      name: 'Better',
      limits: { campaigns: 7 },
      features: [],
      metadata: { popular: 'true' },
      stripe_price_id: plan.stripe_price_id,
      version: 2,
    });
    const product = service.stripe.object('product', plan.stripe_product_id) as Record<string, unknown>;
    expect(product.name).toBe('Better');
    expect(product.metadata).toMatchObject({ limit_campaigns: '7', features: '[]', popular: 'true' });
    expect(product.metadata).not.toHaveProperty('limit_seats');
    expect(product.metadata).not.toHaveProperty('tier');
    const [event] = await service.rows<{ previous: object }>(
      `select previous from outbox where aggregate_id = $1 order by id desc limit 1`,
      [plan.id],
    );
    expect(Object.keys(event!.previous).sort()).toEqual(
      ['features', 'limits', 'metadata', 'name', 'updated_at', 'version'].sort(),
    );
  });

  it('makes another price for another amount, archives the old one, and still knows it', async () => {
    const plan = await service.makePlan({ amount: 1000 });
    const changed = await api('PUT', `/v1/admin/plans/${plan.id}`, { ...fieldsOf(plan), amount: 2000 });
    expect(changed.status).toBe(200);
    expect(changed.body.stripe_price_id).not.toBe(plan.stripe_price_id);
    expect(changed.body.stripe_product_id).toBe(plan.stripe_product_id);
    expect(changed.body.metadata).toEqual({});
    expect(service.stripe.object('price', plan.stripe_price_id)).toMatchObject({ active: false });
    expect(service.stripe.object('price', changed.body.stripe_price_id)).toMatchObject({
      active: true,
      unit_amount: 2000,
    });
    const byFormerPrice = await service.get(PlansService).findByStripePrice(plan.stripe_price_id);
    expect(byFormerPrice).toMatchObject({ id: plan.id, amount: 2000 });
  });

  it('keeps subscribers on their price, and refuses to migrate them', async () => {
    const plan = await service.makePlan({ amount: 1000 });
    const tenant = await service.makeTenant();
    await service.subscribe(tenant, plan.id);
    const migrate = { ...fieldsOf(plan), amount: 2000, migrate: true };
    const refused = await api('PUT', `/v1/admin/plans/${plan.id}`, migrate);
    expect([refused.status, refused.body.code]).toEqual([409, 'state_conflict']);
    expect(service.stripe.object('price', plan.stripe_price_id)).toMatchObject({ active: true });

    const changed = await api('PUT', `/v1/admin/plans/${plan.id}`, { ...fieldsOf(plan), amount: 2000 });
    expect(changed.status).toBe(200);
    const { body } = await service.api('GET', '/v1/billings/subscription', { key: tenant.key });
    expect(body).toMatchObject({ status: 'ACTIVE', plan: { id: plan.id } });
  });

  it('moves nobody with migrate when nobody is on the plan', async () => {
    const plan = await service.makePlan({ amount: 1000 });
    const body = { ...fieldsOf(plan), amount: 2000, migrate: true };
    expect((await api('PUT', `/v1/admin/plans/${plan.id}`, body)).status).toBe(200);
  });

  it('refuses a change made from an older version', async () => {
    const plan = await service.makePlan();
    const put = (name: string) =>
      api('PUT', `/v1/admin/plans/${plan.id}`, { ...fieldsOf(plan), name, version: 1 });
    const answers = await Promise.all([put('One'), put('Two')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('turns a free plan into a paid one, and back', async () => {
    const plan = await service.makePlan({ amount: 0 });
    const paid = await api('PUT', `/v1/admin/plans/${plan.id}`, { ...fieldsOf(plan), amount: 500 });
    expect(service.stripe.object('price', paid.body.stripe_price_id)).toMatchObject({ unit_amount: 500 });
    const free = await api('PUT', `/v1/admin/plans/${plan.id}`, { ...fieldsOf(plan), amount: 0 });
    expect(free.body).toMatchObject({ stripe_price_id: null, stripe_product_id: null });
    expect(service.stripe.object('product', paid.body.stripe_product_id)).toMatchObject({ active: false });
    expect(service.stripe.object('price', paid.body.stripe_price_id)).toMatchObject({ active: false });
  });

  describe('with Stripe away', () => {
    afterEach(() => service.stripeIsBack());

    it('creates nothing, and the retry makes one product and one price', async () => {
      const body = { ...PRO, slug: slug() };
      service.stripe.setFaults({ outage: true });
      const refused = await api('POST', '/v1/admin/plans', body);
      expect([refused.status, refused.body.code]).toEqual([503, 'stripe_unavailable']);
      expect(await service.rows(`select id from plans where slug = $1`, [body.slug])).toEqual([]);

      // Executed by Stripe, but every first answer is lost on its way.
      service.stripe.setFaults({ cut_after_execute: 1 });
      expect((await api('POST', '/v1/admin/plans', body)).status).toBe(201);
      expect(madeFor(body.slug)).toEqual([1, 1]);
    });

    it('finds what it told Stripe before it died, when the wish is repeated', async () => {
      const body = { ...PRO, slug: slug() };
      const record = jest.spyOn(service.get(PlanRecorder), 'recordNewAcrossTenants');
      record.mockRejectedValueOnce(new Error('killed before the commit'));
      expect((await api('POST', '/v1/admin/plans', body)).status).toBe(500);
      expect((await api('POST', '/v1/admin/plans', body)).status).toBe(201);
      expect(madeFor(body.slug)).toEqual([1, 1]);
      record.mockRestore();
    });

    /** Products and prices that Stripe has for a slug. */
    function madeFor(wished: string): number[] {
      return (['product', 'price'] as const).map(
        (type) =>
          service.stripe
            .objects(type)
            .filter((one) => (one as { metadata: Record<string, string> }).metadata.plan_slug === wished)
            .length,
      );
    }

    it('changes and deactivates nothing', async () => {
      const plan = await service.makePlan();
      service.stripe.setFaults({ outage: true });
      const put = await api('PUT', `/v1/admin/plans/${plan.id}`, { ...fieldsOf(plan), amount: 4900 });
      const removed = await api('DELETE', `/v1/admin/plans/${plan.id}`);
      expect([put.status, removed.status]).toEqual([503, 503]);
      expect((await api('GET', `/v1/admin/plans/${plan.id}`)).body).toEqual(plan);
    });
  });

  describe('taking a plan off the shelf', () => {
    it('archives price and product, and stays so when asked again', async () => {
      const plan = await service.makePlan();
      const removed = await api('DELETE', `/v1/admin/plans/${plan.id}`);
      expect([removed.status, removed.body.is_active]).toEqual([200, false]);
      expect(service.stripe.object('product', plan.stripe_product_id)).toMatchObject({ active: false });
      expect(service.stripe.object('price', plan.stripe_price_id)).toMatchObject({ active: false });
      expect((await api('DELETE', `/v1/admin/plans/${plan.id}`)).body).toEqual(removed.body);
    });

    it('is undone by is_active: true', async () => {
      const plan = await service.makePlan();
      await api('DELETE', `/v1/admin/plans/${plan.id}`);
      const without = await api('PUT', `/v1/admin/plans/${plan.id}`, fieldsOf(plan));
      expect([without.status, without.body.code]).toEqual([409, 'state_conflict']);
      const back = await api('PUT', `/v1/admin/plans/${plan.id}`, { ...fieldsOf(plan), is_active: true });
      expect(back.body.is_active).toBe(true);
      expect(service.stripe.object('product', plan.stripe_product_id)).toMatchObject({ active: true });
      expect(service.stripe.object('price', plan.stripe_price_id)).toMatchObject({ active: true });
    });

    it('is refused while a tenant pays for it, with or without a successor', async () => {
      const plan = await service.makePlan();
      const other = await service.makePlan();
      await service.subscribe(await service.makeTenant(), plan.id);
      const refused = await api('DELETE', `/v1/admin/plans/${plan.id}`);
      expect([refused.status, refused.body.code]).toEqual([409, 'plan_in_use']);
      const replaced = await api('DELETE', `/v1/admin/plans/${plan.id}?replace_with=${other.id}`);
      expect(replaced.status).toBe(409);
      expect((await api('GET', `/v1/admin/plans/${plan.id}`)).body.is_active).toBe(true);
    });

    it('moves tenants on a free plan to its successor', async () => {
      const plan = await service.makePlan({ amount: 0 });
      const successor = await service.makePlan({ amount: 0 });
      const tenant = await service.makeTenant();
      const checkout = await service.api('POST', '/v1/billings/subscription/checkout', {
        key: tenant.key,
        body: { plan_id: plan.id },
      });
      expect(checkout.status).toBe(201);
      expect((await api('DELETE', `/v1/admin/plans/${plan.id}`)).body.code).toBe('plan_in_use');
      const removed = await api('DELETE', `/v1/admin/plans/${plan.id}?replace_with=${successor.id}`);
      expect(removed.status).toBe(200);
      const { body } = await service.api('GET', '/v1/billings/subscription', { key: tenant.key });
      expect(body.plan.id).toBe(successor.id);
    });

    it('refuses successors that are unknown, inactive, the plan itself, or of one tenant only', async () => {
      const plan = await service.makePlan({ amount: 0 });
      const inactive = await service.makePlan({ amount: 0 });
      await api('DELETE', `/v1/admin/plans/${inactive.id}`);
      const tenant = await service.makeTenant();
      const enterprise = await service.makePlan({ amount: 0, tenant_id: tenant.id });
      const unknown = '0190a5b0-0000-7000-8000-000000000000';
      for (const successor of [unknown, inactive.id, plan.id, enterprise.id]) {
        const refused = await api('DELETE', `/v1/admin/plans/${plan.id}?replace_with=${successor}`);
        expect([refused.status, refused.body.code]).toEqual([404, 'plan_not_found']);
      }
      const malformed = await api('DELETE', `/v1/admin/plans/${plan.id}?replace_with=free`);
      expect([malformed.status, malformed.body.code]).toEqual([400, 'validation_failed']);
    });
  });

  describe('the list', () => {
    it('pages through everything once, newest first, and filters', async () => {
      const tenant = await service.makeTenant();
      const made = [];
      for (let count = 0; count < 5; count += 1)
        made.push((await service.makePlan({ amount: 0, tenant_id: tenant.id })).id);
      await api('DELETE', `/v1/admin/plans/${made[0]}`);

      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const more: string = cursor ? `&cursor=${cursor}` : '';
        const page = await api('GET', `/v1/admin/plans?tenant_id=${tenant.id}&limit=2${more}`);
        expect(page.body.data.length).toBeLessThanOrEqual(2);
        seen.push(...page.body.data.map((plan: { id: string }) => plan.id));
        cursor = page.body.next_cursor;
      }
      expect(seen).toEqual([...made].reverse());

      const active = await api('GET', `/v1/admin/plans?tenant_id=${tenant.id}&is_active=true`);
      expect(active.body.data).toHaveLength(4);
      const inactive = await api('GET', `/v1/admin/plans?tenant_id=${tenant.id}&is_active=false`);
      expect(inactive.body.data.map((plan: { id: string }) => plan.id)).toEqual([made[0]]);
      const publicOnes = await api('GET', `/v1/admin/plans?scope=public&limit=100`);
      expect(publicOnes.body.data.every((plan: { tenant_id: null }) => plan.tenant_id === null)).toBe(true);
      const enterprise = await api('GET', `/v1/admin/plans?scope=enterprise&limit=100`);
      expect(enterprise.body.data.every((plan: { tenant_id: string }) => plan.tenant_id)).toBe(true);
    });

    it.each(['scope=all', 'is_active=1', 'tenant_id=x', 'limit=0', 'limit=101', 'limit=ten', 'sort=name'])(
      'refuses ?%s',
      async (query) => {
        const refused = await api('GET', `/v1/admin/plans?${query}`);
        expect([refused.status, refused.body.code]).toEqual([400, 'validation_failed']);
      },
    );

    it('refuses a cursor of another list', async () => {
      const page = await api('GET', '/v1/admin/plans?limit=1');
      const refused = await api(
        'GET',
        `/v1/admin/plans?limit=1&scope=public&cursor=${page.body.next_cursor}`,
      );
      expect([refused.status, refused.body.code]).toEqual([400, 'invalid_cursor']);
    });
  });

  it('is for operators only', async () => {
    const tenant = await service.makeTenant();
    const plan = await service.makePlan();
    const paths = [
      ['GET', '/v1/admin/plans'],
      ['POST', '/v1/admin/plans'],
      ['GET', `/v1/admin/plans/${plan.id}`],
      ['PUT', `/v1/admin/plans/${plan.id}`],
      ['DELETE', `/v1/admin/plans/${plan.id}`],
      ['POST', '/v1/admin/plans/sync'],
      ['GET', '/v1/admin/plans/sync'],
    ] as const;
    for (const [method, path] of paths) {
      const asTenant = await service.api(method, path, { key: tenant.key });
      expect([asTenant.status, asTenant.body.code]).toEqual([403, 'insufficient_scope']);
      expect((await service.api(method, path)).status).toBe(401);
    }
  });

  it.each(['0190a5b0-0000-7000-8000-000000000000', 'pro', '1', '%00', '..%2f..', 'a'.repeat(200)])(
    'answers 404 for the id %s',
    async (id) => {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await api(method, `/v1/admin/plans/${id}`, method === 'PUT' ? PRO : undefined);
        expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
      }
    },
  );
});

/** The editable part of a plan, as PUT takes it. */
function fieldsOf(plan: Record<string, unknown>): Record<string, unknown> {
  const editable = [
    ...['name', 'slug', 'description', 'currency', 'amount', 'interval', 'interval_count', 'limits'],
    ...[
      'limit_grace',
      'features',
      'rate_limit',
      'manual_invoicing',
      'days_until_due',
      'trial_days',
      'sort_order',
      'metadata',
    ],
  ];
  return Object.fromEntries(editable.map((key) => [key, plan[key]]));
}
