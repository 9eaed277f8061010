import Stripe from 'stripe';
import { billingUnderTest, type BillingUnderTest } from './billing-harness';

/** The billing portal, and invoices on paper. */
let account: BillingUnderTest;
let stripe: Stripe;
let subscription: Stripe.Subscription;
let customer: string;

beforeAll(async () => {
  account = await billingUnderTest();
  stripe = account.stripe;
});
afterAll(() => account.close());
beforeEach(async () => {
  const price = await account.price(2900);
  subscription = await account.subscribe([{ price: price.id }]);
  customer = subscription.customer as string;
});

const isEnding = async (): Promise<boolean> =>
  (await stripe.subscriptions.retrieve(subscription.id)).cancel_at_period_end;

async function press(page: string, button: string): Promise<Response> {
  const [, action] = new RegExp(`action="([^"]+/${button})"`).exec(page) ?? [];
  return fetch(`${account.sandbox.url}${action}`, { method: 'POST', redirect: 'manual' });
}

describe('a portal session', () => {
  it('shows subscriptions and invoices, lets cancel and take that back, and leads home', async () => {
    const session = await stripe.billingPortal.sessions.create({
      customer,
      return_url: 'https://shop.example/account?a=1&b=2',
    });
    const shown = await fetch(session.url);
    const page = await shown.text();
    expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page).toContain('1 × Growth');
    expect(page).toContain('https://shop.example/account?a=1&amp;b=2');
    expect(page).toContain('$29.00');
    const cancelled = await press(page, 'cancel');
    expect([cancelled.status, await isEnding()]).toEqual([303, true]);
    await press(await (await fetch(session.url)).text(), 'renew');
    expect(await isEnding()).toBe(false);
    const types = await account.eventTypes(subscription.id);
    expect(types.slice(-2)).toEqual(['customer.subscription.updated', 'customer.subscription.updated']);
  });

  it("reaches nobody else's subscription", async () => {
    const other = await account.subscribe([{ price: (await account.price(100)).id }]);
    const session = await stripe.billingPortal.sessions.create({ customer });
    const { pathname } = new URL(session.url);
    const answer = await fetch(`${account.sandbox.url}${pathname}/subscriptions/${other.id}/cancel`, {
      method: 'POST',
    });
    expect(answer.status).toBe(403);
    expect((await stripe.subscriptions.retrieve(other.id)).cancel_at_period_end).toBe(false);
  });

  it('does what its configuration allows', async () => {
    const configuration = await stripe.billingPortal.configurations.create({
      business_profile: { headline: 'Acme <billing>' },
      default_return_url: 'https://shop.example/home',
      features: { invoice_history: { enabled: false }, subscription_cancel: { enabled: false } },
    });
    const session = await stripe.billingPortal.sessions.create({
      customer,
      configuration: configuration.id,
    });
    expect(session.return_url).toBe('https://shop.example/home');
    const page = await (await fetch(session.url)).text();
    expect(page).toContain('Acme &lt;billing&gt;');
    expect(page).not.toContain('Invoices');
    expect(page).not.toContain('<form');
    await stripe.billingPortal.configurations.update(configuration.id, {
      features: { subscription_cancel: { enabled: true, mode: 'immediately' } },
    });
    await press(await (await fetch(session.url)).text(), 'cancel');
    expect((await stripe.subscriptions.retrieve(subscription.id)).status).toBe('canceled');
    const { data } = await stripe.billingPortal.configurations.list({ is_default: false });
    expect(data.map(({ id }) => id)).toContain(configuration.id);
    expect((await stripe.billingPortal.configurations.retrieve(configuration.id)).features).toMatchObject({
      subscription_cancel: { enabled: true, mode: 'immediately' },
      invoice_history: { enabled: false },
    });
  });

  it('of nobody, or of a time long ago, is none', async () => {
    await expect(stripe.billingPortal.sessions.create({ customer: 'cus_nobody' })).rejects.toMatchObject({
      code: 'resource_missing',
    });
    const session = await stripe.billingPortal.sessions.create({ customer });
    await account.goTo(account.now() + 2 * 3600);
    expect((await fetch(session.url)).status).toBe(404);
  });
});

describe('a PDF', () => {
  /** A reader that trusts nothing: header, table of objects at its place, every object where the table says. */
  function textsOf(pdf: Buffer): string[] {
    const text = pdf.toString('latin1');
    expect(text.startsWith('%PDF-1.')).toBe(true);
    expect(text.trimEnd().endsWith('%%EOF')).toBe(true);
    const table = Number(/startxref\n(\d+)\n/.exec(text)![1]);
    expect(text.slice(table, table + 4)).toBe('xref');
    const offsets = [...text.slice(table).matchAll(/^(\d{10}) 00000 n/gm)].map(([, offset]) =>
      Number(offset),
    );
    offsets.forEach((offset, index) =>
      expect(text.slice(offset)).toMatch(new RegExp(`^${index + 1} 0 obj\n`)),
    );
    const [, length, stream] = /<< \/Length (\d+) >>\nstream\n([\s\S]*?)\nendstream/.exec(text)!;
    expect(stream!.length).toBe(Number(length));
    return [...stream!.matchAll(/\(((?:\\.|[^\\)])*)\) Tj/g)].map(([, shown]) =>
      shown!.replace(/\\(.)/g, '$1'),
    );
  }

  it('of an invoice has its number, lines and sums', async () => {
    const invoice = await stripe.invoices.retrieve(subscription.latest_invoice as string);
    const answer = await fetch(invoice.invoice_pdf!);
    expect(answer.headers.get('content-type')).toBe('application/pdf');
    const texts = textsOf(Buffer.from(await answer.arrayBuffer()));
    expect(texts).toEqual(
      expect.arrayContaining([
        'Invoice',
        invoice.number,
        '1 × Growth (at $29.00 / month)',
        '$29.00',
        'Total',
      ]),
    );
  });

  it('of a credit note has its number and total', async () => {
    const note = await stripe.creditNotes.create({
      invoice: subscription.latest_invoice as string,
      amount: 900,
      credit_amount: 900,
    });
    const answer = await fetch(note.pdf);
    const texts = textsOf(Buffer.from(await answer.arrayBuffer()));
    expect(texts).toEqual(expect.arrayContaining(['Credit note', note.number, '$9.00']));
  });

  it('of no invoice is a page that says so', async () => {
    expect((await fetch(`${account.sandbox.url}/i/in_nothing/pdf`)).status).toBe(404);
  });
});
