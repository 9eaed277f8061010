import Stripe from 'stripe';
import { EventHealer } from '../../src/modules/billing/reconciliation/event-healer';
import { SubscriptionReconciler } from '../../src/modules/billing/reconciliation/subscription-reconciler';
import { deliver, madeUpEvent, madeUpNotification, signed } from '../support/stripe-delivery';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import type { ApiAnswer } from '../support/api';

/** Stripe's inbox as operators see it, and how it is healed: R-12. */
let service: TestService;
let stripe: Stripe;
let plan: { id: string };

beforeAll(async () => {
  service = await startTestService();
  const { hostname, port } = new URL(service.stripe.url);
  stripe = new Stripe(service.stripe.secretKey, { host: hostname, port: Number(port), protocol: 'http' });
  plan = await service.makePlan();
});
afterAll(() => service.close());
afterEach(() => service.stripeIsBack());

const admin = (method: string, path: string): Promise<ApiAnswer> =>
  service.api(method, `/v1/admin/stripe-events${path}`, { key: service.adminKey });

async function take(event: Record<string, unknown>): Promise<string> {
  const payload = JSON.stringify(event);
  await deliver(service.url, payload, signed(payload, service.webhookSecret));
  return String(event.id);
}

async function heal(): Promise<ApiAnswer['body']> {
  const asked = await admin('POST', '/heal');
  expect(asked.status).toBe(202);
  return service.until(async () => {
    const { body } = await admin('GET', '/heal');
    return body.id === asked.body.id && body.status === 'succeeded' ? body : null;
  }, 20_000);
}

/** Mirrors that say something else than Stripe. */
async function drift(): Promise<unknown[]> {
  const rows = await service.rows<{ stripe_subscription_id: string; stripe_status: string; ending: boolean }>(
    `select stripe_subscription_id, stripe_status, cancel_at_period_end as ending from billings
      where stripe_subscription_id is not null`,
  );
  const mirrored = new Map(rows.map((row) => [row.stripe_subscription_id, row]));
  return (service.stripe.objects('subscription') as Stripe.Subscription[]).filter((truth) => {
    const row = mirrored.get(truth.id);
    return row?.stripe_status !== truth.status || row.ending !== truth.cancel_at_period_end;
  });
}

describe('the list of events', () => {
  it('is filtered by status, type, tenant and time, and paged without gaps', async () => {
    const type = `made.up.${Date.now()}`;
    const ids: string[] = [];
    for (let at = 0; at < 5; at += 1) ids.unshift(await take(madeUpEvent({ type })));
    const first = await admin('GET', `?type=${type}&limit=3`);
    expect(first.body.data.map((event: { id: string }) => event.id)).toEqual(ids.slice(0, 3));
    const rest = await admin('GET', `?type=${type}&limit=3&cursor=${first.body.next_cursor}`);
    expect(rest.body).toMatchObject({ has_more: false, next_cursor: null });
    expect(rest.body.data.map((event: { id: string }) => event.id)).toEqual(ids.slice(3));
    expect((await admin('GET', `?type=${type}&status=dead`)).body.data).toEqual([]);
    const from = encodeURIComponent(first.body.data[1].received_at as string);
    const since = await admin('GET', `?type=${type}&from=${from}`);
    expect(since.body.data.map((event: { id: string }) => event.id)).toEqual(ids.slice(0, 2));
    const until = await admin('GET', `?type=${type}&to=${from}`);
    expect(until.body.data).toHaveLength(3);
    const other = await admin('GET', `?type=other&cursor=${first.body.next_cursor}`);
    expect([other.status, other.body.code]).toEqual([400, 'invalid_cursor']);
  });

  it("shows a tenant's events, and one with its payload", async () => {
    const tenant = await service.makeTenant();
    await service.subscribe(tenant, plan.id);
    await service.settle();
    const { body } = await admin('GET', `?tenant_id=${tenant.id}&status=processed`);
    expect(body.data.length).toBeGreaterThan(0);
    for (const event of body.data) expect(event.tenant_id).toBe(tenant.id);
    const one = await admin('GET', `/${body.data[0].id}`);
    expect(one.body).toMatchObject({ ...body.data[0], payload: { id: body.data[0].id, object: 'event' } });
    expect((await admin('GET', '/evt_nothing')).status).toBe(404);
  });
});

describe('another try', () => {
  it('processes a dead event after all, audited; one that is processed stays so', async () => {
    const tenant = await service.makeTenant();
    const active = await service.subscribe(tenant, plan.id);
    await service.settle();
    const truth = service.stripe.object('subscription', active.stripe_subscription_id) as object;
    const id = await take(madeUpEvent({ data: { object: { ...truth, items: { data: [] } } } }));
    expect((await admin('GET', `/${id}`)).body).toMatchObject({
      status: 'dead',
      error: expect.stringContaining('malformed'),
    });
    const again = await admin('POST', `/${id}/retry`);
    expect([again.status, again.body.status, again.body.error]).toEqual([202, 'pending', null]);
    await service.until(async () => (await admin('GET', `/${id}`)).body.status === 'processed');
    const refused = await admin('POST', `/${id}/retry`);
    expect([refused.status, refused.body.code]).toEqual([409, 'state_conflict']);
    const audited = await service.rows(
      `select 1 from audit_logs where action = 'STRIPE_EVENT_RETRIED' and target_id = $1`,
      [id],
    );
    expect(audited).toHaveLength(1);
    expect((await admin('POST', '/evt_nothing/retry')).status).toBe(404);
  });
});

describe('events that never arrive', () => {
  const tenants: TestTenant[] = [];

  it('are found in Stripe: after one pass nothing differs, and a second pass finds nothing (R-12)', async () => {
    for (let at = 0; at < 6; at += 1) {
      const tenant = await service.makeTenant();
      tenants.push(tenant);
      await service.subscribe(tenant, plan.id);
    }
    await service.settle();
    await heal();
    service.stripe.setFaults({ drop: 0.5, seed: 3 });
    for (const tenant of tenants) {
      const { body } = await service.api('GET', '/v1/billings/subscription', { key: tenant.key });
      await stripe.subscriptions.update(body.stripe_subscription_id, { cancel_at_period_end: true });
    }
    await service.settle();
    const lost = service.stripe.deliveries().filter(({ status }) => status === 'dropped').length;
    expect(lost).toBeGreaterThan(0);
    expect((await drift()).length).toBeGreaterThan(0);

    service.stripe.setFaults({});
    const { report } = await heal();
    await service.settle();
    expect(report.missed).toBe(lost);
    expect(report.full_listing).toBeNull();
    expect(await drift()).toEqual([]);
    expect((await heal()).report.missed).toBe(0);
    const healed = await service.rows(`select 1 from stripe_events where source = 'healed'`);
    expect(healed).toHaveLength(lost);
  }, 60_000);

  it('and come late after all, change nothing and raise no alarm', async () => {
    const [healed] = await service.rows<{ event_id: string }>(
      `select event_id from stripe_events where source = 'healed' limit 1`,
    );
    await service.stripe.resend(healed!.event_id);
    await service.settle();
    const { body } = await admin('GET', `/${healed!.event_id}`);
    expect(body).toMatchObject({ status: 'processed', source: 'healed' });
    const metrics = await service.api('GET', '/metrics', { key: service.adminKey });
    expect(metrics.text).not.toContain('webhook_id_reused');
  });

  it('and are older than Stripe remembers: the subscriptions themselves are listed', async () => {
    service.stripe.setWebhooks([]);
    const { body } = await service.api('GET', '/v1/billings/subscription', { key: tenants[0]!.key });
    await stripe.subscriptions.cancel(body.stripe_subscription_id);
    // As if we had been away for forty days.
    await service.rows(`update stripe_reconciliations set walked_to = now() - interval '40 days'`);
    await service.rows(`delete from stripe_events`);
    const { report } = await service.get(EventHealer).heal('scheduled');
    expect(report.full_listing).toMatchObject({ stale: 1, missing: 0, absent: 0, failed: 0 });
    expect(await drift()).toEqual([]);
  });
});

describe('the nightly listing', () => {
  it('brings a subscription that was never heard of, and again finds nothing', async () => {
    service.stripe.setWebhooks([]);
    const tenant = await service.makeTenant();
    const opened = await service.api('POST', '/v1/billings/subscription/checkout', {
      key: tenant.key,
      body: { plan_id: plan.id },
    });
    await service.stripe.completeCheckout(opened.body.id, 'success');
    const reconciler = service.get(SubscriptionReconciler);
    expect(await reconciler.reconcileAll()).toMatchObject({ missing: 1, stale: 0, failed: 0 });
    expect(await drift()).toEqual([]);
    expect(await reconciler.reconcileAll()).toMatchObject({ missing: 0, stale: 0, absent: 0, failed: 0 });
  });

  it('tells of a subscription that Stripe does not have, and changes nothing of it', async () => {
    const tenant = await service.makeTenant();
    await service.rows(
      `insert into billings (tenant_id, id, status, stripe_subscription_id, stripe_status, created_at, updated_at)
       values ($1, gen_random_uuid(), 'ACTIVE', $2, 'active', now(), now())`,
      [tenant.id, `sub_gone_${Date.now()}`],
    );
    const before = await service.rows('select * from billings where tenant_id = $1', [tenant.id]);
    expect(await service.get(SubscriptionReconciler).reconcileAll()).toMatchObject({ absent: 1 });
    expect(await service.rows('select * from billings where tenant_id = $1', [tenant.id])).toEqual(before);
    await service.rows('delete from billings where tenant_id = $1', [tenant.id]);
  });
});

describe('event notifications', () => {
  const PATH = '/v1/webhooks/stripe/events';
  const notify = (event: Record<string, unknown>, secret = service.eventsSecret) => {
    const payload = JSON.stringify(event);
    return deliver(service.url, payload, signed(payload, secret), PATH);
  };

  it('are proven by the secret of their own endpoint', async () => {
    expect(await notify(madeUpNotification(), service.webhookSecret)).toMatchObject({
      status: 400,
      body: { code: 'invalid_signature' },
    });
    expect(await notify(madeUpEvent())).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
    const snapshot = JSON.stringify(madeUpEvent());
    const there = await deliver(service.url, snapshot, signed(snapshot, service.eventsSecret));
    expect(there).toMatchObject({ status: 400, body: { code: 'invalid_signature' } });
  });

  it('of meter errors are kept and told; unknown ones are kept and ignored; the same one is known', async () => {
    const event = madeUpNotification();
    expect((await notify(event)).body).toEqual({ received: true, result: 'stored' });
    expect((await notify(event)).body).toEqual({ received: true, result: 'duplicate' });
    await service.until(async () => (await admin('GET', `/${String(event.id)}`)).body.status === 'processed');
    const metrics = await service.api('GET', '/metrics', { key: service.adminKey });
    expect(metrics.text).toMatch(/billing_alarms_total\{kind="stripe_meter_error"\} 1/);
    const nameless = madeUpNotification({ type: 'v1.billing.meter.no_meter_found', related_object: null });
    expect((await notify(nameless)).body.result).toBe('stored');
    const unknown = madeUpNotification({ type: 'v2.core.account.updated' });
    expect((await notify(unknown)).body).toEqual({ received: true, result: 'ignored' });
  });

  it('come from Stripe itself when usage can not be counted', async () => {
    service.stripe.setWebhooks([
      { url: `${service.url}${PATH}`, secret: service.eventsSecret, event_payload: 'thin' },
    ]);
    await stripe.billing.meterEvents.create({
      event_name: 'nobody_counts_this',
      payload: { stripe_customer_id: 'cus_x', value: '1' },
    });
    await service.until(async () => {
      const { body } = await admin('GET', '?type=v1.billing.meter.no_meter_found&status=processed&limit=100');
      const [sent] = service.stripe.objects('thin_event') as { id: string }[];
      return body.data.some((event: { id: string }) => event.id === sent!.id);
    });
  });

  it('of v1 objects are the same news as their events', async () => {
    const tenant = await service.makeTenant();
    service.stripe.setWebhooks([{ url: `${service.url}/v1/webhooks/stripe`, secret: service.webhookSecret }]);
    const { stripe_subscription_id: id } = await service.subscribe(tenant, plan.id);
    await service.settle();
    service.stripe.setWebhooks([]);
    await stripe.subscriptions.update(id, { cancel_at_period_end: true });
    await notify(
      madeUpNotification({
        type: 'v1.customer.subscription.updated',
        related_object: { id, type: 'subscription', url: `/v1/subscriptions/${id}` },
      }),
    );
    await service.until(async () => {
      const { body } = await service.api('GET', '/v1/billings/subscription', { key: tenant.key });
      return body.cancel_at_period_end === true;
    });
  });

  it('are refused with 501 where no endpoint is configured', async () => {
    const without = await service.replica({ STRIPE_EVENTS_SECRET: '' });
    try {
      const payload = JSON.stringify(madeUpNotification());
      const answer = await deliver(without.url, payload, signed(payload, service.eventsSecret), PATH);
      expect(answer).toMatchObject({ status: 501, body: { code: 'not_configured' } });
    } finally {
      await without.stop();
    }
  });
});
