import Redis from 'ioredis';
import { Client } from 'pg';
import type { JobRun } from '../../../src/platform/queue/on-job';
import { Clock } from '../../../src/platform/clock';
import { ClockSync } from '../../../src/platform/database/clock-sync';
import { EntitlementRefresher } from '../../../src/modules/billing/subscriptions/entitlement-refresher';
import { UsageAuditJobs } from '../../../src/modules/usage/upkeep/usage-audit.jobs';
import { UsageCloseJobs } from '../../../src/modules/usage/upkeep/usage-close.jobs';
import { UsageExpiryJobs } from '../../../src/modules/usage/reservations/usage-expiry.jobs';
import { UsageRollupJobs } from '../../../src/modules/usage/upkeep/usage-rollup.jobs';
import type { TenantId } from '../../../src/contracts/ids';
import { PlanLimitService, type LimitCheck } from '../../../src/modules/limits/plan-limit.service';
import type { ApiAnswer } from '../../support/api';
import { startTestService, type TestService } from '../../support/service';
import { METERS } from './meters';

/** Mid-January, far from any border: where each history begins. */
export const BEGINNING = Date.UTC(2027, 0, 15, 12);

const FREE_PLAN = { name: 'Free', slug: 'free', currency: 'usd', amount: 0, interval: 'month', features: [] };
const BY_HAND: JobRun = { slot: null, fence: null, previous: null };

/** The service of the model test: one process whose clock, jobs and plan are in the test's hands. */
export class ModelService {
  private planLimits: Record<string, number | null> = {};
  private readonly baseLimits: Record<string, number | null>;
  private now = BEGINNING;

  private constructor(
    readonly service: TestService,
    readonly database: Client,
    private readonly redis: Redis,
    private readonly planId: string,
    private readonly key: string,
    limits: Record<string, number | null>,
  ) {
    this.baseLimits = limits;
    this.planLimits = limits;
    // It stands still: what a step does, it does at one moment, and that moment may be the last of a month.
    service.get(Clock).now = () => new Date(this.now);
  }

  static async start(): Promise<ModelService> {
    const service = await startTestService({
      // Jobs run when a history says so.
      env: { ROLE: 'api', TRIAL_PLAN_SLUG: '', LIMIT_GRACE_PERCENT: '10' },
    });
    for (const { key, aggregation, kind, scale, rejectsLate } of METERS.filter(({ isBuiltIn }) => !isBuiltIn))
      await service.rows(
        `insert into meters (key, name, unit, aggregation, kind, scale, late_usage) values ($1, $1, 'units', $2, $3, $4, $5)`,
        [key, aggregation, kind, scale, rejectsLate ? 'reject' : 'next_period'],
      );
    const limits = Object.fromEntries(METERS.map(({ key, limit }) => [key, limit]));
    const plan = await service.makePlan({ ...FREE_PLAN, limits });
    const { secret } = await service.admin('POST', '/v1/api-keys', { name: 'model', kind: 'service' });
    const database = new Client({ connectionString: service.database.superuserUrl });
    await database.connect();
    const redis = new Redis(service.env.REDIS_URL!);
    return new ModelService(service, database, redis, plan.id as string, secret as string, limits);
  }

  async makeTenant(): Promise<string> {
    const { id } = await this.service.admin('POST', '/v1/admin/tenants', {
      name: 'Model',
      email: 'model@example.test',
    });
    return id as string;
  }

  /** As a trusted back end of that tenant. */
  api(tenantId: string, method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    return this.service.api(method, path, { key: this.key, tenantId, body });
  }

  asOperator(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    return this.service.api(method, path, { key: this.service.adminKey, body });
  }

  /** What POST /v1/billings/limits/check answers, without the way there. */
  check(tenantId: string, metric: string): Promise<LimitCheck> {
    return this.service.get(PlanLimitService).canPerformAction(tenantId as TenantId, metric, 1);
  }

  /** Lets so much time pass in this process. */
  wait(ms: number): void {
    this.now += ms;
  }

  /** Moves business time, as the sandbox does it: the offset that all processes read. */
  async setTime(now: number): Promise<void> {
    this.now = now;
    await this.database.query('update clock_offset set offset_ms = $1', [now - Date.now()]);
    await this.service.get(ClockSync).sync();
  }

  async run(job: 'expiry' | 'close' | 'audit' | 'rollup'): Promise<void> {
    if (job === 'expiry') await this.service.get(UsageExpiryJobs).run();
    if (job === 'close') await this.service.get(UsageCloseJobs).run({}, BY_HAND);
    if (job === 'audit') await this.service.get(UsageAuditJobs).run({}, BY_HAND);
    if (job === 'rollup') await this.service.get(UsageRollupJobs).run({}, BY_HAND);
  }

  async flushRedis(): Promise<void> {
    await this.redis.flushdb();
  }

  /** Changes the free plan; answers when it has reached its tenants. */
  async setPlanLimit(metric: string, limit: number | null): Promise<void> {
    await this.setPlanLimits({ ...this.planLimits, [metric]: limit });
  }

  /** Leaves the database as it was before the tenant. */
  async forget(tenantId: string): Promise<void> {
    if (this.planLimits !== this.baseLimits) await this.setPlanLimits(this.baseLimits);
    await this.database.query('delete from billing_events where tenant_id = $1', [tenantId]);
    await this.database.query('delete from tenants where id = $1', [tenantId]);
  }

  async close(): Promise<void> {
    await this.database.end();
    this.redis.disconnect();
    await this.service.close();
  }

  private async setPlanLimits(limits: Record<string, number | null>): Promise<void> {
    const answer = await this.asOperator('PUT', `/v1/admin/plans/${this.planId}`, { ...FREE_PLAN, limits });
    if (answer.status !== 200) throw new Error(`the plan's limits: ${answer.status} ${answer.text}`);
    this.planLimits = limits;
    await this.service.drain();
    await this.service.get(EntitlementRefresher).refreshAll();
  }
}
