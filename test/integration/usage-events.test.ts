import { randomUUID } from 'node:crypto';
import { startTestService, type TestService, type TestTenant } from '../support/service';
import type { ApiAnswer } from '../support/api';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ env: { TRIAL_PLAN_SLUG: '' } });
  await service.makePlan({
    slug: 'free',
    amount: 0,
    limits: { email_sends: 10, campaigns: 3, api_calls: null, seats: 5 },
  });
});
afterAll(() => service.close());

/** A tenant on the free plan: 10 email_sends, 3 campaigns, api_calls without limit. */
const makeTenant = (): Promise<TestTenant> => service.makeTenant();

function send(tenant: TestTenant, body: unknown): Promise<ApiAnswer> {
  return service.api('POST', '/v1/billings/usage/events', { key: tenant.key, body });
}

const event = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  event_id: randomUUID(),
  metric: 'email_sends',
  ...fields,
});

describe('one event', () => {
  it('is recorded once, and a repetition is known', async () => {
    const tenant = await makeTenant();
    const sent = event({ quantity: 4 });

    const first = await send(tenant, sent);
    const second = await send(tenant, sent);

    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ status: 'recorded', current_usage: 4, limit: 10, remaining: 6 });
    expect(second.status).toBe(200);
    expect(second.body).toMatchObject({ status: 'duplicate', current_usage: 4, limit: 10, remaining: 6 });
  });

  it('with an id that stands for another one is a conflict', async () => {
    const tenant = await makeTenant();
    const sent = event({ quantity: 4 });
    await send(tenant, sent);

    for (const other of [{ quantity: 5 }, { metric: 'api_calls' }, { subject: 'ann' }]) {
      const answer = await send(tenant, { ...sent, ...other });
      expect([answer.status, answer.body.code]).toEqual([422, 'event_id_conflict']);
    }
  });

  it('past the limit is refused, and leaves no trace', async () => {
    const tenant = await makeTenant();
    await send(tenant, event({ quantity: 7 }));

    const refused = await send(tenant, event({ quantity: 5 }));

    expect(refused.status).toBe(402);
    expect(refused.body).toMatchObject({
      code: 'limit_exceeded',
      metric: 'email_sends',
      current_usage: 7,
      limit: 10,
      grace_limit: 10,
      requested: 5,
    });
    expect((await send(tenant, event({ quantity: 3 }))).status).toBe(201);
  });
});

describe('a batch', () => {
  it('answers for each event, in their order', async () => {
    const tenant = await makeTenant();
    const known = event();
    await send(tenant, known);

    const answer = await send(tenant, {
      events: [
        event({ quantity: 2 }),
        known,
        { ...known, quantity: 9 },
        event({ quantity: 100 }),
        event({ quantity: -1 }),
        event({ metric: 'nothing_known' }),
        event({ metric: 'api_calls', quantity: 1000 }),
      ],
    });

    expect(answer.status).toBe(200);
    const statuses = answer.body.results.map(({ status }: { status: string }) => status);
    expect(statuses).toEqual([
      'recorded',
      'duplicate',
      'conflict',
      'limit_exceeded',
      'invalid',
      'invalid',
      'recorded',
    ]);
    expect(answer.body.summary).toEqual({
      recorded: 2,
      duplicate: 1,
      conflict: 1,
      limit_exceeded: 1,
      invalid: 2,
    });
  });
});
