import type Stripe from 'stripe';
import { PaymentRequirement } from '../../src/modules/limits/payment-requirement';
import { daysGoBy } from '../support/both-clocks';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import { runJob } from '../support/usage-jobs';

/** Ways to pay, invoices, and what happens when a payment fails: grace, overdue, recovery. */
let service: TestService;
let plan: { id: string };
let tenant: TestTenant;

beforeAll(async () => {
  service = await startTestService({ env: { PAYMENT_GRACE_DAYS: '2' } });
  plan = await service.makePlan({ amount: 2900 });
});
afterAll(() => service.close());
beforeEach(async () => {
  service.stripe.setFaults({});
  tenant = await service.makeTenant();
});

const call = (method: string, path: string, body?: Record<string, unknown>) =>
  service.api(method, `/v1/billings/${path}`, { key: tenant.key, body });
const view = async () => (await call('GET', 'subscription')).body;
const methods = async () => (await call('GET', 'payment-methods')).body.data;
const invoices = async (query = '') => (await call('GET', `invoices${query}`)).body.data;
const told = async () =>
  (
    await service.rows<{ type: string }>(
      `select type from outbox where tenant_id = $1 and (type like 'payment.%' or type like 'invoice.%') order by id`,
      [tenant.id],
    )
  ).map((row) => row.type);
const mails = async () =>
  (
    await service.rows<{ type: string }>(
      `select type from notifications where tenant_id = $1 and type like 'payment%' order by created_at, id`,
      [tenant.id],
    )
  ).map((row) => row.type);
const runGrace = () => runJob(service, 'tenants.payment_grace');

describe('payment methods', () => {
  it('are listed live, one is the default, and the last one stays while a paid subscription runs', async () => {
    expect(await methods()).toEqual([]);
    await service.subscribe(tenant, plan.id);
    const [first] = await methods();
    expect(first).toMatchObject({ type: 'card', brand: 'visa', last4: '4242' });
    expect(await call('DELETE', `payment-methods/${first.id}`)).toMatchObject({
      status: 409,
      body: { reason: 'last_payment_method' },
    });
    const added = await call('POST', 'payment-methods');
    expect(added).toMatchObject({
      status: 201,
      body: { client_secret: expect.stringContaining('_secret_') },
    });
    const chosen = await call('POST', `payment-methods/${first.id}/default`);
    expect(chosen.body.data).toMatchObject([{ id: first.id, is_default: true }]);
    const stranger = await service.makeTenant();
    for (const [method, path] of [
      ['POST', `payment-methods/${first.id}/default`],
      ['DELETE', `payment-methods/${first.id}`],
    ] as const)
      expect(await service.api(method, `/v1/billings/${path}`, { key: stranger.key })).toMatchObject({
        status: 404,
      });
    await call('POST', 'subscription/cancel', { reason: 'x', at: 'now' });
    expect((await call('DELETE', `payment-methods/${first.id}`)).body.data).toEqual([]);
    await service.settle();
    expect(await mails()).toEqual(['payment_method_removed']);
  });
});

describe('invoices', () => {
  it('are mirrored with their lines, paged newest first, filtered by status, and nobody else reads them', async () => {
    await service.subscribe(tenant, plan.id);
    await service.settle();
    const [invoice] = await invoices();
    expect(invoice).toMatchObject({ status: 'paid', total: 2900, amount_remaining: 0, currency: 'usd' });
    const { body: one } = await call('GET', `invoices/${invoice.id}`);
    expect(one.lines).toMatchObject([{ amount: 2900, quantity: 1, is_proration: false }]);
    expect(await invoices('?status=open')).toEqual([]);
    expect(await call('GET', 'invoices?status=draft')).toMatchObject({ status: 400 });
    expect(await call('POST', `invoices/${invoice.id}/pay`, {})).toMatchObject({
      status: 409,
      body: { reason: 'paid' },
    });
    expect(await told()).toEqual(['invoice.finalized', 'invoice.paid']);
    const stranger = await service.makeTenant();
    expect(
      await service.api('GET', `/v1/billings/invoices/${invoice.id}`, { key: stranger.key }),
    ).toMatchObject({
      status: 404,
    });
    await call('PATCH', 'subscription/quantity', { quantity: 3 });
    await service.settle();
    const { body: page } = await call('GET', 'invoices?limit=1');
    expect(page).toMatchObject({ data: [{ total: 5800 }], has_more: true });
    const next = await call('GET', `invoices?limit=1&cursor=${page.next_cursor}`);
    expect(next.body).toMatchObject({ data: [{ id: invoice.id }], has_more: false });
  });

  it('show what is to come', async () => {
    expect(await call('GET', 'invoices/upcoming')).toMatchObject({ status: 409 });
    await service.subscribe(tenant, plan.id);
    expect((await call('GET', 'invoices/upcoming')).body).toMatchObject({ total: 2900, currency: 'usd' });
    await call('POST', 'subscription/cancel', { reason: 'x' });
    expect(await call('GET', 'invoices/upcoming')).toMatchObject({
      status: 409,
      body: { reason: 'no_invoice_to_come' },
    });
  });
});

describe('a renewal whose payment fails', () => {
  it('is past due in grace, overdue after it, blocked with what to pay, and good again the moment it is paid', async () => {
    await service.subscribe(tenant, plan.id);
    await service.settle();
    const [method] = await methods();
    service.stripe.failNext(method.id, 50, 'insufficient_funds');
    await daysGoBy(service, 31);
    await service.until(async () => (await view()).payment_status === 'PAST_DUE');
    const failing = await view();
    expect(failing).toMatchObject({ status: 'PAST_DUE', entitlements: { plan_id: plan.id } });
    const graceDays =
      (new Date(failing.grace_until).getTime() -
        new Date(
          (
            await service.rows<{ payment_failed_at: Date }>(
              'select payment_failed_at from tenants where id = $1',
              [tenant.id],
            )
          )[0]!.payment_failed_at,
        ).getTime()) /
      86_400_000;
    expect(graceDays).toBe(2);
    const guard = service.get(PaymentRequirement);
    expect(await guard.enforcePaid(tenant.id as never)).toContain('grace_until=');
    expect((await told()).filter((type) => type === 'payment.failed')).toHaveLength(1);

    await daysGoBy(service, 2);
    await runGrace();
    await service.settle();
    expect(await view()).toMatchObject({ payment_status: 'OVERDUE' });
    await service.until(async () => {
      const blocked = await guard.enforcePaid(tenant.id as never).catch((error: unknown) => error);
      return (blocked as { extra?: object } | null)?.extra ? blocked : null;
    });
    const blocked = await guard.enforcePaid(tenant.id as never).catch((error: unknown) => error);
    expect(blocked).toMatchObject({
      code: 'payment_required',
      extra: {
        grace_until: expect.any(String),
        amount_due: 2900,
        currency: 'usd',
        pay_url: expect.stringContaining('http'),
      },
    });
    await runGrace();
    expect((await told()).filter((type) => type === 'payment.overdue')).toHaveLength(1);

    // Reading, paying and cancelling stay possible.
    const [open] = await invoices('?status=open');
    const refused = await call('POST', `invoices/${open.id}/pay`, {});
    expect(refused).toMatchObject({ status: 402, body: { code: 'payment_action_required' } });
    service.stripe.failNext(method.id, 0, 'insufficient_funds');
    const paid = await call('POST', `invoices/${open.id}/pay`, {});
    expect(paid).toMatchObject({ status: 200, body: { status: 'paid', amount_remaining: 0 } });
    expect(await view()).toMatchObject({ status: 'ACTIVE', payment_status: 'PAID', grace_until: null });
    await service.settle();
    expect((await told()).filter((type) => type === 'payment.recovered')).toHaveLength(1);
    expect(await mails()).toEqual(
      expect.arrayContaining(['payment_failed', 'payment_overdue', 'payment_recovered']),
    );
    const failures = (await told()).filter((type) => type === 'payment.failed').length;
    expect((await mails()).filter((type) => type === 'payment_failed')).toHaveLength(failures);
    const audited = await service.rows<{ status: string }>(
      `select after ->> 'payment_status' as status from audit_logs
       where tenant_id = $1 and action = 'PAYMENT_STATUS_CHANGED' order by sequence`,
      [tenant.id],
    );
    expect(audited.map(({ status }) => status)).toEqual(
      expect.arrayContaining(['PAST_DUE', 'OVERDUE', 'PAID']),
    );
    const [subscription] = (service.stripe.objects('subscription') as Stripe.Subscription[]).slice(-1);
    expect(subscription!.status).toBe('active');
  }, 60_000);
});
