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

  it('keeps what the billing engine remembers: debits, schedules, waiting changes, test clocks', async () => {
    const first = await sandboxUnderTest({ dataDir });
    const { stripe } = first;
    const subscribe = async (name: string, more: Partial<Stripe.SubscriptionCreateParams> = {}) => {
      const customer = await stripe.customers.create({ name, payment_method: 'pm_card_visa' });
      const [card] = (await stripe.paymentMethods.list({ customer: customer.id })).data;
      const price = await monthlyPrice(stripe, 3000);
      return stripe.subscriptions.create({
        customer: customer.id,
        items: [{ price: price.id }],
        default_payment_method: card!.id,
        ...more,
      });
    };
    const half = await stripe.coupons.create({ percent_off: 50, duration: 'once' });
    const discounted = await subscribe('discounted', { discounts: [{ coupon: half.id }] });
    const scheduled = await subscribe('scheduled');
    const schedule = await stripe.subscriptionSchedules.create({ from_subscription: scheduled.id });
    const waiting = await subscribe('waiting');
    first.sandbox.failNext(waiting.default_payment_method as string, 1, 'generic_decline');
    const pending = await stripe.subscriptions.update(waiting.id, {
      items: [{ id: waiting.items.data[0]!.id, quantity: 2 }],
      proration_behavior: 'always_invoice',
      payment_behavior: 'pending_if_incomplete',
    });
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: 1_900_000_000 });
    first.sandbox.advance(10 * 3_600_000);
    await first.close();

    const second = await sandboxUnderTest({ dataDir });
    expect(await second.stripe.testHelpers.testClocks.retrieve(clock.id)).toEqual(clock);
    expect((await second.stripe.subscriptionSchedules.retrieve(schedule.id)).subscription).toBe(scheduled.id);
    await second.stripe.invoices.pay(pending.latest_invoice as string);
    const applied = await second.stripe.subscriptions.retrieve(waiting.id);
    expect(applied.items.data[0]!.quantity).toBe(2);
    const item = discounted.items.data[0]!;
    const at = item.current_period_start + (item.current_period_end - item.current_period_start) / 2;
    second.sandbox.advance(at * 1000 - second.sandbox.now().getTime());
    await second.stripe.subscriptionItems.update(item.id, { quantity: 2, proration_date: at });
    const credits = await second.stripe.invoiceItems.list({ customer: discounted.customer as string });
    // Half of the 1500 that were paid, not of the 3000 the price says.
    expect(credits.data.map(({ amount }) => amount)).toEqual([3000, -750]);
    await second.close();
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
