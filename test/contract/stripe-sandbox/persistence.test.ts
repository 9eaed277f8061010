import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Stripe from 'stripe';
import { clientOf, monthlyPrice, openCheckout, sandboxUnderTest } from './harness';
import { startReceiver } from './receiver';

/** A sandbox in its own process, to be killed without mercy. */
async function sandboxProcess(
  options: object,
): Promise<{ process: ChildProcess; stripe: Stripe; url: string; kill(): Promise<void> }> {
  const child = spawn(process.execPath, [join(__dirname, 'run-sandbox.cjs'), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
    child.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
  });
  const kill = () =>
    new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  return {
    process: child,
    stripe: clientOf({ port, secretKey: 'sk_test_sandbox' }),
    url: `http://127.0.0.1:${port}`,
    kill,
  };
}

describe('a sandbox with a data folder', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'stripe-sandbox-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it('loses nothing that was answered when it is killed', async () => {
    const first = await sandboxProcess({ dataDir });
    const price = await monthlyPrice(first.stripe);
    const session = await openCheckout(first.stripe, price.id, { customer_email: 'kept@example.com' });
    await fetch(`${first.url}/_sandbox/checkout/sessions/${session.id}/complete`, { method: 'POST' });
    const acknowledged: string[] = [];
    const load = (async () => {
      for (let n = 0; ; n++) {
        const made = await first.stripe.customers
          .create({ name: `n${n}` }, { idempotencyKey: `p-${n}` })
          .catch(() => null);
        if (!made) return;
        acknowledged.push(made.id);
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await first.kill();
    await load;
    expect(acknowledged.length).toBeGreaterThan(5);

    const second = await sandboxProcess({ dataDir });
    const after = await second.stripe.checkout.sessions.retrieve(session.id, {
      expand: ['subscription', 'invoice'],
    });
    expect(after).toMatchObject({
      status: 'complete',
      subscription: { status: 'active' },
      invoice: { status: 'paid' },
    });
    for (const id of acknowledged) expect(await second.stripe.customers.retrieve(id)).toMatchObject({ id });
    const again = await second.stripe.customers.create({ name: 'n0' }, { idempotencyKey: 'p-0' });
    expect(again.id).toBe(acknowledged[0]);
    await second.kill();
  }, 60_000);

  it('drops a line cut short, and goes on', async () => {
    const first = await sandboxUnderTest({ dataDir });
    const customer = await first.stripe.customers.create({ name: 'whole' });
    await first.close();
    appendFileSync(join(dataDir, 'stripe-journal.ndjson'), '[["customer",{"id":"cus_half","obj');
    const second = await sandboxUnderTest({ dataDir });
    expect((await second.stripe.customers.list()).data.map(({ id }) => id)).toEqual([customer.id]);
    await second.stripe.customers.create({ name: 'after' });
    await second.close();
    const third = await sandboxUnderTest({ dataDir });
    expect((await third.stripe.customers.list()).data).toHaveLength(2);
    await third.close();
  }, 60_000);

  it('sends after a restart what was not delivered, and keeps its clock', async () => {
    const receiver = await startReceiver();
    receiver.answer = () => 500;
    const webhooks = [{ url: receiver.url, secret: 'whsec_x' }];
    const first = await sandboxUnderTest({ dataDir, webhooks, retryDelaysMs: [60_000] });
    first.sandbox.advance(3 * 86_400_000);
    await first.stripe.customers.create({ name: 'undelivered' });
    await first.sandbox.deliveriesIdle();
    expect(first.sandbox.deliveries()).toMatchObject([{ status: 'pending', attempts: 1 }]);
    await first.close();

    receiver.answer = () => 200;
    const second = await sandboxUnderTest({ dataDir, webhooks });
    expect(second.sandbox.now().getTime() - Date.now()).toBeGreaterThan(2.9 * 86_400_000);
    await second.sandbox.resend(second.sandbox.deliveries()[0]!.event_id);
    expect(receiver.received).toHaveLength(2);
    await second.close();
    await receiver.close();
  }, 60_000);
});
