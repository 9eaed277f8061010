import { StripePriceId, StripeProductId, TenantId } from '../../contracts/ids';
import { CatalogPrice, CatalogProduct } from '../../stripe/catalog-gateway';
import { makePlan } from './plan.fixture';
import { readStripeMetadata } from './plan-metadata';
import { asStripeSays, isOnSale, mayBelongTo, meansTheSame, slugFor, termsOf } from './plan-sync-rules';

const product: CatalogProduct = {
  id: 'prod_1' as StripeProductId,
  name: 'Gold',
  description: null,
  isActive: true,
  metadata: {},
  marketingFeatures: [],
  defaultPriceId: null,
};
const price: CatalogPrice = {
  id: 'price_1' as StripePriceId,
  productId: product.id,
  isActive: true,
  currency: 'eur',
  amount: 1000,
  type: 'recurring',
  billingScheme: 'per_unit',
  isTransformed: false,
  recurring: { interval: 'month', intervalCount: 1, usageType: 'licensed' },
  lookupKey: null,
  metadata: {},
};
const says = (metadata: Record<string, string> = {}) =>
  readStripeMetadata(metadata, {}, [], new Set(['seats', 'campaigns']));
const recurring = (change: Partial<NonNullable<CatalogPrice['recurring']>>) => ({
  recurring: { ...price.recurring!, ...change },
});

describe('which prices can be plans', () => {
  it('takes a recurring, licensed price of one whole amount', () => {
    expect(termsOf(price)).toEqual({
      terms: { currency: 'eur', amount: 1000, interval: 'month', intervalCount: 1 },
    });
    expect(termsOf({ ...price, ...recurring({ interval: 'year', intervalCount: 2 }) })).toHaveProperty(
      'terms',
    );
  });

  it.each([
    ['one_time', { type: 'one_time', recurring: null }],
    ['metered', recurring({ usageType: 'metered' })],
    ['tiered', { billingScheme: 'tiered', amount: null }],
    ['transformed_quantity', { isTransformed: true }],
    ['unsupported_interval', recurring({ interval: 'week' })],
    ['unsupported_interval', recurring({ interval: 'fortnight' })],
    ['unsupported_interval', recurring({ intervalCount: 24 })],
    ['decimal_amount', { amount: null }],
    ['unknown_currency', { currency: 'xxx' }],
  ] as [string, Partial<CatalogPrice>][])('skips: %s', (reason, change) => {
    expect(termsOf({ ...price, ...change })).toEqual({ skip: reason });
  });

  it('is on sale while price and product are active and nobody reserved it', () => {
    expect(isOnSale(price, product, says())).toBe(true);
    expect(isOnSale({ ...price, isActive: false }, product, says())).toBe(false);
    expect(isOnSale(price, { ...product, isActive: false }, says())).toBe(false);
    expect(isOnSale(price, undefined, says())).toBe(false);
    expect(isOnSale(price, product, says({ plan: 'false' }))).toBe(false);
  });
});

describe('what Stripe changes of a plan', () => {
  const plan = makePlan({
    name: 'Gold',
    limits: { seats: 5 },
    features: ['sso'],
    metadata: { note: 'ours' },
  });

  it('is nothing that Stripe does not name', () => {
    expect(meansTheSame(plan, asStripeSays(plan, product, says()))).toBe(true);
  });

  it('is what Stripe names', () => {
    const next = asStripeSays(plan, product, says({ limit_campaigns: '3', features: 'a', extra: 'b' }));
    expect(next).toMatchObject({
      limits: { seats: 5, campaigns: 3 },
      features: ['a'],
      metadata: { note: 'ours', extra: 'b' },
    });
    expect(meansTheSame(plan, next)).toBe(false);
  });

  it('is never what a price cannot change, nor what only we know', () => {
    const own = makePlan({ name: 'Gold', amount: 7, trialDays: 3, sortOrder: 4, slug: 'x' });
    expect(asStripeSays(own, product, says({ slug: 'y' }))).toMatchObject({
      amount: 7,
      trialDays: 3,
      sortOrder: 4,
      slug: 'x',
    });
  });

  it('takes a limit of 0 and none for the same', () => {
    expect(meansTheSame(plan, { ...plan, limits: { seats: 5, campaigns: 0 } })).toBe(true);
    expect(meansTheSame(plan, { ...plan, limits: { seats: 5, campaigns: null } })).toBe(false);
    expect(meansTheSame(plan, { ...plan, limits: {} })).toBe(false);
  });

  it('may give a public plan to a tenant, and never take one away', () => {
    const [a, b] = ['a' as TenantId, 'b' as TenantId];
    expect(mayBelongTo(makePlan(), a)).toBe(true);
    expect(mayBelongTo(makePlan({ tenantId: a }), a)).toBe(true);
    expect(mayBelongTo(makePlan({ tenantId: a }), null)).toBe(true);
    expect(mayBelongTo(makePlan({ tenantId: a }), b)).toBe(false);
    expect(asStripeSays(makePlan({ tenantId: a }), product, says()).tenantId).toBe(a);
  });
});

describe('the slug of a new plan', () => {
  const free = async () => false;
  const slugOf = (
    change: Partial<CatalogPrice>,
    name = 'Gold',
    isTaken = free as (slug: string) => Promise<boolean>,
  ) => slugFor({ ...price, ...change }, { ...product, name }, says(), isTaken);

  it.each([
    [{}, 'Gold', 'gold-monthly'],
    [recurring({ interval: 'year' }), 'Gold', 'gold-yearly'],
    [recurring({ intervalCount: 3 }), 'Gold', 'gold-3-months'],
    [{ lookupKey: 'Gold_Monthly.v2' }, 'Gold', 'gold-monthly-v2'],
    [{}, 'Größe & Äpfel', 'gro-e-apfel-monthly'],
    [{ lookupKey: '金' }, '金', 'plan-price-1'],
  ])('of %j and %j is %j', async (change, name, slug) => {
    // Accents fall away; letters without a Latin base become a dash.
    expect(await slugOf(change, name)).toBe(slug);
  });

  it('counts up to one that is free, within 60 characters', async () => {
    const taken = new Set(['x'.repeat(60), `${'x'.repeat(58)}-2`]);
    const slug = await slugOf({ lookupKey: 'x'.repeat(80) }, 'Gold', async (wish) => taken.has(wish));
    expect(slug).toBe(`${'x'.repeat(58)}-3`);
  });
});
