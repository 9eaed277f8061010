import type Stripe from 'stripe';
import { StripePriceId } from '../contracts/ids';
import { CatalogGateway } from './catalog-gateway';
import type { StripeClient } from './stripe-client';

/** A client whose lists come in pages of two, whatever is asked. */
function clientOf(rows: { id: string }[]): { client: StripeClient; asked: unknown[] } {
  const asked: unknown[] = [];
  const list = async (page: { starting_after?: string }) => {
    asked.push(page);
    const from = page.starting_after ? rows.findIndex(({ id }) => id === page.starting_after) + 1 : 0;
    return { data: rows.slice(from, from + 2), has_more: from + 2 < rows.length };
  };
  const stripe = { prices: { list }, products: { list } } as unknown as Stripe;
  const call = (_operation: string, send: (stripe: Stripe, options: object) => unknown) => send(stripe, {});
  return { client: { call } as unknown as StripeClient, asked };
}

const price = (id: string, change: object = {}) => ({
  id,
  product: 'prod_1',
  active: true,
  currency: 'usd',
  unit_amount: 500,
  type: 'recurring',
  billing_scheme: 'per_unit',
  transform_quantity: null,
  recurring: { interval: 'month', interval_count: 1, usage_type: 'licensed' },
  lookup_key: null,
  metadata: {},
  ...change,
});

describe('the catalog gateway', () => {
  it('reads every page, each from where the last one ended, archived prices too', async () => {
    const { client, asked } = clientOf([price('a'), price('b', { active: false }), price('c')]);
    const prices = await new CatalogGateway(client).prices();
    expect(prices.map(({ id, isActive }) => [id, isActive])).toEqual([
      ['a', true],
      ['b', false],
      ['c', true],
    ]);
    expect(asked).toEqual([{ limit: 100 }, { limit: 100, starting_after: 'b' }]);
  });

  it('stops at an empty page, whatever it says of more', async () => {
    const call = async () => ({ data: [], has_more: true });
    const client = { call } as unknown as StripeClient;
    await expect(new CatalogGateway(client).products()).resolves.toEqual([]);
  });

  it('speaks our words', async () => {
    const { client } = clientOf([
      price('a', { product: { id: 'prod_2' }, recurring: null, transform_quantity: { divide_by: 2 } }),
    ]);
    const [read] = await new CatalogGateway(client).prices();
    expect(read).toMatchObject({ productId: 'prod_2', amount: 500, recurring: null, isTransformed: true });
  });

  it('sends only what changes, and an empty text to remove a description', async () => {
    const sent: unknown[] = [];
    const update = async (...parameters: unknown[]) => void sent.push(parameters);
    const stripe = { products: { update }, prices: { update } } as unknown as Stripe;
    const call = (_operation: string, send: (stripe: Stripe, options: object) => unknown) => send(stripe, {});
    const gateway = new CatalogGateway({ call } as unknown as StripeClient);
    await gateway.updateProduct('prod_1' as never, { description: null });
    await gateway.updateProduct('prod_1' as never, { isActive: false });
    await gateway.updatePrice('price_1' as StripePriceId, { metadata: { a: '' } });
    expect(sent).toEqual([
      ['prod_1', { description: '' }, {}],
      ['prod_1', { active: false }, {}],
      ['price_1', { metadata: { a: '' } }, {}],
    ]);
  });
});
