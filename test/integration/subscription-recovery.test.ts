import type Stripe from 'stripe';
import { daysGoBy } from '../support/both-clocks';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import { runJob } from '../support/usage-jobs';

/** Changes that meet a payer's confirmation, lost answers, a trial, or a day that has to come: each happens once. */
let service: TestService;
let small: { id: string };
let large: { id: string };
let tenant: TestTenant;

beforeAll(async () => {
  service = await startTestService();
  small = await service.makePlan({ amount: 3000 });
  large = await service.makePlan({ amount: 9000 });
});
afterAll(() => service.close());
beforeEach(async () => {
  service.stripe.setFaults({});
  tenant = await service.makeTenant();
});

const call = (method: string, action: string, body?: Record<string, unknown>, headers = {}) =>
  service.api(method, `/v1/billings/${action}`, { key: tenant.key, body, headers });
const view = async () => (await call('GET', 'subscription')).body;
const invoicesOf = (id: string) =>
  (service.stripe.objects('invoice') as Stripe.Invoice[]).filter(
    (invoice) => invoice.parent?.subscription_details?.subscription === id && invoice.status !== 'void',
  );
const told = async (like = 'subscription.%') =>
  (
    await service.rows<{ type: string }>(
      `select type from outbox where tenant_id = $1 and type like $2 and type <> 'subscription.changed' order by id`,
      [tenant.id, like],
    )
  ).map((row) => row.type);

/** Adds a card that wants its owner's confirmation each time, and makes it the one that is charged. */
async function useCardThatAsks(): Promise<void> {
  const { body } = await call('GET', 'subscription');
  const { customer } = service.stripe.object(
    'subscription',
    body.stripe_subscription_id,
  ) as Stripe.Subscription;
  const post = async (path: string, form: Record<string, string>) => {
    const answer = await fetch(`${service.stripe.url}/v1/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${service.stripe.secretKey}` },
      body: new URLSearchParams(form),
    });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  };
  const { id } = await post('payment_methods/pm_card_authenticationRequired/attach', {
    customer: customer as string,
  });
  await post(`subscriptions/${body.stripe_subscription_id}`, { default_payment_method: id });
  expect(await call('POST', `payment-methods/${id}/default`)).toMatchObject({ status: 200 });
}

it('an upgrade whose payment needs its payer is in force when that is done, by webhook, and only then', async () => {
  const active = await service.subscribe(tenant, small.id);
  await service.settle();
  await useCardThatAsks();
  const asked = await call('POST', 'subscription/upgrade', { plan_id: large.id });
  expect(asked).toMatchObject({
    status: 402,
    body: {
      code: 'payment_action_required',
      client_secret: expect.stringContaining('_secret_'),
      amount_due: expect.any(Number),
    },
  });
  await service.settle();
  expect(await view()).toMatchObject({ status: 'ACTIVE', plan: { id: small.id } });
  const [intent] = (service.stripe.objects('payment_intent') as Stripe.PaymentIntent[]).filter(
    (one) => one.status === 'requires_action' && asked.body.client_secret.startsWith(one.id),
  );
  service.stripe.authenticatePayment(intent!.id, true);
  await service.settle();
  expect(await view()).toMatchObject({ status: 'ACTIVE', plan: { id: large.id }, payment_status: 'PAID' });
  expect(await told()).toEqual(['subscription.created', 'subscription.upgraded']);
  expect(invoicesOf(active.stripe_subscription_id)).toHaveLength(2);
});

it('an upgrade whose answers are lost is charged once, however often it is asked for', async () => {
  const active = await service.subscribe(tenant, small.id);
  await service.settle();
  service.stripe.setFaults({ cut_after_execute: 0.6, seed: 7 });
  for (let at = 0; at < 4; at++) await call('POST', 'subscription/upgrade', { plan_id: large.id });
  service.stripe.setFaults({});
  expect(await call('POST', 'subscription/upgrade', { plan_id: large.id })).toMatchObject({
    status: 200,
    body: { plan: { id: large.id } },
  });
  await service.settle();
  expect(invoicesOf(active.stripe_subscription_id)).toHaveLength(2);
  expect(await told()).toEqual(['subscription.created', 'subscription.upgraded']);
}, 60_000);

it('a downgrade takes the place of a schedule that a dead process left behind', async () => {
  const active = await service.subscribe(tenant, large.id);
  await service.settle();
  const orphan = await fetch(`${service.stripe.url}/v1/subscription_schedules`, {
    method: 'POST',
    headers: { authorization: `Bearer ${service.stripe.secretKey}` },
    body: new URLSearchParams({ from_subscription: active.stripe_subscription_id }),
  });
  expect(orphan.status).toBe(200);
  await service.settle();
  const down = await call('POST', 'subscription/downgrade', { plan_id: small.id });
  expect(down).toMatchObject({ status: 200, body: { pending_change: { plan_id: small.id } } });
  await service.settle();
  expect(await view()).toMatchObject({ plan: { id: large.id }, pending_change: { plan_id: small.id } });
  const schedules = (service.stripe.objects('subscription_schedule') as Stripe.SubscriptionSchedule[]).filter(
    (one) => one.status === 'active' && one.subscription === active.stripe_subscription_id,
  );
  expect(schedules).toHaveLength(1);
});

it('two upgrades at once are one', async () => {
  const active = await service.subscribe(tenant, small.id);
  await service.settle();
  const answers = await Promise.all(
    [1, 2, 3].map(() => call('POST', 'subscription/upgrade', { plan_id: large.id })),
  );
  for (const { status, body } of answers) expect([status, body.plan?.id]).toEqual([200, large.id]);
  await service.settle();
  expect(invoicesOf(active.stripe_subscription_id)).toHaveLength(2);
});

it("an upgrade in Stripe's trial ends it: the plan is charged from now, the unused trial is not", async () => {
  await service.rows('update tenants set trial_started_at = null, trial_ends_at = null where id = $1', [
    tenant.id,
  ]);
  const tried = await service.makePlan({ amount: 3000, trial_days: 10 });
  const active = await service.subscribe(tenant, tried.id);
  expect(active.status).toBe('TRIALING');
  const { body: preview } = await call('POST', 'subscription/upgrade/preview', { plan_id: large.id });
  expect(preview).toMatchObject({ direction: 'upgrade', credit: 0, amount_due: 9000, difference: 0 });
  const upgraded = await call('POST', 'subscription/upgrade', { plan_id: large.id });
  expect(upgraded).toMatchObject({ status: 200, body: { status: 'ACTIVE', plan: { id: large.id } } });
  await service.settle();
  const paid = invoicesOf(active.stripe_subscription_id).filter((one) => one.amount_paid > 0);
  expect(paid.map((one) => one.amount_paid)).toEqual([9000]);
});

it('our own trial is told to be converted, once, by the first purchase', async () => {
  await service.subscribe(tenant, small.id);
  await call('POST', 'subscription/upgrade', { plan_id: large.id });
  await service.settle();
  expect(await told('trial.%')).toEqual(['trial.started', 'trial.converted']);
});

it('a pause that is to end by itself is ended by the job, on its day and once', async () => {
  await service.subscribe(tenant, small.id);
  await service.settle();
  const end = new Date(Date.parse((await view()).current_period_start) + 9 * 86_400_000);
  const paused = await call('POST', 'subscription/pause', {
    mode: 'access_stopped',
    resumes_at: end.toISOString(),
  });
  expect(paused.body).toMatchObject({ status: 'PAUSED', pause_resumes_at: end.toISOString() });
  const { body: waiting } = await call('GET', 'subscription/scheduled-changes');
  expect(waiting.data).toMatchObject([{ kind: 'resume', applies_at: end.toISOString() }]);
  await runJob(service, 'tenants.scheduled_changes');
  expect(await view()).toMatchObject({ status: 'PAUSED' });
  await daysGoBy(service, 10);
  await Promise.all([
    runJob(service, 'tenants.scheduled_changes'),
    runJob(service, 'tenants.scheduled_changes'),
  ]);
  await service.settle();
  expect(await view()).toMatchObject({ status: 'ACTIVE', paused_at: null, pause_resumes_at: null });
  expect(await told()).toEqual(['subscription.created', 'subscription.paused', 'subscription.resumed']);
  const rows = await service.rows('select state from scheduled_changes where tenant_id = $1', [tenant.id]);
  expect(rows).toEqual([{ state: 'applied' }]);
});

it('a pause that somebody ends earlier leaves its job nothing to do', async () => {
  await service.subscribe(tenant, small.id);
  const { current_period_start: start } = await view();
  const end = new Date(Date.parse(start) + 5 * 86_400_000).toISOString();
  await call('POST', 'subscription/pause', { mode: 'access_stopped', resumes_at: end });
  expect((await call('POST', 'subscription/resume')).body).toMatchObject({
    status: 'ACTIVE',
    pause_resumes_at: null,
  });
  await daysGoBy(service, 6);
  await runJob(service, 'tenants.scheduled_changes');
  expect(await told()).toEqual(['subscription.created', 'subscription.paused', 'subscription.resumed']);
});
