import Stripe from 'stripe';
import { randomUUID } from 'node:crypto';
import { deliver, signed } from '../support/stripe-delivery';
import { seeded, shuffled } from '../support/random';
import { startTestService, type TestService } from '../support/service';

/** Runs of the shuffle; each is a tenant with a life of its own. SHUFFLES=1000 is the long form. */
const SHUFFLES = Number(process.env.SHUFFLES ?? 300);
const AT_ONCE = 8;

let service: TestService;
let stripe: Stripe;
let prices: { cheap: string; dear: string };

beforeAll(async () => {
  service = await startTestService();
  service.stripe.setWebhooks([]);
  const { hostname, port } = new URL(service.stripe.url);
  stripe = new Stripe(service.stripe.secretKey, { host: hostname, port: Number(port), protocol: 'http' });
  const cheap = await service.makePlan({ amount: 1000 });
  const dear = await service.makePlan({ amount: 5000 });
  prices = { cheap: cheap.stripe_price_id, dear: dear.stripe_price_id };
});
afterAll(() => service.close());

/** Steps of a subscription's life, and what the row says at its end. */
const LIVES: { name: string; steps: ((id: string) => Promise<unknown>)[]; end: Record<string, unknown> }[] = [
  { name: 'bought', steps: [], end: { status: 'ACTIVE', cancel_at_period_end: false } },
  {
    name: 'cancelled at the end of the period',
    steps: [(id) => stripe.subscriptions.update(id, { cancel_at_period_end: true })],
    end: { status: 'ACTIVE', cancel_at_period_end: true },
  },
  {
    name: 'cancelled and taken back',
    steps: [
      (id) => stripe.subscriptions.update(id, { cancel_at_period_end: true }),
      (id) => stripe.subscriptions.update(id, { cancel_at_period_end: false }),
    ],
    end: { status: 'ACTIVE', cancel_at_period_end: false },
  },
  {
    name: 'cancelled at once',
    steps: [
      (id) => stripe.subscriptions.update(id, { metadata: { note: 'x' } }),
      (id) => stripe.subscriptions.cancel(id),
    ],
    end: { status: 'CANCELED' },
  },
];

it(`${SHUFFLES} seeded lives with duplicated, delayed and shuffled deliveries all end in the same rows, each effect once`, async () => {
  const tenants = await makeTenants(SHUFFLES);
  const queue = tenants.map((tenant, seed) => ({ ...tenant, seed }));
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await live(next);
  });
  await Promise.all(workers);
  await service.settle(300_000);

  const rows = await service.rows<Record<string, unknown> & { tenant_id: string }>(
    `select b.tenant_id, b.status, b.cancel_at_period_end, b.is_live, b.stripe_subscription_id, b.stripe_status,
            (select count(*) from billings o where o.tenant_id = b.tenant_id)::int as rows,
            (select count(*) from subscription_items i where i.tenant_id = b.tenant_id)::int as items
     from billings b`,
  );
  const effects = await service.rows<{ tenant_id: string; type: string; n: number }>(
    `select tenant_id, type, count(*)::int as n from outbox where type like 'subscription.%' group by 1, 2`,
  );
  expect(rows).toHaveLength(SHUFFLES);
  for (const [seed, tenant] of tenants.entries()) {
    const row = rows.find((found) => found.tenant_id === tenant.id);
    const life = LIVES[seed % LIVES.length]!;
    expect({ seed, ...row }).toMatchObject({ seed, ...life.end, is_live: true, rows: 1, items: 1 });
    const truth = service.stripe.object(
      'subscription',
      String(row!.stripe_subscription_id),
    ) as Stripe.Subscription;
    expect({ seed, status: row!.stripe_status }).toEqual({ seed, status: truth.status });
    const happened = Object.fromEntries(
      effects.filter((effect) => effect.tenant_id === tenant.id).map(({ type, n }) => [type, n]),
    );
    expectEachEffectOnce(seed, life.name, happened);
  }
  const [inbox] = await service.rows<{ n: string }>(
    `select count(*) as n from stripe_events where status in ('pending', 'dead')`,
  );
  expect(inbox!.n).toBe('0');
}, 600_000);

/** A step nobody saw may be missing from the effects, but none may stand twice. */
function expectEachEffectOnce(seed: number, life: string, happened: Record<string, number>): void {
  for (const [type, n] of Object.entries(happened))
    if (type !== 'subscription.changed') expect({ seed, type, n }).toEqual({ seed, type, n: 1 });
  if (life === 'cancelled at once') {
    const sawItLive = happened['subscription.created'] ?? 0;
    expect({ seed, ended: happened['subscription.ended'] ?? 0 }).toEqual({ seed, ended: sawItLive });
  } else expect({ seed, created: happened['subscription.created'] }).toEqual({ seed, created: 1 });
}

/** Lives one life; what Stripe says on the way is delivered late, twice and in any order. */
async function live({ customer, seed }: { customer: string; seed: number }): Promise<void> {
  const random = seeded(seed);
  const subscription = await stripe.subscriptions.create({
    customer,
    items: [{ price: seed % 2 ? prices.cheap : prices.dear }],
    billing_mode: { type: 'flexible' },
  });
  let undelivered: Stripe.Event[] = [];
  let taken = 0;
  const collect = (): void => {
    const all = newsOf(subscription.id);
    undelivered.push(...all.slice(taken));
    taken = all.length;
  };
  const deliverSome = async (all: boolean): Promise<void> => {
    const chosen = shuffled(undelivered, random).filter(() => all || random() < 0.5);
    undelivered = undelivered.filter((event) => !chosen.includes(event));
    const times = chosen.flatMap((event) =>
      Array.from({ length: 1 + Math.floor(random() * 3) }, () => event),
    );
    for (const event of shuffled(times, random)) {
      const payload = JSON.stringify(event);
      const { status } = await deliver(service.url, payload, signed(payload, service.webhookSecret));
      expect(status).toBe(200);
    }
  };
  for (const step of LIVES[seed % LIVES.length]!.steps) {
    collect();
    await deliverSome(false);
    await step(subscription.id);
  }
  collect();
  await deliverSome(true);
}

const newsBySubscription = new Map<string, Stripe.Event[]>();
let readSoFar = 0;

/** What Stripe has said of one subscription so far, in order. */
function newsOf(subscriptionId: string): Stripe.Event[] {
  const events = service.stripe.objects('event') as Stripe.Event[];
  for (const event of events.slice(readSoFar)) {
    if (!event.type.startsWith('customer.subscription.')) continue;
    const { id } = event.data.object as { id: string };
    newsBySubscription.set(id, [...(newsBySubscription.get(id) ?? []), event]);
  }
  readSoFar = events.length;
  return newsBySubscription.get(subscriptionId) ?? [];
}

/** Tenants with customers and cards, written directly: this test is about what comes after. */
async function makeTenants(count: number): Promise<{ id: string; customer: string }[]> {
  const tenants: { id: string; customer: string }[] = [];
  for (let at = 0; at < count; at++) {
    const id = randomUUID();
    const { id: customer } = await stripe.customers.create({ metadata: { tenantId: id } });
    const card = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    await stripe.customers.update(customer, { invoice_settings: { default_payment_method: card.id } });
    tenants.push({ id, customer });
  }
  await service.rows(
    `insert into tenants (id, name, email, stripe_customer_id, created_at, updated_at)
     select unnest($1::uuid[]), 'T', 't@example.test', unnest($2::text[]), now(), now()`,
    [tenants.map(({ id }) => id), tenants.map(({ customer }) => customer)],
  );
  return tenants;
}
