import type { TenantId } from '../../src/contracts/ids';
import { EntitlementsService, type Purchase } from '../../src/modules/entitlements/entitlements.service';
import { PlansService } from '../../src/modules/plans/plans.service';
import { UsageService } from '../../src/modules/usage/reading/usage.service';
import { Clock } from '../../src/platform/clock';
import { TenantContext } from '../../src/platform/database/tenant-context';
import { startTestService, type TestService, type TestTenant } from '../support/service';

const DAY_MS = 24 * 60 * 60 * 1000;

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

function within<T>(tenant: TestTenant, work: () => Promise<T>): Promise<T> {
  return service.get(TenantContext).run(tenant.id as TenantId, work);
}

function entitlements(): EntitlementsService {
  return service.get(EntitlementsService);
}

interface Row {
  source: string;
  plan_id: string | null;
  version: string;
  fallback: { source: string } | null;
}

async function rowsOf(tenant: TestTenant): Promise<Row[]> {
  return service.rows<Row>('select * from tenant_entitlements where tenant_id = $1', [tenant.id]);
}

async function bought(planId: string): Promise<Purchase> {
  // The plan's own news first: heard later, it would have these entitlements found out from the real purchase.
  await service.settle();
  const plan = await within(await service.makeTenant(), () => service.get(PlansService).find(planId));
  const anchor = new Date('2026-01-31T08:00:00Z');
  return { billing: { status: 'ACTIVE', pauseMode: null, anchor }, plan, addOns: [] };
}

describe('before the configured plans exist', () => {
  it('gives nothing and fixes nothing, until they are there', async () => {
    const tenant = await service.makeTenant();
    await service.settle();
    expect(await within(tenant, () => entitlements().current())).toMatchObject({
      source: 'none',
      limits: {},
    });
    expect(await rowsOf(tenant)).toEqual([]);
    const starter = await service.makePlan({
      slug: 'starter',
      amount: 0,
      limits: { seats: 3, campaigns: 2 },
    });
    const free = await service.makePlan({ slug: 'free', amount: 0, limits: { seats: 1 }, features: [] });
    expect(await within(tenant, () => entitlements().current())).toMatchObject({
      source: 'trial',
      plan_id: starter.id,
    });
    expect(await rowsOf(tenant)).toMatchObject([
      { source: 'trial', plan_id: starter.id, version: '1', fallback: { source: 'free', plan_id: free.id } },
    ]);
  });
});

describe('what a tenant may use', () => {
  it('is written when the tenant is created, without anybody asking', async () => {
    const tenant = await service.makeTenant();
    await service.settle();
    expect(await rowsOf(tenant)).toMatchObject([{ source: 'trial', version: '1' }]);
  });

  it('is written once when many ask first', async () => {
    const tenant = await service.makeTenant();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => within(tenant, () => entitlements().current())),
    );
    expect(new Set(answers.map(({ source }) => source))).toEqual(new Set(['trial']));
    expect(await rowsOf(tenant)).toHaveLength(1);
  });

  it('follows the time when the trial ends, with no job run', async () => {
    const tenant = await service.makeTenant();
    await within(tenant, () => entitlements().current());
    const now = service.get(Clock).now();
    const move = jest.spyOn(service.get(Clock), 'now');
    try {
      move.mockReturnValue(new Date(now.getTime() + 13.9 * DAY_MS));
      expect(await within(tenant, () => entitlements().current())).toMatchObject({
        source: 'trial',
        limits: { seats: 3 },
      });
      move.mockReturnValue(new Date(now.getTime() + 14.1 * DAY_MS));
      expect(await within(tenant, () => entitlements().current())).toMatchObject({
        source: 'free',
        limits: { seats: 1 },
      });
      expect(await within(tenant, () => entitlements().hasFeature('reports'))).toBe(false);
    } finally {
      move.mockRestore();
    }
    expect(await within(tenant, () => entitlements().hasFeature('reports'))).toBe(true);
  });

  it('follows a purchase, with a version for each change and none for a repeat', async () => {
    const tenant = await service.makeTenant();
    await within(tenant, () => entitlements().current());
    const plan = await service.makePlan({ limits: { seats: 10 }, features: ['reports', 'api'] });
    const purchase = await bought(plan.id);
    const now = await within(tenant, () => entitlements().refresh(purchase));
    expect(now).toMatchObject({ source: 'subscription', plan_id: plan.id, features: ['api', 'reports'] });
    // Slices are counted from the anchor on the 31st, whatever the month.
    expect([now.period.start.getUTCHours(), now.period.end.getUTCHours()]).toEqual([8, 8]);
    await within(tenant, () => entitlements().refresh(purchase));
    expect(await rowsOf(tenant)).toMatchObject([{ source: 'subscription', version: '2' }]);
    const withAddOn = { ...purchase, addOns: [{ plan: purchase.plan!, quantity: 2 }] };
    expect((await within(tenant, () => entitlements().refresh(withAddOn))).limits).toEqual({ seats: 30 });
    const ended: Purchase = { ...purchase, billing: { ...purchase.billing!, status: 'CANCELED' } };
    await within(tenant, () => entitlements().refresh(ended));
    expect(await rowsOf(tenant)).toMatchObject([{ source: 'trial', version: '4' }]);
  });

  it('is written for a tenant that buys before anything was read', async () => {
    const tenant = await service.makeTenant();
    const plan = await service.makePlan();
    await within(tenant, async () => entitlements().refresh(await bought(plan.id)));
    await service.settle();
    expect(await rowsOf(tenant)).toMatchObject([{ source: 'subscription', plan_id: plan.id }]);
  });

  it('is its own: one tenant buys, the other stays where it was', async () => {
    const [buyer, other] = [await service.makeTenant(), await service.makeTenant()];
    await within(other, () => entitlements().current());
    const plan = await service.makePlan();
    await within(buyer, async () => entitlements().refresh(await bought(plan.id)));
    expect((await within(other, () => entitlements().current())).source).toBe('trial');
    await expect(entitlements().current()).rejects.toThrow(/tenant context/);
  });
});

describe('how much was used', () => {
  /** As the ledger will count: flows in the usage month, gauges from the beginning of time. */
  async function count(
    tenant: TestTenant,
    metric: string,
    used: number | string,
    start: Date,
  ): Promise<void> {
    await service.rows(
      `insert into usage_counters (tenant_id, metric_name, period_start, used) values ($1, $2, $3, $4)`,
      [tenant.id, metric, start, used],
    );
  }

  it('is read from the counters of the usage month, and of gauges at any time', async () => {
    const [tenant, other] = [await service.makeTenant(), await service.makeTenant()];
    const { period } = await within(tenant, () => entitlements().current());
    const lastMonth = new Date(period.start.getTime() - 20 * DAY_MS);
    await count(tenant, 'email_sends', '12.5', period.start);
    await count(tenant, 'email_sends', 999, lastMonth);
    await count(tenant, 'campaigns', 1, new Date(0));
    await count(tenant, 'seats', 7, period.start);
    await count(other, 'campaigns', 50, new Date(0));
    expect(await within(tenant, () => service.get(UsageService).currentUsage())).toEqual({
      referred_users: 0,
      campaigns: 1,
      seats: 0,
      leaderboard_entries: 0,
      email_sends: 12.5,
      api_calls: 0,
    });
    expect(await within(tenant, () => service.get(UsageService).summary())).toEqual([
      { metric: 'campaigns', used: 1, limit: 2, percent: 50 },
      { metric: 'seats', used: 0, limit: 3, percent: 0 },
    ]);
  });

  it('has a percentage only of a limit, and reaches 100 only at the limit', async () => {
    const tenant = await service.makeTenant();
    const plan = await service.makePlan({ limits: { campaigns: null, seats: 0, email_sends: 3000 } });
    await within(tenant, async () => entitlements().refresh(await bought(plan.id)));
    const { period } = await within(tenant, () => entitlements().current());
    await count(tenant, 'email_sends', 2999, period.start);
    await count(tenant, 'seats', 4, new Date(0));
    expect(await within(tenant, () => service.get(UsageService).summary())).toEqual([
      { metric: 'campaigns', used: 0, limit: null, percent: null },
      { metric: 'seats', used: 4, limit: 0, percent: null },
      { metric: 'email_sends', used: 2999, limit: 3000, percent: 99.9 },
    ]);
  });

  it('is projected to the end of the month for flows alone', async () => {
    const tenant = await service.makeTenant();
    const { period } = await within(tenant, () => entitlements().current());
    await count(tenant, 'email_sends', 100, period.start);
    await count(tenant, 'seats', 5, new Date(0));
    const half = new Date((period.start.getTime() + period.end.getTime()) / 2);
    const move = jest.spyOn(service.get(Clock), 'now').mockReturnValue(half);
    try {
      expect(await within(tenant, () => service.get(UsageService).projectedUsage())).toMatchObject({
        email_sends: 200,
        seats: 5,
        campaigns: 0,
      });
    } finally {
      move.mockRestore();
    }
  });
});
