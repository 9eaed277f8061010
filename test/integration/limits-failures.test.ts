import { randomUUID } from 'node:crypto';
import { FaultProxy } from '../faults/fault-proxy';
import type { ApiAnswer } from '../support/api';
import { whilePostgresIsAway } from '../support/database';
import { startTestService, type TestService, type TestTenant } from '../support/service';

/** Checks while Postgres or Redis is away: right, or 503; never "allowed" by guessing (decisions 12). */
let service: TestService;
let redis: FaultProxy;
/** At its limit of 10. */
let tenant: TestTenant;

beforeAll(async () => {
  const url = new URL(process.env.TEST_REDIS_URL!);
  redis = await FaultProxy.start(Number(url.port));
  url.pathname = `/${process.env.JEST_WORKER_ID ?? '1'}`;
  service = await startTestService({
    env: { TRIAL_PLAN_SLUG: '', ROLE: 'api', REDIS_URL: redis.through(url.toString()) },
  });
  await service.makePlan({ slug: 'free', amount: 0, limits: { email_sends: 10, campaigns: null } });
  tenant = await service.makeTenant();
  const used = await service.api('POST', '/v1/billings/usage/events', {
    key: tenant.key,
    body: { event_id: randomUUID(), metric: 'email_sends', quantity: 10 },
  });
  expect(used.status).toBe(201);
});
afterAll(async () => {
  await service.close();
  await redis.close();
});

const check = (metric: string): Promise<ApiAnswer> =>
  service.api('POST', '/v1/billings/limits/check', { key: tenant.key, body: { metric } });
const REFUSED = { allowed: false, reason: 'limit_exceeded', current_usage: 10, limit: 10 };

it('answers the same from Postgres while Redis is away', async () => {
  redis.set({ refuse: 1 });
  redis.resetAll();
  try {
    for (let time = 0; time < 5; time++) {
      expect((await check('email_sends')).body).toMatchObject(REFUSED);
      expect((await check('campaigns')).body).toMatchObject({ allowed: true, reason: 'unlimited' });
    }
  } finally {
    redis.heal();
  }
});

it('answers the same while Redis is there and says nothing', async () => {
  redis.set({ blackHole: true });
  try {
    expect((await check('email_sends')).body).toMatchObject(REFUSED);
  } finally {
    redis.heal();
  }
});

it('is 503 with Retry-After while Postgres is away, from every route, whatever it said before', async () => {
  await whilePostgresIsAway(service.database, async () => {
    const refused = await service.until(async () => {
      const answer = await check('email_sends');
      // What is remembered for a moment may still be told, as long as it is true.
      if (answer.status === 200) expect(answer.body).toMatchObject(REFUSED);
      else expect(answer.status).toBe(503);
      return answer.status === 503 && answer;
    });
    expect(refused.body.code).toBe('dependency_unavailable');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    for (const path of ['limits', 'access/features/reports', 'access/metrics/campaigns'])
      expect((await service.api('GET', `/v1/billings/${path}`, { key: tenant.key })).status).toBe(503);
    const many = await service.api('POST', '/v1/billings/limits/validate', {
      key: tenant.key,
      body: { metrics: { campaigns: 1 } },
    });
    expect(many.status).toBe(503);
  });
  const back = await service.until(async () => {
    const answer = await check('email_sends');
    return answer.status === 200 && answer;
  });
  expect(back.body).toMatchObject(REFUSED);
});
