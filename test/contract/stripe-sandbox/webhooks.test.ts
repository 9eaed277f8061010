import type Stripe from 'stripe';
import { sandboxUnderTest, type SandboxUnderTest } from './harness';
import { startReceiver, type Receiver } from './receiver';

const SECRET = 'whsec_contract';

describe('webhook deliveries', () => {
  let under: SandboxUnderTest;
  let stripe: Stripe;
  let receiver: Receiver;

  beforeEach(async () => {
    receiver = await startReceiver();
    under = await sandboxUnderTest({ webhooks: [{ url: receiver.url, secret: SECRET }] });
    stripe = under.stripe;
  }, 60_000);
  afterEach(async () => {
    await under.close();
    await receiver.close();
  });

  const customers = async (count: number) => {
    for (let n = 0; n < count; n++) await stripe.customers.create({ name: `n${n}` });
  };
  const quiet = () => under.sandbox.deliveriesIdle(8000);
  const names = () =>
    receiver.received.map(
      ({ body }) => (JSON.parse(body) as { data: { object: { name: string } } }).data.object.name,
    );

  it('are signed so that the official package accepts them, and nothing else', async () => {
    await customers(1);
    await quiet();
    const [delivery] = receiver.received;
    const event = stripe.webhooks.constructEvent(delivery!.body, delivery!.signature, SECRET, 300);
    expect(event).toMatchObject({
      type: 'customer.created',
      api_version: '2026-10-28.endive',
      livemode: false,
      pending_webhooks: 1,
    });
    expect(() =>
      stripe.webhooks.constructEvent(delivery!.body, delivery!.signature, 'whsec_other', 300),
    ).toThrow(/signature/);
    expect(() =>
      stripe.webhooks.constructEvent(`${delivery!.body} `, delivery!.signature, SECRET, 300),
    ).toThrow(/signature/);
  });

  it('are signed with real time whatever the sandbox clock says', async () => {
    under.sandbox.advance(40 * 86_400_000);
    await customers(1);
    await quiet();
    const [delivery] = receiver.received;
    const event = stripe.webhooks.constructEvent(delivery!.body, delivery!.signature, SECRET, 300);
    expect(event.created * 1000 - Date.now()).toBeGreaterThan(39 * 86_400_000);
  });

  it('name the request and its idempotency key', async () => {
    await stripe.customers.create({ name: 'keyed' }, { idempotencyKey: 'key-1' });
    await quiet();
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({
      request: { idempotency_key: 'key-1', id: expect.stringMatching(/^req_/) },
    });
  });

  it('are tried again until a 2xx comes, with the same bytes', async () => {
    receiver.answer = () => (receiver.received.length < 3 ? 500 : 204);
    await customers(1);
    await quiet();
    expect(receiver.received).toHaveLength(3);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(under.sandbox.deliveries()).toMatchObject([
      { status: 'delivered', attempts: 3, last_status_code: 204, next_attempt_at: null },
    ]);
  });

  it('fail for good when the plan is used up, and are found by the events list', async () => {
    receiver.answer = () => 503;
    await customers(1);
    await quiet();
    expect(under.sandbox.deliveries()).toMatchObject([
      { status: 'failed', attempts: 5, last_status_code: 503 },
    ]);
    const missed = await stripe.events.list({ delivery_success: false });
    expect(missed.data).toHaveLength(1);
    receiver.answer = () => 200;
    await under.sandbox.resend(missed.data[0]!.id);
    expect((await stripe.events.list({ delivery_success: false })).data).toEqual([]);
    expect((await stripe.events.list({ delivery_success: true })).data).toHaveLength(1);
  });

  it('are repeated when duplicates are switched on', async () => {
    under.sandbox.setFaults({ duplicate: 1 });
    await customers(4);
    await quiet();
    expect(receiver.received).toHaveLength(8);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(4);
  });

  it('are lost for ever when dropped, unless sent again', async () => {
    under.sandbox.setFaults({ drop: 1 });
    await customers(2);
    await quiet();
    expect(receiver.received).toEqual([]);
    expect(under.sandbox.deliveries().map(({ status }) => status)).toEqual(['dropped', 'dropped']);
    const event = under.sandbox.deliveries()[0]!.event_id;
    const response = await fetch(`${under.sandbox.url}/_sandbox/deliveries/${event}/resend`, {
      method: 'POST',
    });
    expect(response.status).toBe(200);
    expect(receiver.received.map(({ id }) => id)).toEqual([event]);
    expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(1);
  });

  it('come in another order when shuffled', async () => {
    under.sandbox.setFaults({ shuffle: true, seed: 7 });
    await customers(12);
    await quiet();
    const straight = Array.from({ length: 12 }, (_unused, n) => `n${n}`);
    expect(names()).not.toEqual(straight);
    expect([...names()].sort()).toEqual([...straight].sort());
  });

  it('wait when delayed', async () => {
    under.sandbox.setFaults({ delay_ms: 250 });
    const begun = Date.now();
    await customers(1);
    expect(under.sandbox.deliveries()).toMatchObject([{ status: 'pending', attempts: 0 }]);
    await quiet();
    expect(receiver.received[0]!.at - begun).toBeGreaterThanOrEqual(245);
  });

  it('go to endpoints made by the API too, only for the events they want', async () => {
    const other = await startReceiver();
    const endpoint = await stripe.webhookEndpoints.create({
      url: other.url,
      enabled_events: ['product.created'],
    });
    await customers(1);
    await stripe.products.create({ name: 'Seen' });
    await quiet();
    expect(other.received.map(({ type }) => type)).toEqual(['product.created']);
    const [delivery] = other.received;
    expect(
      stripe.webhooks.constructEvent(delivery!.body, delivery!.signature, endpoint.secret!, 300).type,
    ).toBe('product.created');
    expect(receiver.received.map(({ type }) => type).sort()).toEqual(['customer.created', 'product.created']);
    await stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
    await stripe.products.create({ name: 'Not seen' });
    await quiet();
    expect(other.received).toHaveLength(1);
    await other.close();
  });

  it('leave nothing behind of an operation that was undone', async () => {
    const customer = await stripe.customers.create({ name: 'kept' });
    const declined = stripe.customers.create({
      name: 'undone',
      payment_method: 'pm_card_chargeDeclined',
      invoice_settings: {},
    });
    await expect(declined).rejects.toMatchObject({ statusCode: 402 });
    await quiet();
    expect(
      receiver.received.map(
        ({ body }) => (JSON.parse(body) as { data: { object: { id: string } } }).data.object.id,
      ),
    ).toEqual([customer.id]);
    expect(under.sandbox.objects('customer')).toHaveLength(1);
  });

  it('keep up with a burst and deliver every event once', async () => {
    await Promise.all(
      Array.from({ length: 300 }, (_unused, n) => stripe.customers.create({ name: `burst${n}` })),
    );
    await quiet();
    expect(receiver.received).toHaveLength(300);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(300);
  }, 20_000);
});
