import type Stripe from 'stripe';
import { newsOf } from '../../src/modules/billing/stripe-events/event-handlers';
import { deliver, madeUpEvent, signed } from '../support/stripe-delivery';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** Every type of news that spec/03 names, as a signed delivery whose payload lies: what counts is what Stripe holds. */
let service: TestService;
let plan: { id: string };
let tenant: TestTenant;
let customer: string;
let subscription: string;
let invoice: Stripe.Invoice;
let method: string;
let charge: string;

beforeAll(async () => {
  service = await startTestService({ env: { SMTP_URL: '' } });
  plan = await service.makePlan({ amount: 2900 });
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.makeTenant();
  const active = await service.subscribe(tenant, plan.id);
  await service.settle();
  subscription = active.stripe_subscription_id;
  const { customer: owner } = service.stripe.object('subscription', subscription) as Stripe.Subscription;
  customer = owner as string;
  const of = <T>(type: string) =>
    (service.stripe.objects(type) as (T & { customer: string })[]).filter((one) => one.customer === customer);
  invoice = of<Stripe.Invoice>('invoice')[0]!;
  method = of<Stripe.PaymentMethod>('payment_method')[0]!.id;
  charge = of<Stripe.Charge>('charge')[0]!.id;
});

/** Delivers one event about an object; answers how the inbox dealt with it. */
async function news(
  type: string,
  object: Record<string, unknown>,
  previous?: Record<string, unknown>,
): Promise<{ status: string; error: string | null; tenant_id: string | null }> {
  const event = madeUpEvent({
    type,
    data: { object, ...(previous ? { previous_attributes: previous } : {}) },
  });
  const payload = JSON.stringify(event);
  const answer = await deliver(service.url, payload, signed(payload, service.webhookSecret));
  expect(answer).toMatchObject({ status: 200, body: { result: 'stored' } });
  await service.settle();
  const [row] = await service.rows<{ status: string; error: string | null; tenant_id: string | null }>(
    'select status, error, tenant_id from stripe_events where event_id = $1',
    [event.id],
  );
  return row!;
}
const told = async (like: string) =>
  (
    await service.rows<{ type: string }>(
      'select type from outbox where tenant_id = $1 and type like $2 order by id',
      [tenant.id, like],
    )
  ).map((row) => row.type);
const audited = (action: string) =>
  service.rows(`select after from audit_logs where tenant_id = $1 and action = $2`, [tenant.id, action]);
const view = async () => (await service.api('GET', '/v1/billings/subscription', { key: tenant.key })).body;
const rowOf = async () =>
  (await service.rows<Record<string, unknown>>('select * from tenants where id = $1', [tenant.id]))[0]!;

const items = { object: 'list', data: [{ id: 'si_x', current_period_end: 1_800_000_000 }] };

it.each(
  [
    'created',
    'updated',
    'deleted',
    'paused',
    'resumed',
    'trial_will_end',
    'pending_update_applied',
    'pending_update_expired',
  ].map((what) => `customer.subscription.${what}`),
)('%s: the subscription is read again, and a lie in the payload changes nothing', async (type) => {
  const before = await view();
  const lie = { id: subscription, object: 'subscription', customer, status: 'canceled', items };
  expect(await news(type, lie)).toMatchObject({ status: 'processed', tenant_id: tenant.id });
  const { stripe: _before, ...same } = before;
  expect(await view()).toMatchObject(same);
});

it.each(
  [
    'finalized',
    'finalization_failed',
    'updated',
    'paid',
    'payment_succeeded',
    'payment_failed',
    'payment_action_required',
    'overdue',
    'voided',
    'marked_uncollectible',
  ].map((what) => `invoice.${what}`),
)('%s: the invoice is read again, and a lie in the payload changes nothing', async (type) => {
  await service.rows('delete from invoices where tenant_id = $1', [tenant.id]);
  const lie = { id: invoice.id, object: 'invoice', customer, status: 'uncollectible', amount_remaining: 99 };
  expect(await news(type, lie)).toMatchObject({ status: 'processed', tenant_id: tenant.id });
  const rows = await service.rows('select status, total from invoices where tenant_id = $1', [tenant.id]);
  expect(rows).toEqual([{ status: 'paid', total: '2900' }]);
  expect(await view()).toMatchObject({ payment_status: 'PAID' });
});

it('a schedule that came or went: its subscription is read again', async () => {
  const cheap = await service.makePlan({ amount: 900 });
  await service.api('POST', '/v1/billings/subscription/downgrade', {
    key: tenant.key,
    body: { plan_id: cheap.id },
  });
  await service.settle();
  const [schedule] = (
    service.stripe.objects('subscription_schedule') as Stripe.SubscriptionSchedule[]
  ).filter((one) => one.subscription === subscription);
  for (const what of ['updated', 'released', 'canceled', 'completed', 'aborted'])
    expect(
      await news(`subscription_schedule.${what}`, {
        id: schedule!.id,
        object: 'subscription_schedule',
        customer,
      }),
    ).toMatchObject({ status: 'processed', tenant_id: tenant.id });
  // It is still there in Stripe, whatever the types said.
  expect(await view()).toMatchObject({ pending_change: { plan_id: cheap.id } });
  expect(await news('subscription_schedule.released', { id: 'sub_sched_none', customer })).toMatchObject({
    status: 'ignored',
  });
});

it('a schedule released in the dashboard takes the pending change along', async () => {
  const cheap = await service.makePlan({ amount: 900 });
  await service.api('POST', '/v1/billings/subscription/downgrade', {
    key: tenant.key,
    body: { plan_id: cheap.id },
  });
  await service.settle();
  const [schedule] = (
    service.stripe.objects('subscription_schedule') as Stripe.SubscriptionSchedule[]
  ).filter((one) => one.subscription === subscription);
  const released = await fetch(`${service.stripe.url}/v1/subscription_schedules/${schedule!.id}/release`, {
    method: 'POST',
    headers: { authorization: `Bearer ${service.stripe.secretKey}` },
  });
  expect(released.status).toBe(200);
  await service.settle();
  expect(await view()).toMatchObject({ pending_change: null, plan: { id: plan.id } });
  expect(await told('subscription.downgrade%')).toEqual([
    'subscription.downgrade_scheduled',
    'subscription.downgrade_canceled',
  ]);
  expect(await service.rows('select state from scheduled_changes where tenant_id = $1', [tenant.id])).toEqual(
    [{ state: 'canceled' }],
  );
});

it('invoice.upcoming: the tenant is told, though the invoice has no id yet', async () => {
  const due = Math.floor(Date.now() / 1000) + 3 * 86_400;
  const object = {
    object: 'invoice',
    customer,
    amount_due: 2900,
    currency: 'usd',
    next_payment_attempt: due,
  };
  expect(await news('invoice.upcoming', object)).toMatchObject({ status: 'processed', tenant_id: tenant.id });
  expect(await told('invoice.upcoming')).toEqual(['invoice.upcoming']);
  const mails = await service.rows<{ content: { amount: number; due_at: string } }>(
    `select content from notifications where tenant_id = $1 and type = 'invoice_upcoming'`,
    [tenant.id],
  );
  expect(mails).toMatchObject([{ content: { amount: 2900, due_at: new Date(due * 1000).toISOString() } }]);
});

it('customer.updated changes nothing; a deleted customer is forgotten, so that the next purchase makes another', async () => {
  expect(await news('customer.updated', { id: customer, object: 'customer' })).toMatchObject({
    status: 'processed',
  });
  expect(await rowOf()).toMatchObject({ stripe_customer_id: customer });
  const gone = await fetch(`${service.stripe.url}/v1/customers/${customer}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${service.stripe.secretKey}` },
  });
  expect(gone.status).toBe(200);
  await service.settle();
  expect(await rowOf()).toMatchObject({ stripe_customer_id: null });
  expect(await audited('STRIPE_CUSTOMER_FORGOTTEN')).toHaveLength(1);
});

it('payment methods: who gets or loses one is told, and the loss is mailed', async () => {
  const card = { brand: 'visa', last4: '4242' };
  const object = { id: method, object: 'payment_method', type: 'card', card };
  const before = await told('payment_method.%');
  expect(await news('payment_method.attached', { ...object, customer })).toMatchObject({
    status: 'processed',
  });
  expect(await news('payment_method.updated', { ...object, customer })).toMatchObject({
    status: 'processed',
  });
  expect(await news('payment_method.detached', { ...object, customer: null }, { customer })).toMatchObject({
    status: 'processed',
    tenant_id: tenant.id,
  });
  expect((await told('payment_method.%')).slice(before.length)).toEqual([
    'payment_method.attached',
    'payment_method.detached',
  ]);
  const mails = await service.rows<{ content: object }>(
    `select content from notifications where tenant_id = $1 and type = 'payment_method_removed'`,
    [tenant.id],
  );
  expect(mails).toMatchObject([{ content: { last4: '4242', methods_left: 1 } }]);
});

it('refunds and disputes are recorded from the charge itself; a dispute that is lost costs the standing', async () => {
  expect(
    await news('charge.refunded', { id: charge, object: 'charge', customer, amount_refunded: 1 }),
  ).toMatchObject({ status: 'processed' });
  expect(await audited('CHARGE_REFUNDED')).toMatchObject([{ after: { amount: 2900, currency: 'usd' } }]);
  expect(await news('charge.dispute.created', { id: 'dp_1', object: 'dispute', charge })).toMatchObject({
    status: 'processed',
    tenant_id: tenant.id,
  });
  expect(await view()).toMatchObject({ payment_status: 'PAID' });
  expect(
    await news('charge.dispute.closed', { id: 'dp_1', object: 'dispute', charge, status: 'lost' }),
  ).toMatchObject({ status: 'processed' });
  expect(await audited('CHARGE_DISPUTED')).toHaveLength(2);
  expect(await view()).toMatchObject({ payment_status: 'FAILED' });
});

it("another customer's news is nobody's: ignored, and nothing is told", async () => {
  const object = { id: invoice.id, object: 'invoice', customer: 'cus_stranger' };
  expect(await news('invoice.paid', object)).toMatchObject({ status: 'ignored', tenant_id: null });
  // An invoice that Stripe says is another's is not written to the one who is named.
  const stranger = await service.makeTenant();
  const theirs = await service.subscribe(stranger, plan.id);
  await service.settle();
  const { customer: other } = service.stripe.object(
    'subscription',
    theirs.stripe_subscription_id,
  ) as Stripe.Subscription;
  const lie = { id: invoice.id, object: 'invoice', customer: other };
  expect(await news('invoice.paid', lie)).toMatchObject({ status: 'ignored' });
});

it('knows every type that it is asked to handle', () => {
  expect(newsOf('invoice.paid')).toBe('invoice');
  expect(newsOf('toString')).toBeNull();
  expect(newsOf('radar.early_fraud_warning.created')).toBeNull();
});
