import type { Answered } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

describe('the public list of plans', () => {
  let service: TestService;
  let plans: Record<'free' | 'pro' | 'proYearly' | 'scale', Answered>;

  beforeAll(async () => {
    service = await startTestService();
    plans = {
      free: await service.makePlan({
        slug: 'free',
        amount: 0,
        limits: { seats: 1, referred_users: 10 },
        features: [],
      }),
      pro: await service.makePlan({
        slug: 'pro-monthly',
        name: 'Pro',
        amount: 9900,
        sort_order: 1,
        limits: { seats: 10, referred_users: 1000 },
        features: ['reports'],
        metadata: { popular: 'true' },
      }),
      proYearly: await service.makePlan({
        slug: 'pro-yearly',
        name: 'Pro',
        amount: 99000,
        interval: 'year',
        sort_order: 2,
        limits: { seats: 10, referred_users: 1000 },
        features: ['reports'],
      }),
      scale: await service.makePlan({
        slug: 'scale',
        name: 'Scale',
        amount: 29900,
        sort_order: 3,
        limits: { seats: null, referred_users: 50000 },
        features: ['reports', 'sso'],
      }),
    };
  });
  afterAll(() => service.close());

  const get = (path: string, key?: string, headers?: Record<string, string>) =>
    service.api('GET', path, { key, headers });

  it('shows everybody the public plans, compared', async () => {
    const { status, body } = await get('/v1/plans');
    expect(status).toBe(200);
    expect([body.has_more, body.next_cursor]).toEqual([false, null]);
    expect(body.data.map((plan: { slug: string }) => plan.slug)).toEqual([
      'free',
      'pro-monthly',
      'pro-yearly',
      'scale',
    ]);
    const [, pro, proYearly] = body.data;
    expect(pro).toEqual({
      id: plans.pro.id,
      name: 'Pro',
      slug: 'pro-monthly',
      description: null,
      currency: 'usd',
      amount: 9900,
      interval: 'month',
      interval_count: 1,
      trial_days: null,
      manual_invoicing: false,
      is_enterprise: false,
      sort_order: 1,
      limits: { seats: 10, referred_users: 1000 },
      features: ['reports'],
      rate_limit: null,
      monthly_equivalent_amount: 9900,
      annual_savings: null,
      recommended: true,
      recommendation_reason: { code: 'popular', message: expect.any(String) },
      comparison: {
        features: [
          { feature: 'reports', included: true },
          { feature: 'sso', included: false },
        ],
        next_plan: {
          plan_id: plans.scale.id,
          name: 'Scale',
          amount_difference: 20000,
          added_features: ['sso'],
          raised_limits: [
            { metric: 'referred_users', from: 1000, to: 50000 },
            { metric: 'seats', from: 10, to: null },
          ],
        },
      },
    });
    expect(proYearly).toMatchObject({
      monthly_equivalent_amount: 8250,
      annual_savings: { amount: 19800, percent: 16.7, monthly_plan_id: plans.pro.id },
      recommended: false,
      recommendation_reason: null,
    });
    expect(body.comparison.features).toContainEqual({
      feature: 'sso',
      plans: {
        [plans.free.id]: false,
        [plans.pro.id]: false,
        [plans.proYearly.id]: false,
        [plans.scale.id]: true,
      },
    });
    expect(body.comparison.limits).toContainEqual({
      metric: 'seats',
      plans: { [plans.free.id]: 1, [plans.pro.id]: 10, [plans.proYearly.id]: 10, [plans.scale.id]: null },
    });
  });

  it('tells nobody what is ours alone', async () => {
    const { text } = await get('/v1/plans');
    for (const secret of ['stripe', 'metadata', 'version', 'tenant_id']) expect(text).not.toContain(secret);
  });

  it('answers one plan as the list does, and forgets deactivated ones', async () => {
    const list = await get('/v1/plans');
    const one = await get(`/v1/plans/${plans.pro.id}`);
    expect(one.body).toEqual(list.body.data[1]);
    expect((await get(`/v1/plans/${plans.pro.id.toUpperCase()}`)).status).toBe(200);
    const plan = await service.makePlan({ amount: 0 });
    expect((await get(`/v1/plans/${plan.id}`)).status).toBe(200);
    await service.admin('DELETE', `/v1/admin/plans/${plan.id}`);
    expect((await get(`/v1/plans/${plan.id}`)).status).toBe(404);
  });

  it('lets caches keep the list for a minute, but not what a credential added', async () => {
    const tenant = await service.makeTenant();
    const anonymous = await get('/v1/plans');
    const signedIn = await get('/v1/plans', tenant.key);
    expect(anonymous.headers.get('cache-control')).toBe('public, max-age=60');
    expect(signedIn.headers.get('cache-control')).toBe('private, no-cache');
    for (const answer of [anonymous, signedIn]) {
      expect(answer.headers.get('vary')).toContain('Authorization, x-api-key, tenant-id');
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(answer.headers.get('etag')).toMatch(/^"[\w-]{43}"$/);
    }
    const byHeader = await get('/v1/plans', undefined, { 'x-api-key': tenant.key });
    expect(byHeader.headers.get('cache-control')).toBe('private, no-cache');
  });

  it('answers 304 to who has the list, until it changes', async () => {
    const { headers } = await get('/v1/plans');
    const etag = headers.get('etag')!;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get('/v1/plans', undefined, { 'if-none-match': known });
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag]);
    }
    expect((await get('/v1/plans', undefined, { 'if-none-match': '"other"' })).status).toBe(200);
    const plan = await service.makePlan({ amount: 0 });
    const changed = await get('/v1/plans', undefined, { 'if-none-match': etag });
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).not.toBe(etag);
    await service.admin('DELETE', `/v1/admin/plans/${plan.id}`);
  });

  it('refuses a wrong credential instead of answering as if there were none', async () => {
    expect((await get('/v1/plans', 'tb_test_wrong')).status).toBe(401);
  });

  describe('with a tenant', () => {
    let owner: TestTenant;
    let stranger: TestTenant;
    let enterprise: { id: string };

    beforeAll(async () => {
      owner = await service.makeTenant();
      stranger = await service.makeTenant();
      enterprise = await service.makePlan({ tenant_id: owner.id, name: 'Made for you', amount: 500_00 });
    });

    it('adds its enterprise plans to the list of their owner alone', async () => {
      const ids = async (key?: string): Promise<string[]> =>
        (await get('/v1/plans', key)).body.data.map((plan: { id: string }) => plan.id);
      expect(await ids(owner.key)).toContain(enterprise.id);
      expect(await ids(stranger.key)).not.toContain(enterprise.id);
      expect(await ids()).not.toContain(enterprise.id);
      const { body } = await get(`/v1/plans/${enterprise.id}`, owner.key);
      expect(body).toMatchObject({ name: 'Made for you', is_enterprise: true });
    });

    it('has no trace of them for anybody else: the same bytes as for an id that never was', async () => {
      const inactive = await service.makePlan({ amount: 0, tenant_id: owner.id });
      await service.admin('DELETE', `/v1/admin/plans/${inactive.id}`);
      const bytes = async (id: string, key?: string): Promise<string> => {
        const answer = await get(`/v1/plans/${id}`, key);
        expect(answer.status).toBe(404);
        const headers = [...answer.headers].filter(([name]) => !/date|request-id|x-tenant-status/.test(name));
        return answer.text.replace(answer.body.request_id, '') + JSON.stringify(headers);
      };
      for (const key of [stranger.key, undefined]) {
        const never = await bytes('0190a5b0-0000-7000-8000-000000000000', key);
        for (const id of [enterprise.id, inactive.id, 'pro-monthly', '1', '%00', 'null'])
          expect(await bytes(id, key)).toBe(never);
      }
      await expect(bytes(inactive.id, owner.key)).resolves.toContain('not_found');
    });

    it('lets nobody else buy them', async () => {
      const buy = (tenant: TestTenant) =>
        service.api('POST', '/v1/billings/subscription/checkout', {
          key: tenant.key,
          body: { plan_id: enterprise.id },
        });
      const refused = await buy(stranger);
      expect([refused.status, refused.body.code]).toEqual([404, 'plan_not_found']);
      expect((await buy(owner)).status).toBe(201);
    });

    it('shows a service key the tenant it names, and the public plans when it names none', async () => {
      const { secret } = await service.admin('POST', '/v1/api-keys', { name: 'back end', kind: 'service' });
      const ids = async (tenantId?: string): Promise<string[]> =>
        (await service.api('GET', '/v1/plans', { key: secret, tenantId })).body.data.map(
          (plan: { id: string }) => plan.id,
        );
      expect(await ids(owner.id)).toContain(enterprise.id);
      expect(await ids(stranger.id)).not.toContain(enterprise.id);
      expect(await ids()).not.toContain(enterprise.id);
    });

    it('recommends the cheapest plan that carries what the tenant is heading for', async () => {
      const recommendedFor = async (used: number): Promise<unknown> => {
        await service.rows(
          `insert into usage_counters (tenant_id, metric_name, period_start, used)
           values ($1, 'seats', 'epoch', $2)
           on conflict (tenant_id, metric_name, period_start) do update set used = excluded.used`,
          [stranger.id, used],
        );
        const { body } = await get('/v1/plans', stranger.key);
        const chosen = body.data.filter((plan: { recommended: boolean }) => plan.recommended);
        expect(chosen).toHaveLength(1);
        return [chosen[0].slug, chosen[0].recommendation_reason.code];
      };
      // Eight seats and 20 % to spare are 9.6 of Pro's 10; nine are 10.8. Paid by the year Pro is cheaper.
      expect(await recommendedFor(8)).toEqual(['pro-yearly', 'projected_usage']);
      expect(await recommendedFor(9)).toEqual(['scale', 'projected_usage']);
    });
  });
});
