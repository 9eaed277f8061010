import { setTimeout as pause } from 'node:timers/promises';
import { startTestService, type TestService } from '../support/service';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ env: { ROLE: 'api' } });
});
afterAll(() => service.close());

it('at SIGTERM the process answers what it has begun, takes nothing new, and ends with 0', async () => {
  const plan = await service.makePlan();
  const tenants = await Promise.all(Array.from({ length: 20 }, () => service.makeTenant()));
  const replica = await service.replica({ ROLE: 'all' });
  service.stripe.setFaults({ latency_ms: 900 });
  const begun = tenants.map(({ key }) =>
    replica.api('POST', '/v1/billings/subscription/checkout', { key, body: { plan_id: plan.id } }),
  );
  // On a busy machine twenty requests take a while to arrive.
  await pause(800);
  const stopped = replica.stop();
  await pause(100);
  await expect(replica.api('GET', '/healthz')).rejects.toThrow();
  const answers = await Promise.all(begun);
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
  expect(await stopped).toBe(0);
  const [left] = await service.rows<{ idle: string }>(
    `select count(*) as idle from pg_stat_activity
     where datname = current_database() and state like 'idle in transaction%'`,
  );
  expect(left!.idle).toBe('0');
});
