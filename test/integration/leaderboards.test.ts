import { randomUUID } from 'node:crypto';
import { Clock } from '../../src/platform/clock';
import type { ApiAnswer } from '../support/api';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import { moveClock, use } from '../support/usage-jobs';

let service: TestService;
/** The middle of a month. */
const NOW = new Date('2027-03-15T12:00:00Z');

beforeAll(async () => {
  service = await startTestService({ env: { ROLE: 'api', TRIAL_PLAN_SLUG: '' } });
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { referred_users: null, seats: null, leaderboard_entries: 3 },
  });
  await moveClock(service, NOW);
});
afterAll(() => service.close());

function board(tenant: TestTenant, metric = 'referred_users', query = ''): Promise<ApiAnswer> {
  return service.api('GET', `/v1/billings/leaderboards/${metric}${query}`, { key: tenant.key });
}

async function refer(tenant: TestTenant, scores: Record<string, number>, timestamp?: string): Promise<void> {
  for (const [subject, quantity] of Object.entries(scores))
    await use(service, tenant, 'referred_users', quantity, { subject, ...(timestamp ? { timestamp } : {}) });
}

async function allow(tenant: TestTenant, limit: number | null): Promise<void> {
  await service.admin('PUT', `/v1/admin/tenants/${tenant.id}/limit-overrides/leaderboard_entries`, {
    limit,
    reason: 'test',
  });
}

describe('a leaderboard', () => {
  it('shows as many as the plan allows, and says that there are more', async () => {
    const tenant = await service.makeTenant();
    await refer(tenant, { ann: 5, bob: 9, cid: 1, dan: 7, eve: 2 });
    await refer(tenant, { cid: 3 });
    await use(service, tenant, 'referred_users', 50);
    expect(await board(tenant)).toMatchObject({
      status: 200,
      body: {
        metric: 'referred_users',
        period: { start: '2027-03-01T00:00:00.000Z', end: '2027-04-01T00:00:00.000Z' },
        entries: [
          { rank: 1, subject: 'bob', current_usage: 9 },
          { rank: 2, subject: 'dan', current_usage: 7 },
          { rank: 3, subject: 'ann', current_usage: 5 },
        ],
        total_subjects: 5,
        limit: 3,
        note: 'Showing top 3 of 5 (plan limit)',
      },
    });
  });

  it('has no note when all are shown, and equal ranks for equal usage', async () => {
    const tenant = await service.makeTenant();
    await allow(tenant, 10);
    await refer(tenant, { ann: 1, dan: 5, bob: 5, cid: 9 });
    const { body } = await board(tenant);
    expect(body.note).toBeNull();
    expect(
      body.entries.map((entry: { rank: number; subject: string }) => [entry.rank, entry.subject]),
    ).toEqual([
      [1, 'cid'],
      [2, 'bob'],
      [2, 'dan'],
      [4, 'ann'],
    ]);
  });

  it('shows nobody where the plan has no places, and says so', async () => {
    const tenant = await service.makeTenant();
    await allow(tenant, 0);
    await refer(tenant, { ann: 1, bob: 2 });
    expect((await board(tenant)).body).toMatchObject({
      entries: [],
      total_subjects: 2,
      limit: 0,
      note: 'Showing top 0 of 2 (plan limit)',
    });
  });

  it('shows a thousand at most where the plan has no limit', async () => {
    const tenant = await service.makeTenant();
    await allow(tenant, null);
    for (let batch = 0; batch < 2; batch++) {
      const events = Array.from({ length: 501 }, (_, n) => ({
        event_id: randomUUID(),
        metric: 'referred_users',
        subject: `subject-${batch}-${n}`,
      }));
      await service.api('POST', '/v1/billings/usage/events', { key: tenant.key, body: { events } });
    }
    const { body } = await board(tenant);
    expect([body.entries.length, body.total_subjects, body.limit]).toEqual([1000, 1002, null]);
    expect(body.note).toBe('Showing top 1000 of 1002');
  });

  it('leaves out what was corrected', async () => {
    const tenant = await service.makeTenant();
    await refer(tenant, { ann: 5, bob: 3 });
    const wrong = await use(service, tenant, 'referred_users', 9, { subject: 'bob' });
    const serviceKey = (await service.admin('POST', '/v1/api-keys', { name: 's', kind: 'service' })).secret;
    const corrected = await service.api('POST', '/v1/billings/usage/corrections', {
      key: serviceKey,
      tenantId: tenant.id,
      body: { event_id: wrong.body.event_id, reason: 'test' },
    });
    expect(corrected.status).toBeLessThan(300);
    expect((await board(tenant)).body.entries).toMatchObject([
      { subject: 'ann', current_usage: 5 },
      { subject: 'bob', current_usage: 3 },
    ]);
  });

  it('is of the month in which things happened', async () => {
    const tenant = await service.makeTenant();
    await refer(tenant, { ann: 5 });
    await refer(tenant, { bob: 4 }, '2027-02-28T23:59:59.999Z');
    await refer(tenant, { cid: 3 }, '2027-03-01T00:00:00Z');
    const subjects = async (query: string): Promise<string[]> =>
      (await board(tenant, 'referred_users', query)).body.entries.map(
        ({ subject }: { subject: string }) => subject,
      );
    expect(await subjects('')).toEqual(['ann', 'cid']);
    expect(await subjects('?period=current')).toEqual(['ann', 'cid']);
    expect(await subjects('?period=previous')).toEqual(['bob']);
    expect(await subjects('?period=2027-02')).toEqual(['bob']);
    expect(await subjects('?period=2027-03')).toEqual(['ann', 'cid']);
    expect(await subjects('?period=2030-01')).toEqual([]);
  });

  it('follows the anchor of the subscription: a named month is the one that begins in it', async () => {
    const tenant = await service.makeTenant();
    await board(tenant);
    await service.rows(
      `update tenant_entitlements set anchor = '2027-01-31T08:00:00Z', version = version + 1 where tenant_id = $1`,
      [tenant.id],
    );
    const period = async (query: string): Promise<unknown> =>
      (await board(tenant, 'referred_users', query)).body.period;
    await service.until(
      async () => ((await period('')) as { start: string }).start === '2027-02-28T08:00:00.000Z',
    );
    expect(await period('?period=2027-02')).toEqual(await period(''));
    expect(await period('?period=2027-03')).toMatchObject({ start: '2027-03-31T08:00:00.000Z' });
    expect(await period('?period=previous')).toMatchObject({ start: '2027-01-31T08:00:00.000Z' });
  });

  it('of a gauge is how things stand, and nobody stands at 0', async () => {
    const tenant = await service.makeTenant();
    await use(service, tenant, 'seats', 3, { subject: 'ann', timestamp: '2027-02-20T00:00:00Z' });
    await use(service, tenant, 'seats', 2, { subject: 'bob' });
    await service.api('POST', '/v1/billings/usage/decrement', {
      key: tenant.key,
      body: { metric: 'seats', count: 2, subject: 'bob' },
    });
    expect((await board(tenant, 'seats')).body.entries).toEqual([
      { rank: 1, subject: 'ann', current_usage: 3 },
    ]);
  });

  it("never shows another tenant's subjects", async () => {
    const [one, other] = [await service.makeTenant(), await service.makeTenant()];
    await refer(one, { ann: 5 });
    expect((await board(other)).body).toMatchObject({ entries: [], total_subjects: 0, note: null });
  });

  it.each([
    ['nobody_knows', '', 404, 'unknown_meter'],
    ['leaderboard_entries', '', 422, 'unprocessable'],
    ['referred_users', '?period=2027-13', 400, 'validation_failed'],
    ['referred_users', '?period=last', 400, 'validation_failed'],
    ['referred_users', '?limit=5', 400, 'validation_failed'],
  ])('of %s%s is refused: %d %s', async (metric, query, status, code) => {
    const answer = await board(await service.makeTenant(), metric, query);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });
});

it('stands in the month that the tests mean', () => {
  expect(service.get(Clock).now().toISOString().slice(0, 7)).toBe('2027-03');
});
