import { daysGoBy } from '../support/both-clocks';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import { runJob } from '../support/usage-jobs';

/** Changes of plan, quantity and lines: what is previewed is charged, and in force when the answer is given. */
let service: TestService;
let small: { id: string };
let large: { id: string };
let yearly: { id: string };
let addOn: { id: string };
let tenant: TestTenant;

beforeAll(async () => {
  service = await startTestService();
  small = await service.makePlan({ amount: 3000, limits: { seats: 5 } });
  large = await service.makePlan({
    amount: 9000,
    limits: { seats: 50, campaigns: 7 },
    features: ['reports', 'sso'],
  });
  yearly = await service.makePlan({ amount: 120_000, interval: 'year', limits: { seats: 50 } });
  addOn = await service.makePlan({ amount: 500, limits: { seats: 10 }, features: ['extra'] });
});
afterAll(() => service.close());
beforeEach(async () => {
  service.stripe.setFaults({});
  tenant = await service.makeTenant();
});

const path = (action: string) => `/v1/billings/subscription/${action}`;
const call = (method: string, action: string, body?: Record<string, unknown>, headers = {}) =>
  service.api(method, path(action), { key: tenant.key, body, headers });
const view = async () => (await service.api('GET', '/v1/billings/subscription', { key: tenant.key })).body;
const invoices = async () =>
  (await service.api('GET', '/v1/billings/invoices', { key: tenant.key })).body.data;
const told = async () =>
  (
    await service.rows<{ type: string }>(
      `select type from outbox where tenant_id = $1 and type like 'subscription.%' and type <> 'subscription.changed'
       order by id`,
      [tenant.id],
    )
  ).map((row) => row.type);

describe('an upgrade', () => {
  it('is previewed by Stripe and by us with the same figure, charged so, and in force at once', async () => {
    await service.subscribe(tenant, small.id);
    await service.settle();
    const { status, body: preview } = await call('POST', 'upgrade/preview', { plan_id: large.id });
    expect(status).toBe(200);
    expect(preview).toMatchObject({
      direction: 'upgrade',
      difference: 0,
      currency: 'usd',
      features_won: ['sso'],
      features_lost: [],
      limits: expect.arrayContaining([{ metric: 'seats', from: 5, to: 50, direction: 'raised' }]),
      monthly_change: 6000,
    });
    expect(preview.lines.map((line: { kind: string }) => line.kind).sort()).toEqual(['charge', 'credit']);

    const { status: upgraded, body } = await call('POST', 'upgrade', {
      plan_id: large.id,
      proration_date: preview.proration_date,
    });
    expect(upgraded).toBe(200);
    expect(body).toMatchObject({
      status: 'ACTIVE',
      plan: { id: large.id },
      entitlements: { plan_id: large.id, limits: { seats: 50, campaigns: 7 } },
    });
    await service.settle();
    expect((await invoices())[0]).toMatchObject({ status: 'paid', total: preview.amount_due });
    expect(await told()).toEqual(['subscription.created', 'subscription.upgraded']);
    const mails = await service.rows(
      `select 1 from notifications where tenant_id = $1 and type = 'upgraded'`,
      [tenant.id],
    );
    expect(mails).toHaveLength(1);
    // The same wish again is there already, and costs nothing.
    expect(await call('POST', 'upgrade', { plan_id: large.id })).toMatchObject({ status: 200 });
    await service.settle();
    expect(await invoices()).toHaveLength(2);
  });

  it('of a change in the middle of a changed period gives back what was debited: still no difference', async () => {
    await service.subscribe(tenant, small.id);
    await service.settle();
    await call('POST', 'upgrade', { plan_id: large.id });
    await service.settle();
    const { body } = await call('POST', 'upgrade/preview', { plan_id: large.id, quantity: 3 });
    expect(body).toMatchObject({ direction: 'upgrade', difference: 0 });
    const toYear = await call('POST', 'upgrade/preview', { plan_id: yearly.id });
    expect(toYear.body).toMatchObject({ direction: 'upgrade', difference: 0 });
  });

  it('whose payment fails changes nothing and says where to pay (402)', async () => {
    await service.subscribe(tenant, small.id);
    await service.settle();
    const { body: methods } = await service.api('GET', '/v1/billings/payment-methods', { key: tenant.key });
    service.stripe.failNext(methods.data[0].id, 1, 'card_declined');
    const refused = await call('POST', 'upgrade', { plan_id: large.id });
    expect(refused).toMatchObject({
      status: 402,
      body: { code: 'payment_action_required', hosted_invoice_url: expect.any(String), currency: 'usd' },
    });
    expect(await view()).toMatchObject({
      status: 'ACTIVE',
      plan: { id: small.id },
      payment_status: 'PENDING',
    });
    // Asked again, it is the same invoice that waits.
    const again = await call('POST', 'upgrade', { plan_id: large.id });
    expect(again.status).toBe(402);
    expect(again.body.hosted_invoice_url).toBe(refused.body.hosted_invoice_url);
    await service.settle();
    const [open] = (await invoices()).filter((one: { status: string }) => one.status === 'open');
    const paid = await service.api('POST', `/v1/billings/invoices/${open.id}/pay`, {
      key: tenant.key,
      body: {},
    });
    expect(paid).toMatchObject({ status: 200, body: { status: 'paid' } });
    expect(await view()).toMatchObject({ plan: { id: large.id } });
  });
});

describe('a downgrade', () => {
  it('waits for the period, then happens once, and takes its limits with it', async () => {
    await service.subscribe(tenant, large.id);
    await service.settle();
    const { status, body } = await call('POST', 'downgrade', { plan_id: small.id });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      plan: { id: large.id },
      pending_change: { plan_id: small.id, effective_at: body.current_period_end },
      entitlements: { plan_id: large.id },
    });
    expect((await call('GET', 'scheduled-changes')).body.data).toHaveLength(1);
    await service.settle();
    await daysGoBy(service, 32);
    expect(await view()).toMatchObject({
      plan: { id: small.id },
      pending_change: null,
      entitlements: { plan_id: small.id, limits: { seats: 5 } },
    });
    expect(await told()).toEqual([
      'subscription.created',
      'subscription.downgrade_scheduled',
      'subscription.downgraded',
    ]);
    const rows = await service.rows('select state from scheduled_changes where tenant_id = $1', [tenant.id]);
    expect(rows).toEqual([{ state: 'applied' }]);
  });

  it('is taken back, or overtaken by an upgrade: its schedule is released', async () => {
    await service.subscribe(tenant, small.id);
    const tiny = await service.makePlan({ amount: 1000, limits: { seats: 1 } });
    await call('POST', 'downgrade', { plan_id: tiny.id });
    expect((await call('DELETE', 'downgrade')).body).toMatchObject({
      pending_change: null,
      plan: { id: small.id },
    });
    await call('POST', 'downgrade', { plan_id: tiny.id });
    const up = await call('POST', 'upgrade', { plan_id: large.id });
    expect(up).toMatchObject({ status: 200, body: { plan: { id: large.id }, pending_change: null } });
    await service.settle();
    expect(await told()).toEqual([
      'subscription.created',
      'subscription.downgrade_scheduled',
      'subscription.downgrade_canceled',
      'subscription.downgrade_scheduled',
      'subscription.downgrade_canceled',
      'subscription.upgraded',
    ]);
  });
});

describe('a downgrade on a day of its own', () => {
  it('is carried out by the job on that day, once, with a credit for the time that is left', async () => {
    await service.subscribe(tenant, large.id);
    await service.settle();
    const { current_period_start: start } = await view();
    const day = new Date(Date.parse(start) + 10 * 86_400_000).toISOString();
    const past = new Date(Date.parse(start) - 1000).toISOString();
    expect(await call('POST', 'downgrade', { plan_id: small.id, effective_at: past })).toMatchObject({
      status: 400,
    });
    const { body } = await call('POST', 'downgrade', { plan_id: small.id, effective_at: day });
    expect(body).toMatchObject({
      plan: { id: large.id },
      pending_change: { plan_id: small.id, effective_at: day },
    });
    await runJob(service, 'tenants.scheduled_changes');
    expect(await view()).toMatchObject({ plan: { id: large.id } });
    await daysGoBy(service, 11);
    await Promise.all([1, 2].map(() => runJob(service, 'tenants.scheduled_changes')));
    await service.settle();
    expect(await view()).toMatchObject({ plan: { id: small.id }, pending_change: null });
    expect(await told()).toEqual([
      'subscription.created',
      'subscription.downgrade_scheduled',
      'subscription.downgraded',
    ]);
    expect(
      await service.rows('select state from scheduled_changes where tenant_id = $1', [tenant.id]),
    ).toEqual([{ state: 'applied' }]);
    expect((await invoices())[0].total).toBeLessThan(0);
  });

  it('that would make room for a free plan gives way to an upgrade: the end is lifted, too', async () => {
    const free = await service.makePlan({ amount: 0 });
    await service.subscribe(tenant, small.id);
    await call('POST', 'downgrade', { plan_id: free.id });
    const up = await call('POST', 'upgrade', { plan_id: large.id });
    expect(up).toMatchObject({
      status: 200,
      body: { plan: { id: large.id }, pending_change: null, cancel_at_period_end: false },
    });
    await service.settle();
    expect(await view()).toMatchObject({ plan: { id: large.id }, cancel_at_period_end: false });
  });
});

describe('quantity and items', () => {
  it('counts every addition of callers that come at once', async () => {
    await service.subscribe(tenant, small.id);
    await service.settle();
    const answers = await Promise.all([1, 2, 3].map(() => call('PATCH', 'quantity', { add: 1 })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await view()).toMatchObject({ quantity: 4 });
    expect((await call('PATCH', 'quantity', { quantity: 2 })).body).toMatchObject({ quantity: 2 });
    expect(await call('PATCH', 'quantity', { add: -2 })).toMatchObject({ status: 422 });
  });

  it('adds, changes and takes off further lines; limits and features follow', async () => {
    await service.subscribe(tenant, small.id);
    const added = await call('POST', 'items', { plan_id: addOn.id, quantity: 2 });
    expect(added).toMatchObject({
      status: 201,
      body: { entitlements: { limits: { seats: 25 }, features: ['extra', 'reports'] } },
    });
    expect(added.body.items).toHaveLength(2);
    const line = added.body.items.find((item: { plan_id: string }) => item.plan_id === addOn.id);
    const main = added.body.items.find((item: { plan_id: string }) => item.plan_id === small.id);
    expect(await call('POST', 'items', { plan_id: addOn.id })).toMatchObject({ status: 409 });
    const changed = await call('PATCH', `items/${line.id}`, { quantity: 3 });
    expect(changed.body).toMatchObject({ plan: { id: small.id }, entitlements: { limits: { seats: 35 } } });
    expect(await call('DELETE', `items/${main.id}`)).toMatchObject({
      status: 409,
      body: { reason: 'main_item' },
    });
    const removed = await call('DELETE', `items/${line.id}`);
    expect(removed.body).toMatchObject({ entitlements: { limits: { seats: 5 } } });
    expect(removed.body.items).toHaveLength(1);
  });
});

describe('a pause', () => {
  it('keeps access: nothing is collected, and it can be resumed', async () => {
    await service.subscribe(tenant, small.id);
    const paused = await call('POST', 'pause', { mode: 'access_kept' });
    expect(paused.body).toMatchObject({ status: 'PAUSED', entitlements: { plan_id: small.id } });
    expect(await call('POST', 'upgrade', { plan_id: large.id })).toMatchObject({
      status: 409,
      body: { reason: 'paused' },
    });
    expect((await call('POST', 'resume')).body).toMatchObject({ status: 'ACTIVE', paused_at: null });
    await service.settle();
    expect(await told()).toEqual(['subscription.created', 'subscription.paused', 'subscription.resumed']);
  });

  it('stops access: the plan is gone until it is resumed', async () => {
    await service.subscribe(tenant, small.id);
    const paused = await call('POST', 'pause', { mode: 'access_stopped' });
    expect(paused.body).toMatchObject({ status: 'PAUSED' });
    expect(paused.body.entitlements.plan_id).not.toBe(small.id);
    expect((await call('POST', 'resume')).body).toMatchObject({
      status: 'ACTIVE',
      entitlements: { plan_id: small.id },
    });
  });
});
