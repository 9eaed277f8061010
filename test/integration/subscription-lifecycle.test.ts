import type Stripe from 'stripe';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** The life of a subscription through the API: ended, brought back, going down to free; who is told. */
let service: TestService;
let plan: { id: string };
let free: { id: string };
let tenant: TestTenant;

beforeAll(async () => {
  service = await startTestService();
  free = await service.makePlan({ slug: 'free', amount: 0, limits: { campaigns: 1, seats: 1 } });
  plan = await service.makePlan({ amount: 2900 });
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
const told = async () =>
  (
    await service.rows<{ type: string }>(
      `select type from outbox where tenant_id = $1 and type like 'subscription.%' and type <> 'subscription.changed'
       order by id`,
      [tenant.id],
    )
  ).map((row) => row.type);

describe('cancel and reactivate', () => {
  it('ends with the period, keeps the reason, tells and mails it once, and takes it back', async () => {
    await service.subscribe(tenant, plan.id);
    await service.settle();
    const wish = { reason: 'too expensive', feedback: 'maybe later' };
    const canceled = await call('POST', 'cancel', wish);
    expect(canceled).toMatchObject({
      status: 200,
      body: {
        status: 'ACTIVE',
        cancel_at_period_end: true,
        cancellation_reason: 'too expensive',
        cancellation_feedback: 'maybe later',
      },
    });
    expect(await call('POST', 'cancel', wish)).toMatchObject({ status: 200 });
    await service.settle();
    expect(await told()).toEqual(['subscription.created', 'subscription.cancelled']);

    const back = await call('POST', 'reactivate');
    expect(back.body).toMatchObject({ cancel_at_period_end: false, cancellation_reason: null });
    await service.settle();
    expect(await told()).toEqual([
      'subscription.created',
      'subscription.cancelled',
      'subscription.reactivated',
    ]);
    expect(await call('POST', 'reactivate')).toMatchObject({
      status: 409,
      body: { code: 'state_conflict', reason: 'not_ending' },
    });
    const mails = await service.rows<{ type: string }>(
      `select type from notifications where tenant_id = $1 and type in ('canceled', 'reactivated') order by type`,
      [tenant.id],
    );
    expect(mails.map((mail) => mail.type)).toEqual(['canceled', 'reactivated']);
  });

  it('ends at once: the plan is gone when the answer is given, and cannot come back', async () => {
    await service.subscribe(tenant, plan.id);
    const ended = await call('POST', 'cancel', { reason: 'closing', at: 'now' });
    expect(ended.body).toMatchObject({
      status: 'CANCELED',
      entitlements: { source: 'free', plan_id: free.id },
    });
    for (const action of ['cancel', 'reactivate', 'pause', 'resume'])
      expect(
        await call(
          'POST',
          action,
          action === 'cancel' ? { reason: 'x' } : action === 'pause' ? { mode: 'access_kept' } : undefined,
        ),
      ).toMatchObject({ status: 409, body: { reason: 'no_subscription' } });
  });

  it('asks Stripe once under an idempotency key, however often it is asked, also when answers are lost', async () => {
    await service.subscribe(tenant, plan.id);
    await service.settle();
    const headers = { 'idempotency-key': `cancel-${tenant.id}` };
    service.stripe.setFaults({ cut_after_execute: 0.5 });
    const answers = await Promise.all([1, 2, 3].map(() => call('POST', 'cancel', { reason: 'x' }, headers)));
    service.stripe.setFaults({});
    const last = await call('POST', 'cancel', { reason: 'x' }, headers);
    expect(last.status).toBe(200);
    for (const answer of answers) expect([200, 409, 503]).toContain(answer.status);
    await service.settle();
    expect(await told()).toEqual(['subscription.created', 'subscription.cancelled']);
  });
});

describe('going down to the free plan', () => {
  it('waits for the end of the period, can be taken back, and is shown meanwhile', async () => {
    await service.subscribe(tenant, plan.id);
    const down = await call('POST', 'downgrade', { plan_id: free.id });
    expect(down).toMatchObject({
      status: 200,
      body: { status: 'ACTIVE', plan: { id: plan.id }, pending_change: { plan_id: free.id } },
    });
    expect(await call('POST', 'downgrade', { plan_id: free.id })).toMatchObject({
      status: 409,
      body: { reason: 'change_scheduled' },
    });
    const { body: waiting } = await call('GET', 'scheduled-changes');
    expect(waiting.data).toMatchObject([{ kind: 'plan', plan_id: free.id, state: 'pending' }]);

    const back = await call('DELETE', `scheduled-changes/${waiting.data[0].id}`);
    expect(back.body).toMatchObject({ pending_change: null, cancel_at_period_end: false });
    expect((await call('GET', 'scheduled-changes')).body.data).toEqual([]);
    expect(await call('DELETE', 'downgrade')).toMatchObject({
      status: 409,
      body: { reason: 'no_change_scheduled' },
    });
    await service.settle();
    expect(await told()).toEqual([
      'subscription.created',
      'subscription.downgrade_scheduled',
      'subscription.downgrade_canceled',
    ]);
  });

  it('is on the free plan in the moment in which Stripe ends the subscription', async () => {
    await service.subscribe(tenant, plan.id);
    const down = await call('POST', 'downgrade', { plan_id: free.id, effective: 'now' });
    expect(down.body).toMatchObject({
      status: 'FREE',
      plan: { id: free.id },
      stripe_subscription_id: null,
      entitlements: { source: 'free', plan_id: free.id },
    });
    await service.settle();
    expect(await told()).toEqual([
      'subscription.created',
      'subscription.downgrade_scheduled',
      'subscription.ended',
      'subscription.downgraded',
    ]);
    const rows = await service.rows<{ state: string }>(
      'select state from scheduled_changes where tenant_id = $1',
      [tenant.id],
    );
    expect(rows).toEqual([{ state: 'applied' }]);
  });

  it('can follow an end that is set already, for instance by a process that died before it wrote why', async () => {
    await service.subscribe(tenant, plan.id);
    await call('POST', 'cancel', { reason: 'x' });
    const down = await call('POST', 'downgrade', { plan_id: free.id });
    expect(down).toMatchObject({
      status: 200,
      body: { cancel_at_period_end: true, pending_change: { plan_id: free.id } },
    });
    const other = await service.makePlan({ amount: 500 });
    expect(await call('POST', 'downgrade', { plan_id: other.id })).toMatchObject({ status: 409 });
  });

  it('is refused while more is used than the plan allows, and says of what', async () => {
    await service.subscribe(tenant, plan.id);
    for (const n of [1, 2, 3])
      await service.api('POST', '/v1/billings/usage/events', {
        key: tenant.key,
        body: { event_id: `seat-${n}`, metric: 'seats' },
      });
    expect(await call('POST', 'downgrade', { plan_id: free.id })).toMatchObject({
      status: 409,
      body: {
        code: 'usage_exceeds_plan',
        exceeded_limits: [{ metric: 'seats', used: 3, limit: 1, excess: 2 }],
      },
    });
    expect(await view()).toMatchObject({ pending_change: null, cancel_at_period_end: false });
  });
});

describe('pause', () => {
  it.each(['up', 'down'])('refuses changes of another direction on the wrong route: %s', async (way) => {
    const dear = await service.makePlan({ amount: 9900 });
    await service.subscribe(tenant, plan.id);
    const answer =
      way === 'up'
        ? await call('POST', 'downgrade', { plan_id: dear.id })
        : await call('POST', 'upgrade', { plan_id: free.id });
    expect(answer).toMatchObject({ status: 409, body: { code: 'state_conflict' } });
  });

  it('refuses what cannot be: a foreign plan, another currency, an end in the past', async () => {
    await service.subscribe(tenant, plan.id);
    const stranger = await service.makeTenant();
    const theirs = await service.makePlan({ tenant_id: stranger.id });
    const euros = await service.makePlan({ currency: 'eur', amount: 9900 });
    expect(await call('POST', 'upgrade', { plan_id: theirs.id })).toMatchObject({
      status: 404,
      body: { code: 'plan_not_found' },
    });
    expect(await call('POST', 'upgrade', { plan_id: euros.id })).toMatchObject({ status: 422 });
    expect(
      await call('POST', 'pause', { mode: 'access_stopped', resumes_at: '2020-01-01T00:00:00.000Z' }),
    ).toMatchObject({ status: 400, body: { errors: [{ pointer: '/resumes_at' }] } });
    expect(await call('PATCH', 'quantity', {})).toMatchObject({ status: 400 });
    expect(await call('PATCH', 'quantity', { quantity: 2, add: 1 })).toMatchObject({ status: 400 });
  });
});

describe('an upgrade without a subscription', () => {
  it('leads to the checkout when there is nothing to charge, and changes nothing (402)', async () => {
    const answer = await call('POST', 'upgrade', { plan_id: plan.id });
    expect(answer).toMatchObject({
      status: 402,
      body: { code: 'payment_action_required', checkout_url: expect.stringContaining('http') },
    });
    expect(await view()).toMatchObject({ status: 'NONE', entitlements: { source: 'free' } });
    await service.stripe.completeCheckout(answer.body.checkout_id, 'success');
    await service.until(async () => (await view()).status === 'ACTIVE');
  });

  it('charges the default payment method, ends the trial, and is in force when it returns', async () => {
    await service.subscribe(tenant, plan.id);
    await call('POST', 'cancel', { reason: 'x', at: 'now' });
    const { body: methods } = await service.api('GET', '/v1/billings/payment-methods', { key: tenant.key });
    const [method] = methods.data;
    await service.api('POST', `/v1/billings/payment-methods/${method.id}/default`, { key: tenant.key });
    const answer = await call('POST', 'upgrade', { plan_id: plan.id, quantity: 2 });
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'ACTIVE', quantity: 2, plan: { id: plan.id } },
    });
    const subscriptions = (service.stripe.objects('subscription') as Stripe.Subscription[]).filter(
      (one) => one.metadata.tenantId === tenant.id && one.status === 'active',
    );
    expect(subscriptions).toHaveLength(1);
  });
});

describe('operators', () => {
  it('do the same for any tenant, by the id of its subscription', async () => {
    const active = await service.subscribe(tenant, plan.id);
    const canceled = await service.admin('POST', `/v1/subscriptions/${active.id}/cancel`, {
      reason: 'asked by mail',
    });
    expect(canceled).toMatchObject({ tenant_id: tenant.id, cancel_at_period_end: true });
    expect(await service.admin('GET', `/v1/subscriptions/${active.id}`)).toMatchObject({
      tenant_id: tenant.id,
    });
    const unknown = await service.api('POST', `/v1/subscriptions/${tenant.id}/cancel`, {
      key: service.adminKey,
      body: { reason: 'x' },
    });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await service.api('GET', `/v1/subscriptions/${active.id}`, { key: tenant.key })).toMatchObject({
      status: 403,
    });
  });
});
