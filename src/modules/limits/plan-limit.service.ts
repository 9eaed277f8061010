import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import type { TenantId } from '../../contracts/ids';
import type { EntitlementSource } from '../../domain/entitlements';
import {
  decide,
  EffectiveLimit,
  isOverLimit,
  LimitFacts,
  LimitOverride,
  LimitReason,
  LimitSource,
} from '../../domain/limit';
import type { Period } from '../../domain/period';
import { limitOf, MetricKind, metricsOf } from '../../domain/plan-limits';
import { ALWAYS_START } from '../../domain/usage-period';
import type { Amount } from '../../domain/usage-standing';
import { Clock } from '../../platform/clock';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { Metrics } from '../../platform/metrics';
import { EntitlementsMemory, HeldEntitlements, limitHeld } from '../entitlements/entitlements-memory';
import { MetersMemory } from '../pricing/meters-memory';
import { Meter } from '../pricing/meters.service';
import { UsageCounts } from '../usage/ledger/usage-counts';
import { RefusedUsage, UsageRefusals } from '../usage/recording/usage-refusal';
import { toJson } from '../usage/recording/usage-result';

/** One limit of a tenant, and where its number came from. */
export interface PlanLimit extends EffectiveLimit {
  readonly metric: string;
  readonly kind: MetricKind;
  readonly unit: string;
  /** What the plan (or the trial's, or the free plan) says by itself; null = unlimited. */
  readonly plan_limit: number | null;
  /** An operator's number that holds now; null without one. */
  readonly override: LimitOverride | null;
}

/** All limits of a tenant at one moment. */
export interface PlanLimitsOfTenant<Limit extends PlanLimit = PlanLimit> {
  readonly plan_id: string | null;
  readonly source: EntitlementSource;
  /** The usage month that flow metrics count in. */
  readonly period: Period;
  readonly limits: readonly Limit[];
}

/** Where a metric stands against its limit. */
export interface LimitStanding {
  readonly metric: string;
  /** null = unlimited. */
  readonly limit: number | null;
  readonly current_usage: Amount;
  readonly reserved: Amount;
  /** What may still be used before the limit, reservations counted; null = unlimited. */
  readonly remaining: Amount | null;
  readonly grace_limit: number | null;
  /** More is used than the limit allows: in the grace, or because it was lowered. */
  readonly over_limit: boolean;
  readonly source: LimitSource;
  /** Null for what is never reset. */
  readonly resets_at: Date | null;
}

/** `no_entitlement`: the tenant has nothing, no plan, no trial and no free plan. */
export type CheckReason = LimitReason | 'no_entitlement';

/** May so much more be used? */
export interface LimitCheck extends LimitStanding {
  readonly allowed: boolean;
  readonly reason: CheckReason;
}

/** Nothing is counted for a cap. */
const UNCOUNTED = { used: '0', reserved: '0' };

/**
 * May a tenant use more? The one place that answers; the ledger decides by the same numbers under the counter's
 * lock. Reads only: an answer admits nobody. A trial's allowance is what the trial plan gives; a trial with
 * numbers of its own would bring them where entitlements are resolved (domain/entitlements.ts, `allow`).
 *
 * What it cannot know it does not answer: while Postgres is away and nothing is remembered, it throws
 * `dependency_unavailable` (503), and never says "allowed".
 */
@Injectable()
export class PlanLimitService {
  constructor(
    private readonly entitlements: EntitlementsMemory,
    private readonly meters: MetersMemory,
    private readonly counts: UsageCounts,
    private readonly refusals: UsageRefusals,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The limits that the tenant's plan names or an operator has set, each with its source. */
  async getPlanLimits(tenantId: TenantId): Promise<PlanLimitsOfTenant> {
    const [held, meters] = await Promise.all([this.entitlements.of(tenantId), this.meters.all()]);
    return this.limitsOf(held, meters);
  }

  /** The same, with how much of each is used. */
  async standings(tenantId: TenantId): Promise<PlanLimitsOfTenant<PlanLimit & LimitStanding>> {
    const [held, meters] = await Promise.all([this.entitlements.of(tenantId), this.meters.all()]);
    const found = this.limitsOf(held, meters);
    const limits = await Promise.all(
      found.limits.map(async (limit) => {
        const {
          allowed: _,
          reason: __,
          ...standing
        } = await this.ask(held, meters.get(limit.metric)!, limit);
        return { ...limit, ...standing };
      }),
    );
    return { ...found, limits };
  }

  /**
   * May the tenant use `count` more of a metric?
   * @param action the metric
   * @param count above 0: a whole number, or a decimal text
   * @throws BillingError unknown_meter, validation_failed (more decimals than the meter counts)
   */
  async canPerformAction(tenantId: TenantId, action: string, count: Amount = 1): Promise<LimitCheck> {
    const held = await this.entitlements.of(tenantId);
    const meter = await this.meterOf(action);
    if (typeof count === 'string') refuseDecimals(count, meter, '/count');
    const check = await this.ask(held, meter, this.limitOf(held, meter.key), count);
    this.metrics.countLimitDecision(check.reason);
    return check;
  }

  /**
   * What the tenant may still use of a metric, reservations counted; null = unlimited.
   * @throws BillingError unknown_meter
   */
  async getRemainingCapacity(tenantId: TenantId, metric: string): Promise<Amount | null> {
    const held = await this.entitlements.of(tenantId);
    const meter = await this.meterOf(metric);
    return (await this.ask(held, meter, this.limitOf(held, metric))).remaining;
  }

  /**
   * Goes on only if the tenant may use so much more.
   * @returns where the metric stands, for a warning
   * @throws LimitExceededException; BillingError payment_required (nothing was bought), unknown_meter
   */
  async enforceLimit(tenantId: TenantId, metric: string, value: Amount = 1): Promise<LimitCheck> {
    const check = await this.canPerformAction(tenantId, metric, value);
    if (check.allowed) return check;
    const problem = check.reason === 'no_entitlement' ? 'payment_required' : 'limit_exceeded';
    const refused: RefusedUsage = { ...check, problem };
    throw await this.refusals.errorFor(tenantId, refused, value);
  }

  /**
   * Would all of these additional amounts fit?
   * @param wanted metric -> amount, 0 to ask about what is used already
   * @param plan another plan's limits in place of the tenant's own; an operator's numbers would outlive the change
   *   and count here, too
   * @throws BillingError unknown_meter, validation_failed, naming each metric
   */
  async wouldFit(
    tenantId: TenantId,
    wanted: ReadonlyMap<string, Amount>,
    plan: Pick<LimitFacts, 'source' | 'limits' | 'limit_grace'> | null,
  ): Promise<LimitCheck[]> {
    const held = await this.entitlements.of(tenantId);
    const asked: { meter: Meter; count: Amount }[] = [];
    for (const [metric, count] of wanted) {
      const meter = await this.meterOf(metric, `/metrics/${metric}`);
      if (typeof count === 'string') refuseDecimals(count, meter, `/metrics/${metric}`);
      asked.push({ meter, count });
    }
    return Promise.all(
      asked.map(({ meter, count }) => this.ask(held, meter, this.limitOf(held, meter.key, plan), count)),
    );
  }

  private async meterOf(metric: string, pointer: string | null = null): Promise<Meter> {
    const meter = (await this.meters.all()).get(metric) ?? (await this.meters.find(metric));
    if (!meter) throw unknownMeter(pointer);
    return meter;
  }

  private limitsOf(held: HeldEntitlements, meters: ReadonlyMap<string, Meter>): PlanLimitsOfTenant {
    const { source, plan_id, period, limits } = held.current;
    const overridden = Object.fromEntries(Object.keys(held.row.overrides).map((metric) => [metric, null]));
    const listed = metricsOf([limits, overridden]).flatMap((metric) => {
      const meter = meters.get(metric);
      // Nothing can be counted for a meter that was archived.
      if (!meter) return [];
      const effective = this.limitOf(held, metric);
      const isOverridden = effective.source === 'override';
      if (!isOverridden && !Object.hasOwn(limits, metric)) return [];
      const override = isOverridden ? held.row.overrides[metric]! : null;
      const { kind, unit } = meter;
      return [{ ...effective, metric, kind, unit, plan_limit: limitOf(limits, metric), override }];
    });
    return { plan_id, source, period, limits: listed };
  }

  private limitOf(
    held: HeldEntitlements,
    metric: string,
    plan: Pick<LimitFacts, 'source' | 'limits' | 'limit_grace'> | null = null,
  ): EffectiveLimit {
    const facts = plan === null ? held : { ...held, current: { ...held.current, ...plan } };
    return limitHeld(facts, metric, this.clock.now(), this.config.usage.gracePercent);
  }

  private async ask(
    { current, row }: HeldEntitlements,
    meter: Meter,
    limit: EffectiveLimit,
    requested: Amount = 0,
  ): Promise<LimitCheck> {
    const isFlow = meter.kind === 'flow';
    const resets_at = isFlow ? current.period.end : null;
    const { used, reserved } =
      meter.kind === 'cap'
        ? UNCOUNTED
        : await this.counts.of({
            tenantId: row.tenantId,
            metric: meter.key,
            periodStart: isFlow ? current.period.start : ALWAYS_START,
            periodEnd: resets_at,
          });
    const { allowed, reason, remaining } = decide(limit, used, reserved, String(requested));
    const hasNothing = limit.source === 'none';
    return {
      allowed: allowed && !hasNothing,
      reason: hasNothing ? 'no_entitlement' : reason,
      metric: meter.key,
      limit: limit.limit,
      current_usage: toJson(used),
      reserved: toJson(reserved),
      remaining: remaining === null ? null : toJson(remaining),
      grace_limit: limit.grace_limit,
      over_limit: isOverLimit(limit.limit, used),
      source: limit.source,
      resets_at,
    };
  }
}

/** @param pointer where the metric stands in the body; null when there is only one */
function unknownMeter(pointer: string | null): BillingError {
  if (pointer === null) return new BillingError('unknown_meter');
  const message = 'No meter has this key.';
  return new BillingError('unknown_meter', { errors: [{ pointer, code: 'unknown_meter', message }] });
}

function refuseDecimals(count: string, meter: Meter, pointer: string): void {
  const point = count.indexOf('.');
  if (point === -1 || count.length - point - 1 <= meter.scale) return;
  const message = 'It has more decimals than the meter counts.';
  throw new BillingError('validation_failed', {
    errors: [{ pointer, code: 'too_many_decimals', message }],
  });
}
