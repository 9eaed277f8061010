import type Stripe from 'stripe';
import { sandboxUnderTest, type SandboxUnderTest } from './harness';

export const DAY = 86_400;
export const HOUR = 3600;

/** One thing that time did, as the clock control tells it. */
export interface Fired {
  at: number;
  what: string;
  object: string;
}

/** A sandbox whose clock the test moves, with the usual things to begin with. */
export interface BillingUnderTest extends SandboxUnderTest {
  control(path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Moves the sandbox's clock to a moment (Unix seconds). */
  goTo(seconds: number): Promise<Fired[]>;
  now(): number;
  payer(card?: string): Promise<string>;
  price(amount: number, more?: Partial<Stripe.PriceCreateParams>): Promise<Stripe.Price>;
  subscribe(
    items: Stripe.SubscriptionCreateParams.Item[],
    more?: Partial<Stripe.SubscriptionCreateParams>,
    card?: string,
  ): Promise<Stripe.Subscription>;
  invoicesOf(subscription: string): Promise<Stripe.Invoice[]>;
  /** Types of all events about an object or its invoices since the sandbox began, oldest first. */
  eventTypes(object?: string): Promise<string[]>;
}

export async function billingUnderTest(options = {}): Promise<BillingUnderTest> {
  const under = await sandboxUnderTest(options);
  const { stripe, sandbox } = under;
  const control = async (path: string, body?: unknown) => {
    const response = await fetch(`${sandbox.url}/_sandbox${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(JSON.stringify(answer));
    return answer;
  };
  const payer = async (card = 'pm_card_visa') => {
    const customer = await stripe.customers.create({ name: 'Payer' });
    const { id } = await stripe.paymentMethods.attach(card, { customer: customer.id });
    await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: id } });
    return customer.id;
  };
  return {
    ...under,
    control,
    payer,
    goTo: async (seconds) => (await control('/clock', { to: seconds })).fired as Fired[],
    now: () => Math.floor(sandbox.now().getTime() / 1000),
    price: (amount, more = {}) =>
      stripe.prices.create({
        currency: 'usd',
        ...(more.billing_scheme === 'tiered' ? {} : { unit_amount: amount }),
        recurring: { interval: 'month' },
        product_data: { name: 'Growth' },
        ...more,
      }),
    subscribe: async (items, more = {}, card) =>
      stripe.subscriptions.create({ customer: more.customer ?? (await payer(card)), items, ...more }),
    invoicesOf: async (subscription) =>
      (await stripe.invoices.list({ subscription, limit: 100 })).data.reverse(),
    eventTypes: async (object) => {
      const events = await stripe.events.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
      return events
        .filter(({ data }) => object === undefined || (data.object as { id?: string }).id === object)
        .map(({ type }) => type as string)
        .reverse();
    },
  };
}

/** The end of the first item's period. */
export function periodEnd(subscription: Stripe.Subscription): number {
  return (subscription.items.data[0] as Stripe.SubscriptionItem).current_period_end;
}

export function firstItem(subscription: Stripe.Subscription): Stripe.SubscriptionItem {
  return subscription.items.data[0] as Stripe.SubscriptionItem;
}
