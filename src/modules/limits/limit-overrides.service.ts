import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BillingError } from '../../contracts/errors';
import { isUuid, TenantId } from '../../contracts/ids';
import { limitOf } from '../../domain/plan-limits';
import { AuditRecorder } from '../../platform/audit/audit-recorder';
import { Clock } from '../../platform/clock';
import { TenantContext } from '../../platform/database/tenant-context';
import { EntitlementsMemory } from '../entitlements/entitlements-memory';
import { EntitlementsService } from '../entitlements/entitlements.service';
import { MetersMemory } from '../pricing/meters-memory';
import { Meter } from '../pricing/meters.service';
import { TenantsService } from '../tenants/tenants.service';
import { LimitOverridesRepository, StoredOverride } from './limit-overrides.repository';

/** What an operator wants in place of the plan's number. */
export interface WantedOverride {
  /** Null = unlimited. */
  readonly limit: number | null;
  readonly reason: string;
  /** Null = until it is taken away. */
  readonly expiresAt: Date | null;
}

/** An operator's number, with what it stands in place of. */
export interface OverrideInPlace {
  readonly override: StoredOverride;
  /** The plan's own number now; null = unlimited. */
  readonly planLimit: number | null;
}

/**
 * Numbers that operators set for one tenant, in force from the commit on: they are written together with the
 * tenant's entitlements, whose version every admission names. They outlive a change of plan. Time ends them; the
 * row of an expired one stays as its record until it is replaced or taken away.
 */
@Injectable()
export class LimitOverrides {
  constructor(
    private readonly overrides: LimitOverridesRepository,
    private readonly tenants: TenantsService,
    private readonly entitlements: EntitlementsService,
    private readonly memory: EntitlementsMemory,
    private readonly meters: MetersMemory,
    private readonly context: TenantContext,
    private readonly audit: AuditRecorder,
    private readonly clock: Clock,
  ) {}

  /** Expired ones too. @throws BillingError not_found */
  list(id: string): Promise<OverrideInPlace[]> {
    return this.within(id, () => this.listCurrent());
  }

  /**
   * Sets the number, in place of one that was set before. The same again changes nothing.
   * @throws BillingError not_found (tenant), unknown_meter, unprocessable (a metric without limits),
   *   validation_failed (an end that is over), state_conflict (a configured plan does not exist)
   */
  async set(id: string, metric: string, wanted: WantedOverride): Promise<OverrideInPlace> {
    return this.within(id, async (tenantId) => {
      // First, since an unknown tenant has no metrics.
      await this.tenants.current();
      const meter = await this.meters.find(metric);
      if (!meter) throw new BillingError('unknown_meter');
      refuseUnlimitable(meter, wanted.limit);
      const set = await this.setCurrent(metric, wanted);
      this.memory.forget(tenantId);
      return set;
    });
  }

  /**
   * Takes the number away: the plan's counts again.
   * @throws BillingError not_found
   */
  async remove(id: string, metric: string): Promise<OverrideInPlace> {
    return this.within(id, async (tenantId) => {
      const removed = await this.removeCurrent(metric);
      this.memory.forget(tenantId);
      return removed;
    });
  }

  @Transactional()
  protected async listCurrent(): Promise<OverrideInPlace[]> {
    await this.tenants.current();
    const overrides = await this.overrides.all();
    const { limits } = await this.entitlements.current();
    return overrides.map((override) => ({ override, planLimit: limitOf(limits, override.metricName) }));
  }

  @Transactional()
  protected async setCurrent(metric: string, wanted: WantedOverride): Promise<OverrideInPlace> {
    await this.tenants.lockCurrent();
    const now = this.clock.now();
    if (wanted.expiresAt !== null && wanted.expiresAt <= now) throw isOver();
    const before = await this.overrides.get(metric);
    const { limit, reason, expiresAt } = wanted;
    const after: StoredOverride = {
      metricName: metric,
      limitValue: limit,
      reason,
      expiresAt,
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
    };
    if (before && saysTheSame(before, after)) return this.inPlace(before);
    if (before) await this.overrides.change(metric, { limitValue: limit, reason, expiresAt, updatedAt: now });
    else await this.overrides.addOverride(after);
    await this.entitlements.override(metric, { limit, expires_at: expiresAt?.toISOString() ?? null });
    // Without a row nothing of it would hold, and nobody would know.
    if ((await this.entitlements.version()) === null) throw nothingToOverride();
    await this.audit.record({
      action: 'LIMIT_OVERRIDE_SET',
      targetType: 'limit_override',
      targetId: metric,
      before: before && recordOf(before),
      after: recordOf(after),
    });
    return this.inPlace(after);
  }

  @Transactional()
  protected async removeCurrent(metric: string): Promise<OverrideInPlace> {
    await this.tenants.lockCurrent();
    const before = await this.overrides.get(metric);
    if (!before) throw new BillingError('not_found');
    await this.overrides.takeAway(metric);
    await this.entitlements.override(metric, null);
    await this.audit.record({
      action: 'LIMIT_OVERRIDE_REMOVED',
      targetType: 'limit_override',
      targetId: metric,
      before: recordOf(before),
      after: null,
    });
    return this.inPlace(before);
  }

  private async inPlace(override: StoredOverride): Promise<OverrideInPlace> {
    const { limits } = await this.entitlements.current();
    return { override, planLimit: limitOf(limits, override.metricName) };
  }

  private async within<T>(id: string, act: (tenantId: TenantId) => Promise<T>): Promise<T> {
    if (!isUuid(id)) throw new BillingError('not_found');
    const tenantId = id.toLowerCase() as TenantId;
    return this.context.run(tenantId, () => act(tenantId));
  }
}

/**
 * `max` and `latest` take no number, because their value is no amount that fills up (decisions 10); unlimited they
 * may be. A cap is its own limit, as that of leaderboards is.
 */
function refuseUnlimitable({ aggregation, kind, builtIn }: Meter, limit: number | null): void {
  const isCap = kind === 'cap' && builtIn;
  if (isCap || limit === null || (kind !== 'cap' && aggregation !== 'max' && aggregation !== 'latest'))
    return;
  throw new BillingError('unprocessable', { detail: 'This metric cannot have a limit.' });
}

function saysTheSame(a: StoredOverride, b: StoredOverride): boolean {
  return (
    a.limitValue === b.limitValue &&
    a.reason === b.reason &&
    a.expiresAt?.getTime() === b.expiresAt?.getTime()
  );
}

function recordOf({ metricName, limitValue, reason, expiresAt }: StoredOverride): Record<string, unknown> {
  return { metric: metricName, limit: limitValue, reason, expires_at: expiresAt?.toISOString() ?? null };
}

function isOver(): BillingError {
  const message = 'expires_at must be in the future.';
  return new BillingError('validation_failed', {
    errors: [{ pointer: '/expires_at', code: 'not_in_future', message }],
  });
}

function nothingToOverride(): BillingError {
  return new BillingError('state_conflict', {
    detail: 'A plan named by TRIAL_PLAN_SLUG or FREE_PLAN_SLUG does not exist yet. Create it first.',
  });
}
