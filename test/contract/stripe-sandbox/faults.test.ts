import type Stripe from 'stripe';
import { clientOf, sandboxUnderTest, type SandboxUnderTest } from './harness';

describe('faults', () => {
  let under: SandboxUnderTest;
  let stripe: Stripe;

  beforeAll(async () => {
    under = await sandboxUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterEach(() => under.sandbox.setFaults({}));
  afterAll(() => under.close());

  const control = async (path: string, body?: unknown) => {
    const response = await fetch(`${under.sandbox.url}/_sandbox${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const named = (name: string) =>
    (under.sandbox.objects('customer') as Stripe.Customer[]).filter((customer) => customer.name === name);

  it('are replaced as a whole by the control, and cleared by {}', async () => {
    expect((await control('/faults', { duplicate: 0.5, status: { '429': 0.1 } })).body).toEqual({
      duplicate: 0.5,
      status: { '429': 0.1 },
    });
    expect((await control('/faults', { shuffle: true })).body).toEqual({ shuffle: true });
    expect((await control('/faults')).body).toEqual({ shuffle: true });
    expect((await control('/faults', {})).body).toEqual({});
  });

  it.each([
    [{ sabotage: 1 }, /Unknown fault: sabotage/],
    [{ drop: 1.5 }, /drop is a number from 0 to 1/],
    [{ drop: '0.5' }, /drop/],
    [{ outage: 1 }, /outage is true or false/],
    [{ latency_ms: -1 }, /latency_ms/],
    [{ delay_ms: 1e9 }, /delay_ms/],
    [{ status: { '503': 0.1 } }, /503/],
    [[], /JSON object/],
    ['{', /JSON/],
  ])('refuses %j', async (faults, message) => {
    const { status, body } = await control('/faults', faults);
    expect(status).toBe(400);
    expect((body.error as { message: string }).message).toMatch(message);
    expect(under.sandbox.faults()).toEqual({});
  });

  it('latency: answers come late', async () => {
    under.sandbox.setFaults({ latency_ms: 120 });
    const begun = Date.now();
    await stripe.customers.list();
    expect(Date.now() - begun).toBeGreaterThanOrEqual(118);
  });

  it('outage: every API connection is cut, and nothing is done', async () => {
    under.sandbox.setFaults({ outage: true });
    await expect(stripe.customers.create({ name: 'outage' })).rejects.toMatchObject({
      type: 'StripeConnectionError',
    });
    expect(named('outage')).toEqual([]);
    expect((await control('/health')).status).toBe(200);
  });

  it('executed but cut off: done and stored, and a retry with the key finds it', async () => {
    under.sandbox.setFaults({ cut_after_execute: 1 });
    const key = { idempotencyKey: 'cut-1' };
    await expect(stripe.customers.create({ name: 'cut' }, key)).rejects.toMatchObject({
      type: 'StripeConnectionError',
    });
    expect(named('cut')).toHaveLength(1);
    under.sandbox.setFaults({});
    const found = await stripe.customers.create({ name: 'cut' }, key);
    expect(found.id).toBe(named('cut')[0]!.id);
    expect(named('cut')).toHaveLength(1);
    expect(under.sandbox.requests().filter(({ idempotency_key: sent }) => sent === 'cut-1')).toMatchObject([
      { cut: true, status: null, replayed: false },
      { cut: false, status: 200, replayed: true },
    ]);
  });

  it('429: refused without execution, with the headers of a rate limit', async () => {
    under.sandbox.setFaults({ status: { '429': 1 } });
    await expect(stripe.customers.create({ name: 'limited' })).rejects.toMatchObject({
      type: 'StripeRateLimitError',
      statusCode: 429,
      headers: { 'stripe-rate-limited-reason': 'global-rate', 'retry-after': '1' },
    });
    expect(named('limited')).toEqual([]);
  });

  it('409: the key is in use, and the package tries again by itself', async () => {
    under.sandbox.setFaults({ status: { '409': 1 } });
    await expect(
      stripe.customers.create({ name: 'conflict' }, { idempotencyKey: 'c-1' }),
    ).rejects.toMatchObject({
      statusCode: 409,
      code: 'idempotency_key_in_use',
    });
    expect(named('conflict')).toEqual([]);
    under.sandbox.setFaults({ status: { '409': 0.5 }, seed: 3 });
    await clientOf(under.sandbox, 8).customers.create({ name: 'conflict' }, { idempotencyKey: 'c-1' });
    expect(named('conflict')).toHaveLength(1);
  });

  it('repeat themselves for the same seed', async () => {
    const run = async () => {
      under.sandbox.setFaults({ status: { '429': 0.5 }, seed: 42 });
      const answers: boolean[] = [];
      for (let n = 0; n < 30; n++)
        answers.push(
          await stripe.customers.list().then(
            () => true,
            () => false,
          ),
        );
      return answers;
    };
    const first = await run();
    expect(first).toContain(true);
    expect(first).toContain(false);
    expect(await run()).toEqual(first);
  });

  it('leave one object per key under a storm of them', async () => {
    under.sandbox.setFaults({ cut_after_execute: 0.3, status: { '429': 0.1, '409': 0.05 }, seed: 11 });
    await Promise.all(
      Array.from({ length: 60 }, async (_unused, n) => {
        for (let attempt = 0; attempt < 50; attempt++) {
          const made = await stripe.customers
            .create({ name: 'storm', metadata: { n } }, { idempotencyKey: `storm-${n}` })
            .catch(() => null);
          if (made) return;
        }
        throw new Error(`operation ${n} never succeeded`);
      }),
    );
    expect(named('storm')).toHaveLength(60);
    expect(new Set(named('storm').map(({ metadata }) => metadata.n)).size).toBe(60);
    expect(under.sandbox.requests().some(({ cut }) => cut)).toBe(true);
  });

  it('a port that is taken is said, and nothing stays open', async () => {
    await expect(sandboxUnderTest({ port: under.sandbox.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });

  it('the log says what the service really sent', async () => {
    const since = new Date();
    await stripe.customers.create({ name: 'logged', metadata: { a: '1' } }, { idempotencyKey: 'log-1' });
    const { body } = await control(`/requests?since=${since.toISOString()}`);
    expect((body.data as object[]).at(-1)).toMatchObject({
      method: 'POST',
      path: '/v1/customers',
      idempotency_key: 'log-1',
      parameters: { name: 'logged', metadata: { a: '1' } },
      status: 200,
    });
    expect((await control('/requests?since=yesterday')).status).toBe(400);
  });

  it('controls show objects, and forget everything on reset', async () => {
    const customer = await stripe.customers.create({ name: 'shown' });
    expect((await control(`/objects/customer/${customer.id}`)).body).toMatchObject({ name: 'shown' });
    expect((await control('/objects/customer/cus_nowhere')).status).toBe(404);
    expect((await control('/objects/idempotency')).body).toEqual({ data: [] });
    expect((await control('/unheard-of')).status).toBe(404);
    expect((await control('/reset', {})).status).toBe(200);
    expect((await stripe.customers.list()).data).toEqual([]);
  });
});
