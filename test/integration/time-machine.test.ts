import type Stripe from 'stripe';
import { expectInvariants } from '../faults/invariants/invariants';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import { use } from '../support/usage-jobs';

/** A year of a tenant's life in one test: one clock moves the service, Stripe and all jobs (spec 09). */
let service: TestService;
let tenant: TestTenant;
let starter: { id: string };
let pro: { id: string };

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: 'starter', TRIAL_DAYS: '14' } });
  await service.makePlan({ slug: 'free', amount: 0, limits: { email_sends: 100 } });
  starter = await service.makePlan({ slug: 'starter', amount: 2900, limits: { email_sends: 1000 } });
  pro = await service.makePlan({ slug: 'pro', amount: 9900, limits: { email_sends: 10_000 } });
  tenant = await service.makeTenant();
});
afterAll(() => service.close());

const advance = async (
  span: string,
): Promise<{ fired: { what: string }[]; jobs: Record<string, number> }> => {
  const { status, body } = await service.api('POST', '/v1/sandbox/clock', {
    key: service.adminKey,
    body: { advance: span },
  });
  expect([span, status, body.detail]).toEqual([span, 200, undefined]);
  return body;
};
const own = (method: string, path: string, body?: unknown) =>
  service.api(method, `/v1/billings/${path}`, { key: tenant.key, body });
const subscription = async () => (await own('GET', 'subscription')).body;
const change = async (method: string, action: string, body?: unknown) => {
  const answer = await own(method, `subscription/${action}`, body);
  expect([action, answer.status, answer.body.detail]).toEqual([action, 200, undefined]);
  return answer.body;
};
const paymentStatus = async (): Promise<string> =>
  (
    await service.rows<{ payment_status: string }>('select payment_status from tenants where id = $1', [
      tenant.id,
    ])
  )[0]!.payment_status;
const stripeInvoices = (): Stripe.Invoice[] => service.stripe.objects('invoice') as Stripe.Invoice[];

/** What Stripe has billed is what is shown here: same invoices, same amounts, same states. */
async function expectInvoicesToAgree(): Promise<void> {
  const { body } = await own('GET', 'invoices?limit=100');
  const shown = (body.data as { number: string; status: string; total: number }[])
    .map(({ number, status, total }) => `${number} ${status} ${total}`)
    .sort();
  const billed = stripeInvoices()
    .filter(({ status }) => status !== 'draft')
    .map(({ number, status, total }) => `${number} ${status} ${total}`)
    .sort();
  expect(shown).toEqual(billed);
}

it('lives thirteen months: trial, purchase, upgrade, failure, recovery, seats, downgrade, pause, end', async () => {
  const used: number[] = [];
  const send = async (count: number): Promise<void> => {
    await use(service, tenant, 'email_sends', count);
    used.push(count);
  };

  // A trial of our own, bought out of early.
  expect(await subscription()).toMatchObject({ entitlements: { source: 'trial', plan_id: starter.id } });
  await send(50);
  await advance('P10D');
  await service.subscribe(tenant, starter.id);
  expect(await subscription()).toMatchObject({ status: 'ACTIVE' });
  expect(stripeInvoices().map(({ total }) => total)).toEqual([2900]);
  await send(700);

  // Two renewals: each month begins at 0. Stripe collects an hour after the period has turned.
  await advance('P1MT2H');
  expect((await own('GET', 'access/metrics/email_sends')).body.current_usage).toBe(0);
  await send(900);
  await advance('P1M');
  expect(stripeInvoices().filter(({ status }) => status === 'paid')).toHaveLength(3);

  // An upgrade in the middle of a period: charged to the second, in force at once.
  await advance('P10D');
  const preview = (await own('POST', 'subscription/upgrade/preview', { plan_id: pro.id })).body;
  await change('POST', 'upgrade', { plan_id: pro.id, proration_date: preview.proration_date });
  expect(stripeInvoices().at(-1)!.total).toBe(preview.amount_due);
  expect((await own('GET', 'access/metrics/email_sends')).body.limit).toBe(10_000);
  await send(5000);

  // The card is refused at the renewal: grace, overdue, paid again.
  const [method] = (await own('GET', 'payment-methods')).body.data;
  service.stripe.failNext(method.id, 3, 'insufficient_funds');
  await advance('P21D');
  expect([await paymentStatus(), (await subscription()).status]).toEqual(['PAST_DUE', 'PAST_DUE']);
  await advance('P15D');
  expect([await paymentStatus(), (await subscription()).status]).toEqual(['PAID', 'ACTIVE']);

  // Seats.
  await change('PATCH', 'quantity', { quantity: 3 });
  await advance('P1M');
  expect(stripeInvoices().at(-1)).toMatchObject({ status: 'paid', total: 3 * 9900 });

  // Down at the period's end.
  await change('PATCH', 'quantity', { quantity: 1 });
  await change('POST', 'downgrade', { plan_id: starter.id });
  expect((await subscription()).plan.id).toBe(pro.id);
  await advance('P1M');
  expect((await subscription()).plan.id).toBe(starter.id);
  expect((await own('GET', 'access/metrics/email_sends')).body.limit).toBe(1000);

  // Two months of rest, with access.
  await change('POST', 'pause', { mode: 'access_kept' });
  await advance('P2M');
  expect(await subscription()).toMatchObject({ status: 'PAUSED' });
  await change('POST', 'resume');
  await advance('P3M');
  await send(10);

  // The end, with the period.
  await change('POST', 'cancel', { reason: 'moved on' });
  expect(await subscription()).toMatchObject({ status: 'ACTIVE', cancel_at_period_end: true });
  await advance('P1M');
  expect(await subscription()).toMatchObject({ entitlements: { source: 'free' } });
  await service.drain();

  await expectInvoicesToAgree();
  const [total] = await service.rows<{ used: string }>(
    `select sum(current_usage) as used from tenant_usage where tenant_id = $1 and metric_name = 'email_sends'
        and period_kind = 'month'`,
    [tenant.id],
  );
  expect(Number(total!.used)).toBe(used.reduce((sum, count) => sum + count, 0));
  await expectInvariants({ databaseUrl: service.database.superuserUrl });
}, 120_000);
