import Redis from 'ioredis';
import { PlanCache } from '../../src/modules/plans/plan-cache';
import { Plan } from '../../src/modules/plans/plan';
import { PlansRepository } from '../../src/modules/plans/plans.repository';
import { PlansService } from '../../src/modules/plans/plans.service';
import { RedisClient } from '../../src/platform/redis';
import { callApi } from '../support/api';
import type { ChildService } from '../support/child-service';
import { startTestService, type TestService } from '../support/service';

describe('the plan cache', () => {
  let one: TestService;
  /** Another replica, in a process of its own. */
  let other: ChildService;
  let redis: Redis;

  beforeAll(async () => {
    one = await startTestService({ env: { ROLE: 'api' } });
    other = await one.replica({ ROLE: 'api' });
    redis = new Redis(one.env.REDIS_URL!);
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(async () => {
    redis.disconnect();
    await other.stop();
    await one.close();
  });

  const slugs = async (replica: { url: string }, key?: string): Promise<string[]> =>
    (await callApi(replica.url, 'GET', '/v1/plans', { key })).body.data.map(
      (plan: { slug: string }) => plan.slug,
    );
  const removeAt = async (replica: { url: string }, id: string): Promise<void> => {
    const removed = await callApi(replica.url, 'DELETE', `/v1/admin/plans/${id}`, { key: one.adminKey });
    expect(removed.status).toBe(200);
  };
  const loads = () => jest.spyOn(one.get(PlansRepository), 'findPublic');

  it('is filled by one replica and read by the other', async () => {
    await one.makePlan({ amount: 0 });
    const seen = await slugs(other);
    const spy = loads();
    expect(await slugs(one)).toEqual(seen);
    expect(spy).not.toHaveBeenCalled();
  });

  it('keeps a list for an hour at most', async () => {
    await slugs(one);
    const ttl = await redis.ttl('tb:{plans}:list:public');
    expect(ttl).toBeGreaterThan(3500);
    expect(ttl).toBeLessThanOrEqual(3600);
  });

  it('shows every change at once in every replica', async () => {
    const plan = await one.makePlan({ amount: 0 });
    expect(await slugs(other)).toContain(plan.slug);
    await removeAt(other, plan.id);
    expect(await slugs(one)).not.toContain(plan.slug);
  });

  it('keeps the lists of tenants apart', async () => {
    const [owner, stranger] = [await one.makeTenant(), await one.makeTenant()];
    const plan = await one.makePlan({ amount: 0, tenant_id: owner.id });
    for (let round = 0; round < 2; round += 1) {
      expect(await slugs(one, owner.key)).toContain(plan.slug);
      expect(await slugs(other, stranger.key)).not.toContain(plan.slug);
      expect(await slugs(other)).not.toContain(plan.slug);
    }
  });

  it('loads once for all who miss at the same moment', async () => {
    await redis.flushdb();
    const spy = loads();
    await Promise.all(Array.from({ length: 20 }, () => slugs(one)));
    expect(spy).toHaveBeenCalledTimes(1);
  });

  it('does not bring old rows back when a writer commits between load and store', async () => {
    const plan = await one.makePlan({ amount: 0 });
    await one.get(PlanCache).invalidate();
    const repository = one.get(PlansRepository);
    const load = repository.findPublic.bind(repository);
    let committed = false;
    jest.spyOn(repository, 'findPublic').mockImplementationOnce(async () => {
      const rows = await load();
      await removeAt(other, plan.id);
      committed = true;
      return rows;
    });
    expect(await slugs(one)).toContain(plan.slug);
    expect(committed).toBe(true);
    expect(await slugs(one)).not.toContain(plan.slug);
    expect(await slugs(other)).not.toContain(plan.slug);
  });

  it('is filled again after a flush', async () => {
    const seen = await slugs(one);
    await redis.flushdb();
    expect(await slugs(one)).toEqual(seen);
    expect(await slugs(other)).toEqual(seen);
  });

  it('shrugs off what is no list', async () => {
    const seen = await slugs(one);
    for (const junk of ['', 'nonsense', 'null', '{"version":1}', '[]']) {
      await redis.set('tb:{plans}:list:public', junk);
      expect(await slugs(one)).toEqual(seen);
    }
  });

  it('gives dates back as dates', async () => {
    await slugs(one);
    const [plan] = await one.get(PlansService).findPublic();
    expect((plan as Plan).createdAt).toBeInstanceOf(Date);
  });

  it('answers from the database without Redis, and is right when Redis is back', async () => {
    const plan = await one.makePlan({ amount: 0 });
    expect(await slugs(other)).toContain(plan.slug);

    const { client } = one.get(RedisClient);
    client.disconnect();
    // The other replica still reads the list of before; this one changes it, and cannot tell Redis.
    await removeAt(one, plan.id);
    expect(await slugs(one)).not.toContain(plan.slug);
    expect(await slugs(other)).toContain(plan.slug);

    await client.connect();
    await one.until(async () => !(await slugs(other)).includes(plan.slug));
    expect(await slugs(one)).not.toContain(plan.slug);
  });
});
