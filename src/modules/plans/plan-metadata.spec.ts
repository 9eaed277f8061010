import fc from 'fast-check';
import { TenantId } from '../../contracts/ids';
import { makePlan } from './plan.fixture';
import { isReservedKey, metadataChanges, readStripeMetadata, toStripeMetadata } from './plan-metadata';

const METRICS = new Set(['seats', 'campaigns', 'email_sends', 'api_calls']);
const read = (
  product: Record<string, string>,
  price: Record<string, string> = {},
  marketing: string[] = [],
) => readStripeMetadata(product, price, marketing, METRICS);

const feature = fc.stringMatching(/^[a-z0-9_.-]*[a-z0-9.-][a-z0-9_.-]*$/, { maxLength: 64 }).filter(
  // Names keep their spelling unless they begin or end with "_", which reading trims.
  (name) => /^[a-z0-9.-]([a-z0-9_.-]{0,62}[a-z0-9.-])?$/.test(name),
);
const rate = fc.option(fc.integer({ min: 1, max: 1e9 }));
const planParts = fc.record({
  limits: fc.dictionary(fc.constantFrom(...METRICS), fc.option(fc.maxSafeNat())),
  limitGrace: fc.dictionary(
    fc.constantFrom(...METRICS),
    fc.nat({ max: 100_000 }).map((hundredths) => hundredths / 100),
  ),
  features: fc.uniqueArray(feature, { maxLength: 100 }),
  rateLimit: fc.option(fc.record({ per_second: rate, burst: rate, per_day: rate })),
  tenantId: fc.option(fc.uuid().map((id) => id as TenantId)),
});

describe('a plan as Stripe metadata', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(planParts, (parts) => {
        const says = read(toStripeMetadata(makePlan({ ...parts, metadata: { family: 'f' } })));
        expect(says.mistakes).toEqual([]);
        expect({ ...says.limits }).toEqual({ ...parts.limits });
        expect({ ...says.limitGrace }).toEqual({ ...parts.limitGrace });
        expect(says.features).toEqual(parts.features);
        expect(says.rateLimit).toEqual(parts.rateLimit);
        expect(says.tenantId).toBe(parts.tenantId);
        expect(says.metadata).toEqual({ family: 'f' });
      }),
    );
  });

  it('keeps within what Stripe takes', () => {
    const features = Array.from({ length: 100 }, (_, index) => `${'f'.repeat(60)}${index}`);
    const own = Array.from({ length: 50 }, (_, index) => [`key${index}`, 'v'.repeat(500)]);
    const written = toStripeMetadata(makePlan({ features, metadata: Object.fromEntries(own) }));
    expect(Object.keys(written)).toHaveLength(50);
    for (const [key, value] of Object.entries(written)) {
      expect(key.length).toBeLessThanOrEqual(40);
      expect(value.length).toBeLessThanOrEqual(500);
      expect(value).not.toBe('');
    }
    expect(read(written).features).toEqual(features);
  });

  it('says that there are no features, so that marketing features do not take their place', () => {
    expect(read(toStripeMetadata(makePlan()), {}, ['Reports']).features).toEqual([]);
  });

  it('takes a removed key back and leaves what others wrote', () => {
    const before = toStripeMetadata(makePlan({ limits: { seats: 1 }, metadata: { note: 'x' } }));
    const changes = metadataChanges(before, toStripeMetadata(makePlan({ limits: { campaigns: 2 } })));
    expect(changes).toMatchObject({ limit_seats: '', note: '', limit_campaigns: '2' });
    expect(changes).not.toHaveProperty('foreign');
  });
});

describe('Stripe metadata as a plan', () => {
  it('lets the price win over its product', () => {
    expect(read({ limit_seats: '1', limit_campaigns: '2' }, { limit_seats: '5' }).limits).toEqual({
      seats: 5,
      campaigns: 2,
    });
  });

  it.each([
    ['0', 0],
    ['25', 25],
    [' 25 ', 25],
    ['unlimited', null],
    ['Unlimited', null],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('reads the limit %j', (text, limit) => {
    expect(read({ limit_seats: text }).limits).toEqual({ seats: limit });
  });

  it.each(['-1', '1.5', '1e3', 'ten', '9007199254740992', '0x10', '', 'null'])(
    'leaves out the limit %j and says so',
    (text) => {
      expect(read({ limit_seats: text })).toMatchObject({
        limits: {},
        mistakes: [{ key: 'limit_seats', code: 'invalid_value' }],
      });
    },
  );

  it('leaves out metrics that nobody counts', () => {
    expect(read({ limit_unicorns: '1', limit_constructor: '1' }).mistakes).toEqual([
      { key: 'limit_unicorns', code: 'unknown_metric' },
      { key: 'limit_constructor', code: 'unknown_metric' },
    ]);
  });

  it.each([
    ['reports, sso', ['reports', 'sso']],
    ['["reports","sso"]', ['reports', 'sso']],
    ['Priority Support,SSO,sso', ['priority_support', 'sso']],
    ['[]', []],
    [' , ,', []],
  ])('reads the features %j', (text, features) => {
    expect(read({ features: text }).features).toEqual(features);
  });

  it('says nothing of features when Stripe does not', () => {
    expect(read({ limit_seats: '1' }).features).toBeNull();
  });

  it('takes marketing features only when no features are named', () => {
    expect(read({}, {}, ['Priority support', '24/7']).features).toEqual(['priority_support', '24_7']);
    expect(read({ features: 'sso' }, {}, ['Priority support']).features).toEqual(['sso']);
  });

  it.each(['fast', '5', '[]', '{"per_hour":1}', '{"per_second":0}', '{"per_second":"5"}'])(
    'leaves out the rate limit %s and says so',
    (text) => {
      expect(read({ rate_limit: text })).toMatchObject({
        rateLimit: null,
        mistakes: [{ key: 'rate_limit', code: 'invalid_value' }],
      });
    },
  );

  it('never makes a tenant of what is none', () => {
    expect(read({ tenant_id: '*' })).toMatchObject({
      tenantId: null,
      mistakes: [{ key: 'tenant_id', code: 'invalid_value' }],
    });
  });

  it('knows a price that is no plan', () => {
    expect(read({}, { plan: 'false' }).isReserved).toBe(true);
    expect(read({}, { plan: 'true' }).isReserved).toBe(false);
  });

  it('keeps every other key, and none of its own', () => {
    const says = read(
      { family: 'pro', plan_id: 'x', features_2: 'a', $former_stripe_prices: 'x' },
      { popular: 'true' },
    );
    expect(says.metadata).toEqual({ family: 'pro', popular: 'true' });
    expect(['plan_id', 'features', 'features_12', 'limit_x', 'rate_limit'].every(isReservedKey)).toBe(true);
    expect(['family', 'popular', 'feature', 'limits', 'features_x'].some(isReservedKey)).toBe(false);
  });
});
