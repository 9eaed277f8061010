import { startTestService, type TestService } from '../support/service';

const VALID = {
  name: 'Pro',
  slug: 'pro',
  currency: 'usd',
  amount: 9900,
  interval: 'month',
  limits: { seats: 10 },
  features: ['reports'],
};
const many = (count: number, text: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => text(index));
const keys = (count: number): Record<string, string> =>
  Object.fromEntries(many(count, (index) => `k${index}`).map((key) => [key, 'v']));

/** What is wrong with it: the change to a valid plan, and where the answer must point. */
const MISTAKES: [string, Record<string, unknown>, string][] = [
  ['no name', { name: undefined }, '/name'],
  ['an empty name', { name: '' }, '/name'],
  ['a blank name', { name: '   ' }, '/name'],
  ['a name of 101 characters', { name: 'x'.repeat(101) }, '/name'],
  ['a name that is a number', { name: 5 }, '/name'],
  ['a name with NUL', { name: 'a\u0000b' }, '/name'],
  ['no slug', { slug: undefined }, '/slug'],
  ['a slug of 1', { slug: 'a' }, '/slug'],
  ['a slug of 61', { slug: 'a'.repeat(61) }, '/slug'],
  ['a slug in capitals', { slug: 'Pro' }, '/slug'],
  ['a slug with a line break', { slug: 'pro\n' }, '/slug'],
  ['a slug with a space', { slug: 'pro plan' }, '/slug'],
  ['a description of 1001', { description: 'x'.repeat(1001) }, '/description'],
  ['no currency', { currency: undefined }, '/currency'],
  ['an unknown currency', { currency: 'xxx' }, '/currency'],
  ['a currency in capitals', { currency: 'USD' }, '/currency'],
  ['no amount', { amount: undefined }, '/amount'],
  ['a negative amount', { amount: -1 }, '/amount'],
  ['a fraction of a cent', { amount: 0.5 }, '/amount'],
  ['an amount as text', { amount: '9900' }, '/amount'],
  ['an amount as truth', { amount: true }, '/amount'],
  ['an amount that is null', { amount: null }, '/amount'],
  ['an amount above what Stripe charges', { amount: 100_000_000 }, '/amount'],
  ['fillér that ISK does not have', { currency: 'isk', amount: 550 }, '/amount'],
  ['a last digit that KWD does not have', { currency: 'kwd', amount: 1005 }, '/amount'],
  ['a daily interval', { interval: 'day' }, '/interval'],
  ['no interval', { interval: undefined }, '/interval'],
  ['every 0 months', { interval_count: 0 }, '/interval_count'],
  ['every 13 months', { interval_count: 13 }, '/interval_count'],
  ['every 4 years', { interval: 'year', interval_count: 4 }, '/interval_count'],
  ['limits as a list', { limits: [] }, '/limits'],
  ['limits as text', { limits: 'many' }, '/limits'],
  ['a limit of an unknown metric', { limits: { unicorns: 1 } }, '/limits/unicorns'],
  ['a negative limit', { limits: { seats: -1 } }, '/limits/seats'],
  ['half a seat', { limits: { seats: 1.5 } }, '/limits/seats'],
  ['a limit as text', { limits: { seats: '10' } }, '/limits/seats'],
  ['a limit past 2^53', { limits: { seats: 9007199254740992 } }, '/limits/seats'],
  ['a grace as a number', { limit_grace: 10 }, '/limit_grace'],
  ['a grace of an unknown metric', { limit_grace: { unicorns: 1 } }, '/limit_grace/unicorns'],
  ['a negative grace', { limit_grace: { seats: -1 } }, '/limit_grace/seats'],
  ['a grace of three decimals', { limit_grace: { seats: 1.005 } }, '/limit_grace/seats'],
  ['a grace beyond 1000 percent', { limit_grace: { seats: 1000.01 } }, '/limit_grace/seats'],
  ['a grace as text', { limit_grace: { seats: '10' } }, '/limit_grace/seats'],
  ['features as text', { features: 'reports' }, '/features'],
  ['a feature that is a number', { features: [1] }, '/features'],
  ['a feature in capitals', { features: ['SSO'] }, '/features/0'],
  ['a feature with a comma', { features: ['ok', 'a,b'] }, '/features/1'],
  ['a feature of 65', { features: ['x'.repeat(65)] }, '/features/0'],
  ['an empty feature', { features: [''] }, '/features/0'],
  ['a feature twice', { features: ['sso', 'sso'] }, '/features/1'],
  ['101 features', { features: many(101, (index) => `f${index}`) }, '/features'],
  ['a rate of 0', { rate_limit: { per_second: 0 } }, '/rate_limit/per_second'],
  ['a rate as text', { rate_limit: { per_day: '5' } }, '/rate_limit/per_day'],
  ['an unknown rate', { rate_limit: { per_hour: 5 } }, '/rate_limit/per_hour'],
  ['a rate limit as a number', { rate_limit: 5 }, '/rate_limit'],
  ['a tenant that is no UUID', { tenant_id: 'acme' }, '/tenant_id'],
  ['hand-made invoices for everybody', { manual_invoicing: true }, '/manual_invoicing'],
  ['a due date without invoices', { days_until_due: 30 }, '/days_until_due'],
  ['due in 366 days', { days_until_due: 366 }, '/days_until_due'],
  ['a trial of 731 days', { trial_days: 731 }, '/trial_days'],
  ['a negative trial', { trial_days: -1 }, '/trial_days'],
  ['a place between two', { sort_order: 1.5 }, '/sort_order'],
  ['metadata as a list', { metadata: ['a'] }, '/metadata'],
  ['51 metadata keys', { metadata: keys(51) }, '/metadata'],
  ['a metadata key of 41', { metadata: { ['k'.repeat(41)]: 'v' } }, `/metadata/${'k'.repeat(41)}`],
  ['a metadata text of 501', { metadata: { note: 'x'.repeat(501) } }, '/metadata/note'],
  ['a metadata number', { metadata: { note: 1 } }, '/metadata/note'],
  ['a reserved metadata key', { metadata: { limit_seats: '5' } }, '/metadata/limit_seats'],
  ['our own internal key', { metadata: { $former_stripe_prices: 'x' } }, '/metadata/$former_stripe_prices'],
  ['a field of ours', { is_active: false }, '/is_active'],
  ['a Stripe price of their choice', { stripe_price_id: 'price_1' }, '/stripe_price_id'],
  ['an unknown field', { isAdmin: true }, '/isAdmin'],
];

describe('bad plans', () => {
  let service: TestService;
  let existing: { id: string };

  beforeAll(async () => {
    service = await startTestService();
    existing = await service.makePlan({ slug: 'existing' });
  });
  afterAll(() => service.close());

  const api = (method: string, path: string, body: unknown) =>
    service.api(method, path, { key: service.adminKey, body });
  const counts = async () => ({
    plans: await service.rows('select id, version from plans order by id'),
    products: service.stripe.objects('product').length,
  });

  it.each(MISTAKES)('refuses %s and changes nothing', async (_what, change, pointer) => {
    const before = await counts();
    const body = { ...VALID, ...change };
    const answers = [
      await api('POST', '/v1/admin/plans', body),
      await api('PUT', `/v1/admin/plans/${existing.id}`, body),
    ];
    // A plan's tenant is set once, so PUT does not know the field at all.
    for (const { status, body: problem, headers } of answers) {
      expect([status, problem.code]).toEqual([400, 'validation_failed']);
      expect(headers.get('content-type')).toContain('application/problem+json');
      const pointers = problem.errors.map((error: { pointer: string }) => error.pointer);
      expect(pointers).toContain(pointer);
    }
    expect(await counts()).toEqual(before);
  });

  it.each([
    ['a list', []],
    ['null', null],
    ['a text', 'plan'],
    ['nothing', undefined],
    ['an empty object', {}],
  ])('refuses %s as a body', async (_what, body) => {
    const answer = await api('POST', '/v1/admin/plans', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
  });

  it.each(['{"name":"a","name":"b"}', '{"name":', '{"amount":1e400}', '{"amount":NaN}'])(
    'refuses the JSON %s',
    async (text) => {
      const response = await fetch(`${service.url}/v1/admin/plans`, {
        method: 'POST',
        headers: { authorization: `Bearer ${service.adminKey}`, 'content-type': 'application/json' },
        body: text,
      });
      expect(response.status).toBe(400);
    },
  );

  it('refuses a tenant that does not exist, by name', async () => {
    const body = { ...VALID, tenant_id: '0190a5b0-0000-7000-8000-000000000000' };
    const answer = await api('POST', '/v1/admin/plans', body);
    expect([answer.status, answer.body.code]).toEqual([404, 'tenant_not_found']);
  });

  it('refuses a slug that is taken, on both routes, before Stripe hears of it', async () => {
    const before = await counts();
    const other = await service.makePlan({ amount: 0, slug: 'other' });
    const created = await api('POST', '/v1/admin/plans', { ...VALID, slug: 'existing' });
    const renamed = await api('PUT', `/v1/admin/plans/${other.id}`, {
      ...VALID,
      amount: 0,
      slug: 'existing',
    });
    for (const answer of [created, renamed])
      expect([answer.status, answer.body.code]).toEqual([409, 'already_exists']);
    expect((await counts()).products).toBe(before.products);
  });

  it('refuses to hand a plan to another owner', async () => {
    const tenant = await service.makeTenant();
    const answer = await api('PUT', `/v1/admin/plans/${existing.id}`, { ...VALID, tenant_id: tenant.id });
    expect(answer.body.errors).toEqual([expect.objectContaining({ pointer: '/tenant_id' })]);
  });

  it('keeps text that means harm as text', async () => {
    const name = `"; DROP TABLE plans; -- \${jndi:ldap} {{7*7}} <script>`;
    const plan = await service.makePlan({ name, description: name, metadata: { note: name } });
    const { body } = await service.api('GET', `/v1/plans/${plan.id}`);
    expect([body.name, body.description]).toEqual([name, name]);
  });

  it('takes what is just inside the bounds', async () => {
    const tenant = await service.makeTenant();
    const features = many(100, (index) => `${'f'.repeat(60)}${index}`);
    const plan = await service.makePlan({
      name: 'x'.repeat(100),
      slug: 'a'.repeat(60),
      amount: 99_999_999,
      interval: 'year',
      interval_count: 3,
      limits: { seats: Number.MAX_SAFE_INTEGER, campaigns: 0, email_sends: null },
      features,
      tenant_id: tenant.id,
      manual_invoicing: true,
      trial_days: 730,
      metadata: Object.fromEntries(
        many(50, (index) => `${'k'.repeat(38)}${index}`).map((key) => [key, 'v'.repeat(500)]),
      ),
    });
    expect(plan).toMatchObject({ features, manual_invoicing: true, days_until_due: 30, trial_days: 730 });
    expect(Object.keys(plan.metadata)).toHaveLength(50);
  });
});
