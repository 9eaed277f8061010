import type Stripe from 'stripe';
import { accountUnderTest, type AccountUnderTest } from './harness';

describe('lists and expansion', () => {
  let account: AccountUnderTest;
  let stripe: Stripe;
  let email: string;
  const ids: string[] = [];

  beforeAll(async () => {
    account = await accountUnderTest();
    stripe = account.stripe;
    email = `lists${Date.now()}@example.com`;
    for (let n = 0; n < 7; n++) ids.push((await stripe.customers.create({ email, name: `n${n}` })).id);
    ids.reverse();
  }, 60_000);
  afterAll(() => account.close());

  const idsOf = (list: { data: { id: string }[] }) => list.data.map(({ id }) => id);

  it('are newest first and say whether there is more', async () => {
    const first = await stripe.customers.list({ email, limit: 3 });
    expect(idsOf(first)).toEqual(ids.slice(0, 3));
    expect(first.has_more).toBe(true);
    const next = await stripe.customers.list({ email, limit: 10, starting_after: ids[2] });
    expect(idsOf(next)).toEqual(ids.slice(3));
    expect(next.has_more).toBe(false);
  });

  it('walk back with ending_before', async () => {
    const page = await stripe.customers.list({ email, limit: 2, ending_before: ids[4] });
    expect(idsOf(page)).toEqual(ids.slice(2, 4));
    expect(page.has_more).toBe(true);
  });

  it('can be walked through by the package itself', async () => {
    const all = await stripe.customers.list({ email, limit: 2 }).autoPagingToArray({ limit: 100 });
    expect(all.map(({ id }) => id)).toEqual(ids);
  });

  it('refuse limits and cursors that make no sense', async () => {
    await expect(stripe.customers.list({ limit: 0 })).rejects.toMatchObject({ statusCode: 400 });
    await expect(stripe.customers.list({ limit: 101 })).rejects.toMatchObject({ statusCode: 400 });
    await expect(stripe.customers.list({ starting_after: 'cus_nowhere' })).rejects.toMatchObject({
      code: 'resource_missing',
    });
    await expect(
      stripe.customers.list({ starting_after: ids[0], ending_before: ids[1] }),
    ).rejects.toMatchObject({ statusCode: 400 });
  });

  it('give an id, or the object when asked, one or several levels deep', async () => {
    const coupon = await stripe.coupons.create({ percent_off: 10, duration: 'once' });
    const code = `EXPAND${Date.now()}`;
    const made = await stripe.promotionCodes.create({
      promotion: { type: 'coupon', coupon: coupon.id },
      code,
      customer: ids[0],
    });
    expect(made.customer).toBe(ids[0]);
    const one = await stripe.promotionCodes.retrieve(made.id, { expand: ['customer', 'promotion.coupon'] });
    expect(one.customer).toMatchObject({ object: 'customer', id: ids[0] });
    expect(one.promotion.coupon).toMatchObject({ object: 'coupon', id: coupon.id });
    const many = await stripe.promotionCodes.list({ code, expand: ['data.customer'] });
    expect(many.data[0]?.customer).toMatchObject({ object: 'customer', email });
  });

  it('refuse to expand what can not be expanded', async () => {
    await expect(stripe.customers.retrieve(ids[0] as string, { expand: ['email'] })).rejects.toThrow(
      /cannot be expanded/,
    );
    await expect(stripe.customers.retrieve(ids[0] as string, { expand: ['nonsense'] })).rejects.toThrow(
      /cannot be expanded/,
    );
    await expect(stripe.customers.list({ expand: ['total_count'] })).rejects.toMatchObject({
      statusCode: 400,
    });
  });
});
