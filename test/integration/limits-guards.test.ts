import { Body, Controller, Get, HttpCode, Module, Post, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { randomUUID } from 'node:crypto';
import { AppModule } from '../../src/app.module';
import { AccessService } from '../../src/modules/limits/access.service';
import { BillingGuard } from '../../src/modules/limits/billing.guard';
import { LimitsModule } from '../../src/modules/limits/limits.module';
import { PaymentRequiredGuard } from '../../src/modules/limits/payment-required.guard';
import { PlanLimitService } from '../../src/modules/limits/plan-limit.service';
import { RequiresFeature, RequiresLimit } from '../../src/modules/limits/requirements';
import { TracksUsage } from '../../src/modules/limits/tracks-usage';
import { EntitlementsMemory } from '../../src/modules/entitlements/entitlements-memory';
import { UsageReservations } from '../../src/modules/usage/reservations/usage-reservations.service';
import type { TenantId } from '../../src/contracts/ids';
import { BillingError } from '../../src/contracts/errors';
import { Metrics } from '../../src/platform/metrics';
import { Access } from '../../src/platform/http/access';
import { Idempotent } from '../../src/platform/http/idempotency.interceptor';
import type { ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** What a handler of the test does, and how often each was called. */
interface Wish {
  do?: 'throw' | 'answer_409' | 'fail_once';
}
const calls = { total: 0 };
let failures = 0;

/** A tenant app's routes, in the real service. */
@Controller('v1/guarded')
class GuardedController {
  @Post('campaigns')
  @HttpCode(201)
  @Access('usage:write')
  @TracksUsage('campaigns', +1)
  create(@Body() body: Wish, @Res({ passthrough: true }) reply: FastifyReply): { created: number } {
    calls.total += 1;
    if (body.do === 'throw') throw new BillingError('state_conflict');
    if (body.do === 'answer_409') void reply.status(409);
    return { created: calls.total };
  }

  @Post('campaigns/close')
  @HttpCode(200)
  @Access('usage:write')
  @TracksUsage('campaigns', -1)
  close(@Body() body: Wish): { closed: boolean } {
    if (body.do === 'throw') throw new BillingError('state_conflict');
    return { closed: true };
  }

  @Post('mailings')
  @Access('usage:write')
  @TracksUsage('email_sends', +5)
  @Idempotent({ resumable: true })
  send(@Body() body: Wish): { sent: number } {
    calls.total += 1;
    if (body.do === 'fail_once' && failures++ === 0) throw new Error('the mail server is away');
    return { sent: calls.total };
  }

  @Post('letters')
  @Access('usage:write')
  @TracksUsage('email_sends', +1)
  @Idempotent()
  letter(@Body() body: Wish): { sent: true } {
    if (body.do === 'throw') throw new BillingError('state_conflict');
    return { sent: true };
  }

  @Post('wrong-order')
  @Access('usage:write')
  @Idempotent({ resumable: true })
  @TracksUsage('email_sends', +1)
  wrongOrder(): object {
    return {};
  }

  @Post('two-campaigns')
  @HttpCode(200)
  @Access('usage:write')
  @RequiresLimit('campaigns', 2)
  needsRoom(): { ok: true } {
    calls.total += 1;
    return { ok: true };
  }

  @Get('premium')
  @Access('usage:read')
  @UseGuards(BillingGuard)
  @RequiresFeature('premium')
  @RequiresLimit('campaigns')
  premium(): { ok: true } {
    return { ok: true };
  }

  @Get('anything')
  @Access('usage:read')
  @UseGuards(BillingGuard)
  anything(): { ok: true } {
    return { ok: true };
  }

  @Get('paid')
  @Access('usage:read')
  @UseGuards(PaymentRequiredGuard)
  paid(): { ok: true } {
    return { ok: true };
  }
}

@Module({ imports: [LimitsModule], controllers: [GuardedController] })
class GuardedModule {}

let service: TestService;
let starter: { id: string };

beforeAll(async () => {
  const real = AppModule.forRoot.bind(AppModule);
  jest.spyOn(AppModule, 'forRoot').mockImplementation((config) => {
    const app = real(config);
    return { ...app, imports: [...app.imports!, GuardedModule] };
  });
  service = await startTestService();
  starter = await service.makePlan({
    slug: 'starter',
    amount: 0,
    limits: { campaigns: 2, email_sends: 10 },
    features: ['premium'],
  });
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { campaigns: 1, email_sends: 5 },
    limit_grace: { campaigns: 100 },
    features: [],
  });
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => service.close());

/** On trial: 2 campaigns, 10 mails, and the premium feature. */
const onTrial = (): Promise<TestTenant> => service.makeTenant();
/** Its trial is over: 1 campaign and one more by grace, 5 mails. */
async function onFree(): Promise<TestTenant> {
  const tenant = await service.makeTenant();
  await service.settle();
  await service.rows(`update tenants set trial_ends_at = created_at, updated_at = now() where id = $1`, [
    tenant.id,
  ]);
  await service.rows(
    `update tenant_entitlements set valid_until = updated_at, version = version + 1 where tenant_id = $1`,
    [tenant.id],
  );
  service.get(EntitlementsMemory).forget(tenant.id as TenantId);
  return tenant;
}
const post = (
  tenant: TestTenant,
  route: string,
  body: Wish = {},
  headers: Record<string, string> = {},
): Promise<ApiAnswer> => service.api('POST', `/v1/guarded/${route}`, { key: tenant.key, body, headers });
const get = (tenant: TestTenant, route: string): Promise<ApiAnswer> =>
  service.api('GET', `/v1/guarded/${route}`, { key: tenant.key });

async function usage(tenant: TestTenant, metric: string): Promise<{ used: number; reserved: number }> {
  const [row] = await service.rows<{ used: string; reserved: string }>(
    `select used, reserved from usage_counters where tenant_id = $1 and metric_name = $2`,
    [tenant.id, metric],
  );
  return { used: Number(row?.used ?? 0), reserved: Number(row?.reserved ?? 0) };
}

describe('tracked usage', () => {
  it('is counted when the handler has succeeded', async () => {
    const tenant = await onTrial();
    expect((await post(tenant, 'campaigns')).status).toBe(201);
    expect(await usage(tenant, 'campaigns')).toEqual({ used: 1, reserved: 0 });
  });

  it.each(['throw', 'answer_409'] as const)('is given back when the handler fails: %s', async (wish) => {
    const tenant = await onTrial();
    expect((await post(tenant, 'campaigns', { do: wish })).status).toBe(409);
    expect(await usage(tenant, 'campaigns')).toEqual({ used: 0, reserved: 0 });
    await post(tenant, 'campaigns');
    expect((await post(tenant, 'campaigns')).status).toBe(201);
  });

  it('past the limit is refused before the handler runs, with the payload of every door', async () => {
    const tenant = await onTrial();
    await post(tenant, 'campaigns');
    await post(tenant, 'campaigns');
    const before = calls.total;

    const refused = await post(tenant, 'campaigns');

    expect(refused.status).toBe(402);
    expect(refused.body).toMatchObject({
      code: 'limit_exceeded',
      metric: 'campaigns',
      current_usage: 2,
      limit: 2,
      requested: 1,
      upgrade_suggestions: expect.any(Array),
      billing_portal_url: 'http://billing.test/portal',
    });
    expect(calls.total).toBe(before);
  });

  it('lets exactly as many of many at once through as there is room for', async () => {
    const tenant = await onTrial();
    const answers = await Promise.all(Array.from({ length: 30 }, () => post(tenant, 'campaigns')));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(answers.filter(({ status }) => status === 402)).toHaveLength(28);
    expect(await usage(tenant, 'campaigns')).toEqual({ used: 2, reserved: 0 });
  });

  it('warns within the grace', async () => {
    const tenant = await onFree();
    expect((await post(tenant, 'campaigns')).headers.get('x-limit-warning')).toBeNull();
    const second = await post(tenant, 'campaigns');
    expect([second.status, second.headers.get('x-limit-warning')?.split(';')[0]]).toEqual([201, 'campaigns']);
    expect((await post(tenant, 'campaigns')).status).toBe(402);
  });

  it('goes down when something is given back, if the handler succeeded', async () => {
    const tenant = await onTrial();
    await post(tenant, 'campaigns');
    expect((await post(tenant, 'campaigns/close', { do: 'throw' })).status).toBe(409);
    expect((await usage(tenant, 'campaigns')).used).toBe(1);
    expect((await post(tenant, 'campaigns/close')).status).toBe(200);
    expect((await usage(tenant, 'campaigns')).used).toBe(0);
  });

  it('never goes below 0, and the deed that was done is answered as done', async () => {
    const tenant = await onTrial();
    const alarm = async (): Promise<string> =>
      service.get(Metrics).registry.getSingleMetricAsString('billing_alarms_total');
    expect((await post(tenant, 'campaigns/close')).status).toBe(200);
    expect((await usage(tenant, 'campaigns')).used).toBe(0);
    expect(await alarm()).toContain('kind="usage_below_zero"');
  });

  it('is counted once for all requests with one idempotency key', async () => {
    const tenant = await onTrial();
    const key = { 'idempotency-key': randomUUID() };
    const [first, second] = [
      await post(tenant, 'mailings', {}, key),
      await post(tenant, 'mailings', {}, key),
    ];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await usage(tenant, 'email_sends')).used).toBe(5);
  });

  it('is counted once when the first attempt failed and the key is used again', async () => {
    const tenant = await onTrial();
    const key = { 'idempotency-key': randomUUID() };
    failures = 0;
    expect((await post(tenant, 'mailings', { do: 'fail_once' }, key)).status).toBe(500);
    expect(await usage(tenant, 'email_sends')).toEqual({ used: 0, reserved: 0 });
    expect((await post(tenant, 'mailings', { do: 'fail_once' }, key)).status).toBe(201);
    expect(await usage(tenant, 'email_sends')).toEqual({ used: 5, reserved: 0 });
  });

  it('that could not be counted after the work is 503, and is counted once when it is asked for again', async () => {
    const tenant = await onTrial();
    const key = { 'idempotency-key': randomUUID() };
    const reservations = service.get(UsageReservations);
    jest
      .spyOn(reservations, 'commit')
      .mockRejectedValueOnce(new BillingError('dependency_unavailable', { retryAfter: 1 }));
    expect((await post(tenant, 'mailings', {}, key)).status).toBe(503);
    expect(await usage(tenant, 'email_sends')).toEqual({ used: 0, reserved: 5 });
    expect((await post(tenant, 'mailings', {}, key)).status).toBe(201);
    expect(await usage(tenant, 'email_sends')).toEqual({ used: 5, reserved: 0 });
  });

  it('stands beside the one transaction of an idempotent route', async () => {
    const tenant = await onTrial();
    const key = { 'idempotency-key': randomUUID() };
    expect((await post(tenant, 'letters', { do: 'throw' }, key)).status).toBe(409);
    expect(await usage(tenant, 'email_sends')).toEqual({ used: 0, reserved: 0 });
    const other = { 'idempotency-key': randomUUID() };
    for (let time = 0; time < 2; time++) expect((await post(tenant, 'letters', {}, other)).status).toBe(201);
    expect(await usage(tenant, 'email_sends')).toEqual({ used: 1, reserved: 0 });
  });

  it('outside of the idempotency is a mistake that the first call shows', async () => {
    const tenant = await onTrial();
    expect((await post(tenant, 'wrong-order')).status).toBe(500);
    expect(await usage(tenant, 'email_sends')).toEqual({ used: 0, reserved: 0 });
  });
});

describe('a required limit', () => {
  it('opens the route while there is room for all, and counts nothing', async () => {
    const tenant = await onTrial();
    expect((await post(tenant, 'two-campaigns')).status).toBe(200);
    expect((await post(tenant, 'two-campaigns')).status).toBe(200);
    await post(tenant, 'campaigns');
    const before = calls.total;
    const refused = await post(tenant, 'two-campaigns');
    expect([refused.status, refused.body.code, refused.body.requested]).toEqual([402, 'limit_exceeded', 2]);
    expect(calls.total).toBe(before);
  });

  it('within the grace opens it with a warning', async () => {
    const tenant = await onFree();
    const answer = await post(tenant, 'two-campaigns');
    expect([answer.status, answer.headers.get('x-limit-warning')]).toEqual([
      200,
      'campaigns; usage=0; limit=1; grace_limit=2',
    ]);
  });

  it('is refused, not guessed, when nobody can say', async () => {
    const tenant = await onTrial();
    jest.spyOn(service.get(EntitlementsMemory), 'of').mockRejectedValue({ code: 'ECONNREFUSED' });
    const answer = await post(tenant, 'two-campaigns');
    expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
      503,
      'dependency_unavailable',
      '2',
    ]);
  });
});

describe('a required feature', () => {
  it('opens the route to plans that bring it, a trial’s among them', async () => {
    expect((await get(await onTrial(), 'premium')).status).toBe(200);
  });

  it('closes it to others, and says which plans bring it', async () => {
    const tenant = await onFree();
    const dear = await service.makePlan({ features: ['premium'], amount: 9900 });
    const cheap = await service.makePlan({ features: ['premium'], amount: 900 });
    const refused = await get(tenant, 'premium');
    expect(refused.status).toBe(402);
    expect(refused.body).toMatchObject({ code: 'feature_not_in_plan', feature: 'premium' });
    expect(refused.body.upgrade_suggestions.map((plan: { plan_id: string }) => plan.plan_id)).toEqual([
      starter.id,
      cheap.id,
      dear.id,
    ]);
    expect(refused.body.upgrade_suggestions[0]).not.toHaveProperty('limit');
  });

  it('is asked once, however often the guard is bound', async () => {
    const tenant = await onTrial();
    const asked = jest.spyOn(service.get(PlanLimitService), 'enforceLimit');
    expect((await get(tenant, 'premium')).status).toBe(200);
    expect(asked).toHaveBeenCalledTimes(1);
  });
});

describe('a payment', () => {
  const set = (tenant: TestTenant, status: string, graceMs: number | null): Promise<unknown> =>
    service.rows(
      `update tenants set payment_status = $2,
         grace_until = case when $3::bigint is null then null else now() + $3::bigint * interval '1 ms' end
       where id = $1`,
      [tenant.id, status, graceMs],
    );

  it.each(['paid', 'anything'])('that is overdue closes what costs money: %s', async (route) => {
    const tenant = await onFree();
    await set(tenant, 'OVERDUE', -1000);
    const refused = await get(tenant, route);
    expect(refused.status).toBe(402);
    expect(refused.body).toMatchObject({
      code: 'payment_required',
      grace_until: expect.any(String),
      billing_portal_url: 'http://billing.test/portal',
    });
  });

  it('that failed leaves it open in the grace, with a warning, and no longer', async () => {
    const [inGrace, tooLate] = [await onFree(), await onFree()];
    await set(inGrace, 'PAST_DUE', 60_000);
    await set(tooLate, 'PAST_DUE', -1);
    const passed = await get(inGrace, 'anything');
    expect([passed.status, passed.headers.get('x-payment-warning')]).toEqual([
      200,
      expect.stringMatching(/^grace_until=\d{4}-/),
    ]);
    expect((await get(tooLate, 'anything')).status).toBe(402);
  });

  it('is not asked for in a valid trial', async () => {
    const tenant = await onTrial();
    await set(tenant, 'OVERDUE', -1000);
    expect((await get(tenant, 'anything')).status).toBe(200);
  });
});

describe('how a tenant stands', () => {
  const standing = (tenant: TestTenant): Promise<string> =>
    service.get(AccessService).getSubscriptionStatus(tenant.id as TenantId);

  it('is read from its entitlements and its subscription', async () => {
    const [trial, onFreePlan, paying] = [await onTrial(), await onFree(), await onTrial()];
    expect(await standing(trial)).toBe('trial');
    expect(await standing(onFreePlan)).toBe('active');
    const plan = await service.makePlan();
    await service.subscribe(paying, plan.id);
    await service.settle();
    service.get(EntitlementsMemory).forget(paying.id as TenantId);
    expect(await standing(paying)).toBe('active');
    await service.rows(`update billings set status = 'PAST_DUE' where tenant_id = $1 and is_live`, [
      paying.id,
    ]);
    expect(await standing(paying)).toBe('past_due');
  });

  it('answers the short questions too', async () => {
    const tenant = await onTrial();
    const access = service.get(AccessService);
    const id = tenant.id as TenantId;
    expect(await access.hasFeatureAccess(id, 'premium')).toBe(true);
    expect(await access.hasFeatureAccess(id, 'sso')).toBe(false);
    expect(await access.hasTokensRemaining(id, 'campaigns')).toBe(true);
    expect(await access.hasTokensRemaining(id, 'seats')).toBe(false);
    expect(await service.get(PlanLimitService).getRemainingCapacity(id, 'campaigns')).toBe(2);
  });
});
