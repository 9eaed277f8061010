import type Stripe from 'stripe';
import { billingUnderTest, DAY, HOUR, periodEnd, type BillingUnderTest } from './billing-harness';

describe('the hosted invoice page', () => {
  let under: BillingUnderTest;
  let stripe: Stripe;

  beforeAll(async () => {
    under = await billingUnderTest({ merchantName: 'Cats & <Dogs>' });
    stripe = under.stripe;
  }, 60_000);
  afterAll(() => under.close());

  const card = { name: 'Ada', number: '4242 4242 4242 4242', expiry: '12 / 39', cvc: '123' };

  /** A subscription whose renewal could not be charged. */
  async function owing(): Promise<{ made: Stripe.Subscription; invoice: Stripe.Invoice }> {
    const price = await under.price(2900, { product_data: { name: '<b>Growth</b>' } });
    const made = await under.subscribe([{ price: price.id }]);
    const customer = (await stripe.customers.retrieve(made.customer as string)) as Stripe.Customer;
    const method = customer.invoice_settings.default_payment_method as string;
    await under.control(`/payment_methods/${method}/fail_next`, { times: 50, code: 'insufficient_funds' });
    await under.goTo(periodEnd(made) + HOUR);
    return { made, invoice: (await under.invoicesOf(made.id)).at(-1)! };
  }

  const pay = async (invoice: Stripe.Invoice, body: object, step = '') => {
    const url = `${invoice.hosted_invoice_url}${step}`;
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    return (await response.json()) as {
      reload?: boolean;
      requires_action?: boolean;
      error?: { field?: string };
    };
  };

  it('shows what is owed, takes a card, and the subscription is well again', async () => {
    const { made, invoice } = await owing();
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('past_due');
    const page = await (await fetch(invoice.hosted_invoice_url!)).text();
    expect(page).toContain('$29.00');
    expect(page).toContain('&lt;b&gt;Growth');
    expect(page).toContain('Cats &amp; &lt;Dogs&gt;');
    expect(await pay(invoice, { ...card, number: '4242424242424241' })).toMatchObject({
      error: { field: 'number' },
    });
    expect(await pay(invoice, { ...card, number: '4000000000000341' })).toMatchObject({
      error: { field: 'number' },
    });
    expect(await pay(invoice, card)).toEqual({ reload: true });
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('paid');
    expect((await stripe.subscriptions.retrieve(made.id)).status).toBe('active');
    expect(await pay(invoice, card)).toEqual({ reload: true });
    expect(
      (await stripe.charges.list({ customer: made.customer as string, limit: 100 })).data.filter(
        ({ paid }) => paid,
      ),
    ).toHaveLength(2);
    expect(await (await fetch(invoice.hosted_invoice_url!)).text()).toContain('It is paid.');
    await under.goTo(under.now() + DAY);
  });

  it('goes through 3-D Secure', async () => {
    const { invoice } = await owing();
    const secure = { ...card, number: '4000000000003220' };
    expect(await pay(invoice, secure)).toEqual({ requires_action: true });
    expect(await pay(invoice, { result: 'fail' }, '/authenticate')).toMatchObject({
      error: { field: 'number' },
    });
    expect(await pay(invoice, secure)).toEqual({ requires_action: true });
    expect(await pay(invoice, { result: 'complete' }, '/authenticate')).toEqual({ reload: true });
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('paid');
  });
});
