import type Stripe from 'stripe';
import { setTimeout as pause } from 'node:timers/promises';
import { CheckoutJobs } from '../../src/modules/billing/checkout/checkout.jobs';
import { StripeOperationsJobs } from '../../src/stripe/operations/stripe-operations.jobs';
import { Metrics } from '../../src/platform/metrics';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import type { ApiAnswer } from '../support/api';

/** What the service does when Stripe loses answers, refuses for a while, or is away: R-15 in short. */
let service: TestService;
let plan: { id: string };

beforeAll(async () => {
  service = await startTestService();
  plan = await service.makePlan();
});
afterAll(() => service.close());
afterEach(() => service.stripeIsBack());

const BAD_DAY = { cut_after_execute: 0.3, status: { '429': 0.1, '409': 0.05, '500': 0.05 } };

function buy(tenant: TestTenant, planId = plan.id): Promise<ApiAnswer> {
  return service.api('POST', '/v1/billings/subscription/checkout', {
    key: tenant.key,
    body: { plan_id: planId },
  });
}

const of = <T>(type: string, fits: (object: T) => boolean): T[] =>
  (service.stripe.objects(type) as T[]).filter(fits);
const customersOf = (tenant: TestTenant): Stripe.Customer[] =>
  of<Stripe.Customer>('customer', (customer) => customer.metadata?.tenantId === tenant.id);
const subscriptionsOf = (tenant: TestTenant): Stripe.Subscription[] =>
  of<Stripe.Subscription>('subscription', (one) => one.metadata.tenantId === tenant.id);
const openSessionsOf = (tenant: TestTenant): Stripe.Checkout.Session[] =>
  of<Stripe.Checkout.Session>(
    'checkout.session',
    (session) => session.metadata?.tenantId === tenant.id && session.status === 'open',
  );

/** Writes to Stripe whose outcome the service does not know. */
async function unknowns(): Promise<number> {
  const [row] = await service.rows<{ n: number }>(
    `select (select count(*) from stripe_operations where state in ('pending', 'unknown'))
          + (select count(*) from checkout_sessions where state = 'creating') as n`,
  );
  return Number(row!.n);
}

async function timed<T>(work: () => Promise<T>): Promise<{ answer: T; ms: number }> {
  const started = performance.now();
  const answer = await work();
  return { answer, ms: performance.now() - started };
}

describe('on a bad day', () => {
  it('makes one object per wish, makes nobody wait over 10 s, and knows every outcome in the end', async () => {
    const tenants = await Promise.all(Array.from({ length: 12 }, () => service.makeTenant()));
    // Every third is invoiced, so that its subscription itself is what is made.
    const plans = await Promise.all(
      tenants.map(({ id }, at) =>
        at % 3 === 0 ? service.makePlan({ manual_invoicing: true, tenant_id: id }) : plan,
      ),
    );
    service.stripe.setFaults({ ...BAD_DAY, seed: 5 });
    let slowest = 0;
    await Promise.all(
      tenants.map(async (tenant, at) => {
        for (let attempt = 0; attempt < 5; attempt += 1) {
          const { answer, ms } = await timed(() => buy(tenant, plans[at].id));
          slowest = Math.max(slowest, ms);
          expect([201, 409, 503]).toContain(answer.status);
          if (answer.status !== 503) return;
          expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        }
      }),
    );
    expect(slowest).toBeLessThan(10_000);
    // Nobody asks again: what is unknown now is settled by the jobs alone.
    await service.until(async () => (await unknowns()) === 0, 60_000);
    await service.stripeIsBack();

    for (const [at, tenant] of tenants.entries()) {
      expect(customersOf(tenant)).toHaveLength(1);
      const bought = at % 3 === 0 ? subscriptionsOf(tenant) : openSessionsOf(tenant);
      expect(bought.length).toBeLessThanOrEqual(1);
    }
  }, 180_000);
});

describe('the janitor', () => {
  /** As if the process had died between Stripe's doing and our writing it down. */
  async function forgetCustomer(tenant: TestTenant): Promise<void> {
    await service.rows(`update tenants set stripe_customer_id = null where id = $1`, [tenant.id]);
    await service.rows(
      `update stripe_operations set state = 'pending', stripe_object_id = null, locked_until = 'epoch'
        where tenant_id = $1`,
      [tenant.id],
    );
  }

  it('finishes what a dead process began: the same customer, known and audited', async () => {
    const tenant = await service.makeTenant();
    await buy(tenant);
    await forgetCustomer(tenant);
    await service.get(StripeOperationsJobs).settle();
    const [row] = await service.rows<{ stripe_customer_id: string }>(
      'select stripe_customer_id from tenants where id = $1',
      [tenant.id],
    );
    expect(customersOf(tenant).map(({ id }) => id)).toEqual([row!.stripe_customer_id]);
  });

  it('leaves alone what somebody is busy with', async () => {
    const tenant = await service.makeTenant();
    await buy(tenant);
    await forgetCustomer(tenant);
    await service.rows(
      `update stripe_operations set locked_until = now() + interval '1 minute' where tenant_id = $1`,
      [tenant.id],
    );
    await service.get(StripeOperationsJobs).settle();
    const [row] = await service.rows<{ state: string }>(
      'select state from stripe_operations where tenant_id = $1',
      [tenant.id],
    );
    expect(row!.state).toBe('pending');
    await service.rows(`update stripe_operations set locked_until = 'epoch' where tenant_id = $1`, [
      tenant.id,
    ]);
  });

  it('finds the object behind a failure that Stripe stored, and makes it under a new key if there is none', async () => {
    const tenant = await service.makeTenant();
    service.stripe.setFaults({ status: { '500': 1 } });
    expect((await buy(tenant)).status).toBe(503);
    await service.stripeIsBack();
    await service.get(StripeOperationsJobs).settle();
    const [row] = await service.rows<{ state: string; stripe_object_id: string }>(
      'select state, stripe_object_id from stripe_operations where tenant_id = $1',
      [tenant.id],
    );
    expect(customersOf(tenant).map(({ id }) => id)).toEqual([row!.stripe_object_id]);
    expect(row!.state).toBe('succeeded');
  });

  it('settles plans, which belong to nobody, so that an operator is not stuck for a day', async () => {
    const slug = `stuck-${Date.now()}`;
    const body = { name: 'Stuck', slug, currency: 'usd', amount: 700, interval: 'month', limits: {} };
    service.stripe.setFaults({ status: { '500': 1 } });
    const refused = await service.api('POST', '/v1/admin/plans', { key: service.adminKey, body });
    expect(refused.status).toBe(503);
    await service.stripeIsBack();
    await service.get(StripeOperationsJobs).settle();
    expect((await service.admin('POST', '/v1/admin/plans', body)).slug).toBe(slug);
    const made = of<Stripe.Product>('product', (product) => product.metadata.plan_slug === slug);
    expect(made).toHaveLength(1);
  });

  it('finishes a checkout whose maker died: the session Stripe has is known here, and is the next answer', async () => {
    const tenant = await service.makeTenant();
    const { body } = await buy(tenant);
    await service.rows(
      `update checkout_sessions set state = 'creating', stripe_session_id = null, url = null, locked_until = 'epoch'
        where tenant_id = $1`,
      [tenant.id],
    );
    await service.get(CheckoutJobs).settle();
    const [row] = await service.rows<{ state: string; stripe_session_id: string }>(
      'select state, stripe_session_id from checkout_sessions where tenant_id = $1',
      [tenant.id],
    );
    expect(row).toEqual({ state: 'open', stripe_session_id: body.id });
    expect((await buy(tenant)).body.id).toBe(body.id);
  });
});

describe('with Stripe away', () => {
  it('stops asking, says when to come back, reads go on from what we know, and all is well a moment after', async () => {
    const subscriber = await service.makeTenant();
    await service.subscribe(subscriber, plan.id);
    const tenants = await Promise.all(Array.from({ length: 4 }, () => service.makeTenant()));
    service.stripe.setFaults({ outage: true });
    await Promise.all(tenants.map((tenant) => buy(tenant)));
    const metrics = await service.get(Metrics).registry.metrics();
    expect(metrics).toMatch(/billing_stripe_circuit_state (1|0\.5)/);

    const before = service.stripe.requests().length;
    const quick = await timed(() => Promise.all(tenants.map((tenant) => buy(tenant))));
    expect(quick.answer.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    for (const answer of quick.answer) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    // At most one caller at a time may try.
    expect(service.stripe.requests().length - before).toBeLessThanOrEqual(4);

    const view = await timed(() => service.api('GET', '/v1/billings/subscription', { key: subscriber.key }));
    expect(view.answer).toMatchObject({ status: 200, body: { status: 'ACTIVE' } });

    service.stripe.setFaults({});
    await service.until(async () => (await buy(tenants[0]!)).status === 201);
    await service.until(async () => (await unknowns()) === 0, 60_000);
    for (const tenant of tenants) expect(customersOf(tenant).length).toBeLessThanOrEqual(1);
  }, 90_000);

  it('never keeps a caller over 10 s, even when Stripe takes the request and says nothing', async () => {
    const tenant = await service.makeTenant();
    service.stripe.setFaults({ latency_ms: 11_000 });
    const { answer, ms } = await timed(() => buy(tenant));
    expect([answer.status, answer.body.code]).toEqual([503, 'stripe_unavailable']);
    expect(ms).toBeLessThan(10_000);
  }, 30_000);
});

it('waits as long as Stripe says after too many requests, all callers together', async () => {
  const tenant = await service.makeTenant();
  service.stripe.setFaults({ status: { '429': 1 } });
  const waiting = buy(tenant);
  await pause(300);
  service.stripe.setFaults({});
  const { answer, ms } = await timed(() => waiting);
  expect(answer.status).toBe(201);
  // Retry-After of the sandbox is a second.
  expect(ms).toBeGreaterThan(500);
}, 30_000);
