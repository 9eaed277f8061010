import Stripe from 'stripe';
import { seeded } from '../support/random';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/**
 * What a preview says is what is charged, and our own figure is Stripe's: random changes at random seconds of their
 * periods, over plans, intervals, quantities, coupons and currencies. QUOTE_CHANGES=2000 is the long form; QUOTE_SEED
 * repeats one.
 */
const CHANGES = Number(process.env.QUOTE_CHANGES ?? 24);
const SEED = Number(process.env.QUOTE_SEED ?? 1 + Math.floor(Math.random() * 1e9));
const TENANTS = 6;
const CURRENCIES = ['usd', 'eur', 'jpy'];

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
});
afterAll(() => service.close());

const random = seeded(SEED);
const upTo = (most: number): number => Math.floor(random() * most);
const pick = <T>(items: readonly T[]): T => items[upTo(items.length)]!;

interface Payer {
  readonly tenant: TestTenant;
  readonly currency: string;
}

async function makePlans(): Promise<Map<string, { id: string }[]>> {
  const plans = new Map<string, { id: string }[]>();
  for (const currency of CURRENCIES) {
    const amounts = [990, 1001, 2900, 9999, 33_333];
    const monthly = await Promise.all(amounts.map((amount) => service.makePlan({ currency, amount })));
    const yearly = await Promise.all(
      [10_007, 99_900].map((amount) => service.makePlan({ currency, amount, interval: 'year' })),
    );
    plans.set(currency, [...monthly, ...yearly]);
  }
  return plans;
}

/** By currency: a percentage, one for two months, and an amount. */
async function makeCodes(): Promise<Map<string, string[]>> {
  const stripe = new Stripe(service.stripe.secretKey, {
    host: '127.0.0.1',
    port: service.stripe.port,
    protocol: 'http',
  });
  const codes = new Map<string, string[]>();
  for (const currency of CURRENCIES) {
    const coupons = [
      await stripe.coupons.create({ percent_off: 33.3, duration: 'forever' }),
      await stripe.coupons.create({ percent_off: 12.5, duration: 'repeating', duration_in_months: 2 }),
      await stripe.coupons.create({ amount_off: 251, currency, duration: 'forever' }),
    ];
    const made = coupons.map(async ({ id }, at) => {
      const code = `QUOTE${currency.toUpperCase()}${at}`;
      await stripe.promotionCodes.create({ promotion: { type: 'coupon', coupon: id }, code });
      return code;
    });
    codes.set(currency, await Promise.all(made));
  }
  return codes;
}

async function subscribe(currency: string, planId: string, coupon: string | null): Promise<Payer> {
  const tenant = await service.makeTenant();
  const opened = await service.api('POST', '/v1/billings/subscription/checkout', {
    key: tenant.key,
    body: { plan_id: planId, quantity: 1 + upTo(4), ...(coupon ? { coupon } : {}) },
  });
  if (opened.status !== 201) throw new Error(opened.text);
  await service.stripe.completeCheckout(opened.body.id, 'success');
  await service.settle();
  return { tenant, currency };
}

const newestInvoice = (subscription: string): Stripe.Invoice =>
  (service.stripe.objects('invoice') as Stripe.Invoice[])
    .filter(({ parent }) => parent?.subscription_details?.subscription === subscription)
    .at(-1)!;

it(`previews ${CHANGES} random changes as they are charged, and calculates the same`, async () => {
  const plans = await makePlans();
  const codes = await makeCodes();
  const payers: Payer[] = [];
  for (let at = 0; at < TENANTS; at++) {
    const currency = CURRENCIES[at % CURRENCIES.length]!;
    payers.push(
      await subscribe(currency, pick(plans.get(currency)!).id, at >= 3 ? pick(codes.get(currency)!) : null),
    );
  }
  const seen = { upgrade: 0, downgrade: 0, sidegrade: 0, none: 0, refused: 0 };
  for (let done = 0; done < CHANGES; done++) {
    const { tenant, currency } = payers[done % TENANTS]!;
    const own = (path: string, body: unknown, method = 'POST') =>
      service.api(method, `/v1/billings/subscription/${path}`, { key: tenant.key, body });
    const moved = await service.api('POST', '/v1/sandbox/clock', {
      key: service.adminKey,
      body: { advance: `PT${1 + upTo(100_000)}S` },
    });
    expect(moved.status).toBe(200);
    const wish = { plan_id: pick(plans.get(currency)!).id, quantity: 1 + upTo(12) };
    const context = `seed ${SEED}, change ${done}, ${currency} ${JSON.stringify(wish)}`;
    const { status, body: preview } = await own('upgrade/preview', wish);
    if (status !== 200) {
      expect([context, status, preview.code]).toEqual([context, 409, 'state_conflict']);
      seen.refused += 1;
      continue;
    }
    expect([context, preview.difference ?? 0]).toEqual([context, 0]);
    const direction = preview.direction as keyof typeof seen;
    seen[direction] += 1;
    if (direction === 'downgrade') {
      const { plan } = (await service.api('GET', '/v1/billings/subscription', { key: tenant.key })).body;
      const down =
        plan.id === wish.plan_id
          ? await own('quantity', { quantity: wish.quantity }, 'PATCH')
          : await own('downgrade', { ...wish, effective: 'now' });
      expect([context, down.status, down.body.detail]).toEqual([context, 200, undefined]);
    } else if (direction !== 'none') {
      const up = await own('upgrade', { ...wish, proration_date: preview.proration_date });
      expect([context, up.status, up.body.detail]).toEqual([context, 200, undefined]);
      const [live] = await service.rows<{ id: string }>(
        'select stripe_subscription_id as id from billings where tenant_id = $1 and is_live',
        [tenant.id],
      );
      const charged = newestInvoice(live!.id);
      expect([context, charged.total, charged.amount_due]).toEqual([
        context,
        preview.calculated_total,
        preview.amount_due,
      ]);
    }
    await service.settle();
  }
  expect(seen.upgrade).toBeGreaterThan(CHANGES / 10);
  expect(seen.downgrade).toBeGreaterThan(CHANGES / 10);
  expect(seen.refused).toBeLessThan(CHANGES / 4);
}, 1_800_000);
