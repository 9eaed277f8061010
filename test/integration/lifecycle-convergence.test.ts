import Stripe from 'stripe';
import { randomUUID } from 'node:crypto';
import { deliver, signed } from '../support/stripe-delivery';
import { seeded, shuffled } from '../support/random';
import { startTestService, type TestService } from '../support/service';

/**
 * R-09 for the rest of a subscription's life: changes, schedules, pauses, failed payments. Whatever is delivered twice,
 * late or in any order, our rows end as Stripe's do, and each effect happens once.
 */
const SHUFFLES = Number(process.env.SHUFFLES ?? 44);
const AT_ONCE = 8;

let service: TestService;
let stripe: Stripe;
let prices: { cheap: string; dear: string; addOn: string };

beforeAll(async () => {
  service = await startTestService();
  service.stripe.setWebhooks([]);
  const { hostname, port } = new URL(service.stripe.url);
  stripe = new Stripe(service.stripe.secretKey, { host: hostname, port: Number(port), protocol: 'http' });
  const cheap = await service.makePlan({ amount: 1000 });
  const dear = await service.makePlan({ amount: 5000 });
  const addOn = await service.makePlan({ amount: 300 });
  prices = { cheap: cheap.stripe_price_id, dear: dear.stripe_price_id, addOn: addOn.stripe_price_id };
});
afterAll(() => service.close());

type Step = (id: string, customer: string) => Promise<unknown>;
const mainItem = async (id: string): Promise<string> =>
  (await stripe.subscriptions.retrieve(id)).items.data[0]!.id;
const change =
  (
    line: (item: string) => Stripe.SubscriptionUpdateParams.Item,
    more: Partial<Stripe.SubscriptionUpdateParams> = {},
  ): Step =>
  async (id) =>
    stripe.subscriptions.update(id, {
      items: [line(await mainItem(id))],
      proration_behavior: 'always_invoice',
      payment_behavior: 'pending_if_incomplete',
      ...more,
    });
const openInvoice = async (id: string): Promise<string> =>
  (await stripe.invoices.list({ subscription: id, status: 'open' })).data[0]!.id;
const cardOf = async (customer: string): Promise<string> =>
  (await stripe.customers.listPaymentMethods(customer)).data[0]!.id;
const declineNext: Step = async (_id, customer) =>
  service.stripe.failNext(await cardOf(customer), 1, 'card_declined');

/** Steps of a life, and what our rows say at its end. */
const LIVES: { name: string; steps: Step[]; end: { status: string; payment: string } }[] = [
  {
    name: 'upgraded',
    steps: [change((id) => ({ id, price: prices.dear }))],
    end: { status: 'ACTIVE', payment: 'PAID' },
  },
  {
    name: 'up and down again',
    steps: [change((id) => ({ id, price: prices.dear })), change((id) => ({ id, price: prices.cheap }))],
    end: { status: 'ACTIVE', payment: 'PAID' },
  },
  {
    name: 'seats',
    steps: [3, 7, 2].map((quantity) => change((id) => ({ id, quantity }))),
    end: { status: 'ACTIVE', payment: 'PAID' },
  },
  {
    name: 'an add-on that came and went',
    steps: [
      change(() => ({ price: prices.addOn, quantity: 2 })),
      async (id) => {
        const { data } = (await stripe.subscriptions.retrieve(id)).items;
        const item = data.find((one) => one.price.id === prices.addOn)!;
        return stripe.subscriptions.update(id, { items: [{ id: item.id, deleted: true }] });
      },
    ],
    end: { status: 'ACTIVE', payment: 'PAID' },
  },
  {
    name: 'paused and resumed',
    steps: [
      (id) => stripe.subscriptions.update(id, { pause_collection: { behavior: 'void' } }),
      (id) => stripe.subscriptions.update(id, { pause_collection: '' }),
    ],
    end: { status: 'ACTIVE', payment: 'PAID' },
  },
  {
    name: 'paused for good',
    steps: [(id) => stripe.subscriptions.pause(id, { type: 'subscription' })],
    end: { status: 'PAUSED', payment: 'PAID' },
  },
  {
    name: 'a schedule made and released',
    steps: [
      (id) => stripe.subscriptionSchedules.create({ from_subscription: id }),
      async (id) => {
        const { schedule } = await stripe.subscriptions.retrieve(id);
        return stripe.subscriptionSchedules.release(schedule as string);
      },
    ],
    end: { status: 'ACTIVE', payment: 'PAID' },
  },
  {
    name: 'an upgrade that was not paid, then voided',
    steps: [
      declineNext,
      change((id) => ({ id, price: prices.dear })),
      async (id) => stripe.invoices.voidInvoice(await openInvoice(id)),
    ],
    end: { status: 'ACTIVE', payment: 'PAID' },
  },
  {
    name: 'past due, then paid',
    steps: [
      declineNext,
      change((id) => ({ id, price: prices.dear }), { payment_behavior: 'allow_incomplete' }),
      async (id) => stripe.invoices.pay(await openInvoice(id)),
    ],
    end: { status: 'ACTIVE', payment: 'PAID' },
  },
  {
    name: 'past due for now',
    steps: [
      declineNext,
      change((id) => ({ id, price: prices.dear }), { payment_behavior: 'allow_incomplete' }),
    ],
    end: { status: 'PAST_DUE', payment: 'PAST_DUE' },
  },
  {
    name: 'upgraded, then ended',
    steps: [change((id) => ({ id, price: prices.dear })), (id) => stripe.subscriptions.cancel(id)],
    end: { status: 'CANCELED', payment: 'PAID' },
  },
];

it(`${SHUFFLES} seeded lives end as Stripe's do, each effect once`, async () => {
  const tenants = await makeTenants(SHUFFLES);
  const queue = tenants.map((tenant, seed) => ({ ...tenant, seed }));
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await live(next);
  });
  await Promise.all(workers);
  await service.settle(120_000);

  const rows = await service.rows<Record<string, unknown> & { tenant_id: string }>(
    `select b.tenant_id, b.status, b.stripe_status, b.stripe_subscription_id, b.quantity, t.payment_status,
            (select count(*) from billings o where o.tenant_id = b.tenant_id)::int as rows,
            (select array_agg(i.price_id || ':' || i.quantity order by 1) from subscription_items i
             where i.tenant_id = b.tenant_id) as items
     from billings b join tenants t on t.id = b.tenant_id`,
  );
  const invoices = await service.rows<{
    stripe_invoice_id: string;
    status: string;
    amount_remaining: string;
  }>('select stripe_invoice_id, status, amount_remaining from invoices');
  const effects = await service.rows<{ tenant_id: string; aggregate_id: string; type: string; n: number }>(
    `select tenant_id, aggregate_id, type, count(*)::int as n from outbox
     where type like 'subscription.%' or type like 'invoice.%' group by 1, 2, 3`,
  );
  expect(rows).toHaveLength(SHUFFLES);
  for (const [seed, tenant] of tenants.entries()) {
    const row = rows.find((found) => found.tenant_id === tenant.id)!;
    const life = LIVES[seed % LIVES.length]!;
    const truth = service.stripe.object(
      'subscription',
      String(row.stripe_subscription_id),
    ) as Stripe.Subscription;
    expect({ seed, life: life.name, ...row }).toMatchObject({
      seed,
      life: life.name,
      status: life.end.status,
      payment_status: life.end.payment,
      stripe_status: truth.status,
      rows: 1,
      items: truth.items.data.map((item) => `${item.price.id}:${item.quantity}`).sort(),
    });
    const theirs = (service.stripe.objects('invoice') as Stripe.Invoice[]).filter(
      (one) => one.customer === tenant.customer && one.status !== 'draft',
    );
    for (const { id, status, amount_remaining } of theirs)
      expect({
        seed,
        life: life.name,
        ...invoices.find((one) => one.stripe_invoice_id === id),
      }).toMatchObject({
        stripe_invoice_id: id,
        status,
        amount_remaining: String(amount_remaining),
      });
  }
  // A step nobody saw may be missing from the effects, but an invoice is final once and paid once.
  for (const { type, n, aggregate_id } of effects.filter((effect) => effect.type.startsWith('invoice.')))
    expect({ type, n, aggregate_id }).toEqual({ type, n: 1, aggregate_id });
  for (const { type, n, tenant_id } of effects.filter((effect) => /\.(created|ended)$/.test(effect.type)))
    expect({ type, n, tenant_id }).toEqual({ type, n: 1, tenant_id });
  const [inbox] = await service.rows<{ n: string }>(
    `select count(*) as n from stripe_events where status in ('pending', 'dead')`,
  );
  expect(inbox!.n).toBe('0');
}, 600_000);

/** Lives one life; what Stripe says on the way is delivered late, twice and in any order. */
async function live({ customer, seed }: { customer: string; seed: number }): Promise<void> {
  const random = seeded(seed);
  const subscription = await stripe.subscriptions.create({
    customer,
    items: [{ price: prices.cheap }],
    billing_mode: { type: 'flexible' },
  });
  let undelivered: Stripe.Event[] = [];
  let taken = 0;
  const collect = (): void => {
    const all = newsOf(customer);
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
    await step(subscription.id, customer);
  }
  collect();
  await deliverSome(true);
}

const newsByCustomer = new Map<string, Stripe.Event[]>();
let readSoFar = 0;

/** What Stripe has said of one customer's subscription, schedules and invoices so far, in order. */
function newsOf(customer: string): Stripe.Event[] {
  const events = service.stripe.objects('event') as Stripe.Event[];
  for (const event of events.slice(readSoFar)) {
    if (!/^(customer\.subscription|subscription_schedule|invoice)\./.test(event.type)) continue;
    const { customer: owner } = event.data.object as { customer?: string };
    if (owner) newsByCustomer.set(owner, [...(newsByCustomer.get(owner) ?? []), event]);
  }
  readSoFar = events.length;
  return newsByCustomer.get(customer) ?? [];
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
