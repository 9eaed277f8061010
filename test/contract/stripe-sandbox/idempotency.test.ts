import type Stripe from 'stripe';
import { clientOf, sandboxUnderTest, type SandboxUnderTest } from './harness';

describe('request idempotency', () => {
  let under: SandboxUnderTest;
  let stripe: Stripe;

  beforeAll(async () => {
    under = await sandboxUnderTest();
    stripe = under.stripe;
  }, 60_000);
  afterEach(() => under.sandbox.setFaults({}));
  afterAll(() => under.close());

  it('gives the first answer again, byte for byte, and says so', async () => {
    const raw = async () => {
      const response = await fetch(`${under.sandbox.url}/v1/customers`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${under.sandbox.secretKey}`,
          'idempotency-key': 'same-bytes',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'email=same%40example.com',
      });
      return { text: await response.text(), replayed: response.headers.get('idempotent-replayed') };
    };
    const [first, second] = [await raw(), await raw()];
    expect(first.replayed).toBeNull();
    expect(second).toEqual({ text: first.text, replayed: 'true' });
    expect((await stripe.customers.list({ email: 'same@example.com' })).data).toHaveLength(1);
  });

  it('refuses the key with other parameters', async () => {
    await stripe.customers.create({ name: 'a' }, { idempotencyKey: 'k-other' });
    await expect(stripe.customers.create({ name: 'b' }, { idempotencyKey: 'k-other' })).rejects.toMatchObject(
      {
        type: 'StripeIdempotencyError',
        statusCode: 400,
      },
    );
  });

  it('executes once under concurrency: the others are told that it is in progress', async () => {
    under.sandbox.setFaults({ latency_ms: 300 });
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () =>
        stripe.customers.create({ name: 'once' }, { idempotencyKey: 'k-race' }),
      ),
    );
    under.sandbox.setFaults({});
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as { statusCode: number; code: string }] : [],
    );
    // On a slow machine some arrive after the first is done: they get its answer, never one of their own.
    const answered = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.id] : []));
    expect(new Set(answered).size).toBe(1);
    expect(refused.length).toBeGreaterThan(0);
    expect(
      refused.every(({ statusCode, code }) => statusCode === 409 && code === 'idempotency_key_in_use'),
    ).toBe(true);
    const made = under.sandbox.objects('customer').filter((row) => (row as Stripe.Customer).name === 'once');
    expect(made).toHaveLength(1);
    // The package's own retries turn the conflict into the one answer.
    const again = await clientOf(under.sandbox, 2).customers.create(
      { name: 'once' },
      { idempotencyKey: 'k-race' },
    );
    expect(again.id).toBe((made[0] as Stripe.Customer).id);
  });

  it('keeps nothing of a request that never began', async () => {
    const wrong = { colour: 'red' } as Stripe.CustomerCreateParams;
    await expect(stripe.customers.create(wrong, { idempotencyKey: 'k-invalid' })).rejects.toMatchObject({
      code: 'parameter_unknown',
    });
    await expect(
      stripe.customers.create({ name: 'fine' }, { idempotencyKey: 'k-invalid' }),
    ).resolves.toMatchObject({ name: 'fine' });
  });

  it('keeps a failure that happened while executing, and the declined payment with it', async () => {
    const customer = await stripe.customers.create({ name: 'declined' });
    const attach = () =>
      stripe.paymentMethods.attach(
        'pm_card_chargeDeclined',
        { customer: customer.id },
        { idempotencyKey: 'k-402' },
      );
    await expect(attach()).rejects.toMatchObject({ statusCode: 402 });
    await expect(attach()).rejects.toMatchObject({
      statusCode: 402,
      headers: { 'idempotent-replayed': 'true' },
    });
  });

  it('replays a stored 500 for the key, and nothing was done', async () => {
    under.sandbox.setFaults({ status: { '500': 1 } });
    await expect(
      stripe.customers.create({ name: 'five' }, { idempotencyKey: 'k-500' }),
    ).rejects.toMatchObject({ statusCode: 500 });
    under.sandbox.setFaults({});
    await expect(
      stripe.customers.create({ name: 'five' }, { idempotencyKey: 'k-500' }),
    ).rejects.toMatchObject({
      statusCode: 500,
      headers: { 'idempotent-replayed': 'true' },
    });
    expect(under.sandbox.objects('customer').some((row) => (row as Stripe.Customer).name === 'five')).toBe(
      false,
    );
    await expect(
      stripe.customers.create({ name: 'five' }, { idempotencyKey: 'k-500b' }),
    ).resolves.toMatchObject({ name: 'five' });
  });
});
