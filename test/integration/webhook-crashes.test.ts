import { setTimeout as pause } from 'node:timers/promises';
import { ChildService } from '../support/child-service';
import { deliver, madeUpEvent, signed } from '../support/stripe-delivery';
import { startTestService, type TestService } from '../support/service';

const EVENTS = 1000;
const KILLS = 20;

let service: TestService;

beforeAll(async () => {
  // The surroundings, and an API process that only makes tenants; the worker is the one that dies.
  service = await startTestService({ env: { ROLE: 'api' } });
});
afterAll(() => service.close());

it(`killed ${KILLS} times while ${EVENTS} events arrive, every event answered 200 is processed`, async () => {
  const plan = await service.makePlan();
  const child = await ChildService.create({ ...service.env, ROLE: 'all' });
  await child.start();
  service.stripe.setWebhooks([{ url: `${child.url}/v1/webhooks/stripe`, secret: service.webhookSecret }]);
  const tenants = [];
  for (let at = 0; at < 10; at++) {
    const tenant = await service.makeTenant();
    await service.subscribe(tenant, plan.id);
    tenants.push(tenant);
  }
  const subscriptions = await service.rows<{ stripe_subscription_id: string }>(
    'select stripe_subscription_id from billings where stripe_subscription_id is not null',
  );
  expect(subscriptions).toHaveLength(10);

  const acknowledged = new Set<string>();
  let sent = 0;
  const sender = async (): Promise<void> => {
    while (sent < EVENTS) {
      const object = service.stripe.object(
        'subscription',
        subscriptions[sent++ % 10]!.stripe_subscription_id,
      );
      const event = madeUpEvent({ data: { object } });
      const payload = JSON.stringify(event);
      // Stripe tries again until it hears 200.
      for (;;) {
        const answer = await deliver(child.url, payload, signed(payload, service.webhookSecret)).catch(
          () => null,
        );
        if (answer?.status === 200) break;
        await pause(30);
      }
      acknowledged.add(String(event.id));
      await pause(10);
    }
  };
  const senders = Promise.all(Array.from({ length: 8 }, sender));
  let kills = 0;
  for (; kills < KILLS; kills++) {
    await pause(60 + Math.random() * 200);
    await child.kill();
    await child.start();
  }
  await senders;
  expect(acknowledged.size).toBe(EVENTS);

  await service.until(async () => {
    const [row] = await service.rows<{ n: string }>(
      `select count(*) as n from stripe_events where status = 'pending'`,
    );
    return row!.n === '0';
  }, 60_000);
  const rows = await service.rows<{ event_id: string; status: string }>(
    'select event_id, status from stripe_events',
  );
  const byId = new Map(rows.map((row) => [row.event_id, row.status]));
  const lost = [...acknowledged].filter((id) => byId.get(id) !== 'processed');
  expect(lost).toEqual([]);
  const effects = await service.rows<{ n: number }>(
    `select count(*)::int as n from outbox where type = 'subscription.created' group by tenant_id`,
  );
  expect(effects.map((effect) => effect.n)).toEqual(Array.from({ length: 10 }, () => 1));
  await child.stop();
}, 240_000);
