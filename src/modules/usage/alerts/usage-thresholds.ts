import { Inject, Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { TenantId } from '../../../contracts/ids';
import type { EffectiveLimit } from '../../../domain/limit';
import {
  AlertLevel,
  AlertRule,
  isReached,
  levelsOf,
  LIMIT_PERCENT,
  REARM_POINTS,
  severityOf,
  watchedPercents,
} from '../../../domain/usage-alerts';
import { Clock } from '../../../platform/clock';
import { Coalesced } from '../../../platform/coalesced';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Outbox } from '../../../platform/outbox/outbox';
import { EntitlementsMemory, limitHeld } from '../../entitlements/entitlements-memory';
import { MetersMemory } from '../../pricing/meters-memory';
import { AlertRulesRepository } from './alert-rules.repository';
import { CounterTarget } from '../ledger/ledger-entry';
import { UsageAlertsRepository } from './usage-alerts.repository';
import { toJson } from '../recording/usage-result';

export type WatchedCounter = Pick<CounterTarget, 'tenantId' | 'metric' | 'periodStart' | 'periodEnd'>;

/** What follows from a tenant's limit and rules for one counter. */
export interface Threshold {
  readonly limit: EffectiveLimit & { readonly limit: number };
  readonly levels: readonly AlertLevel[];
  readonly percents: readonly number[];
}

/** Between these numbers nothing new can be told of a counter: usage from `next` on, or below `rearm`, may bring it. */
export interface QuietRange {
  readonly rearm: number;
  readonly next: number;
}

const ALWAYS_QUIET: QuietRange = { rearm: -Infinity, next: Infinity };

/**
 * Tells that usage has come to a level of its limit: once per metric and period, however many processes see it.
 * Gauges, which have no period, are told again after they fell 5 points below the level. What counts is usage
 * alone; reservations may be given back.
 */
@Injectable()
export class UsageThresholds {
  private readonly rules = new Coalesced<TenantId, readonly AlertRule[]>(async (ids) => {
    const found = await this.rulesRows.rulesAcrossTenants([...new Set(ids)]);
    return ids.map((id) => found.get(id) ?? []);
  });

  constructor(
    private readonly rulesRows: AlertRulesRepository,
    private readonly alerts: UsageAlertsRepository,
    private readonly entitlements: EntitlementsMemory,
    private readonly meters: MetersMemory,
    private readonly context: TenantContext,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Null where the limit is 0 or none: there are no parts of it. */
  async of({ tenantId, metric }: WatchedCounter): Promise<Threshold | null> {
    const { gracePercent, warningPercent } = this.config.usage;
    const [held, rules] = await Promise.all([this.entitlements.of(tenantId), this.rules.get(tenantId)]);
    const limit = limitHeld(held, metric, this.clock.now(), gracePercent);
    if (limit.limit === null || limit.limit === 0) return null;
    const levels = levelsOf(rules, metric, warningPercent);
    return { limit: { ...limit, limit: limit.limit }, levels, percents: watchedPercents(levels) };
  }

  /**
   * Tells what a counter has reached and was not told yet.
   * @param used as it was seen; a decimal text
   * @returns where nothing more is to be told, as long as neither limit nor rules change
   */
  async evaluate(counter: WatchedCounter, used: string): Promise<QuietRange> {
    const threshold = await this.of(counter);
    if (threshold === null) {
      if (counter.periodEnd === null) await this.inTenant(counter, () => this.rearm(counter, null));
      return ALWAYS_QUIET;
    }
    const reached = reachedOf(threshold, used);
    if (counter.periodEnd !== null) {
      if (reached.length > 0) await this.inTenant(counter, () => this.tell(counter, threshold, reached));
      return quietRange(threshold, reached, false);
    }
    const told = await this.inTenant(counter, () => this.tellOfGauge(counter, threshold));
    return quietRange(threshold, told, true);
  }

  /** The same for many at once, found by looking; only what was missed costs more than the look. */
  async catchUp(page: readonly (WatchedCounter & { readonly used: string })[]): Promise<void> {
    const thresholds = await Promise.all(page.map((counter) => this.of(counter)));
    const told = await this.alerts.reachedAcrossTenants(page);
    for (const [at, counter] of page.entries()) {
      const threshold = thresholds[at]!;
      const known = told[at]!;
      const reached = threshold === null ? [] : reachedOf(threshold, counter.used);
      const isMissed = reached.some((percent) => !known.includes(percent));
      const hasFallen =
        counter.periodEnd === null && known.length > 0 && hasFallenBelow(threshold, known, counter.used);
      if (isMissed || hasFallen) await this.evaluate(counter, counter.used);
    }
  }

  private inTenant<T>({ tenantId }: WatchedCounter, work: () => Promise<T>): Promise<T> {
    return this.context.run(tenantId, work);
  }

  private rearm(counter: WatchedCounter, limit: number | null): Promise<void> {
    return this.alerts.rearm(counter, limit, REARM_POINTS);
  }

  /** Both statements look at the gauge as it is now: what was seen may be over. */
  @Transactional()
  protected async tellOfGauge(counter: WatchedCounter, threshold: Threshold): Promise<number[]> {
    await this.rearm(counter, threshold.limit.limit);
    await this.tell(counter, threshold, threshold.percents);
    return this.alerts.percentsOf(counter);
  }

  @Transactional()
  protected async tell(
    counter: WatchedCounter,
    threshold: Threshold,
    percents: readonly number[],
  ): Promise<void> {
    const { metric, periodStart } = counter;
    const meter = (await this.meters.all()).get(metric);
    const { limit, grace_limit } = threshold.limit;
    for (const { percent, used } of await this.alerts.reach(counter, limit, percents, this.clock.now())) {
      const level = threshold.levels.find((one) => one.percent === percent);
      const data = {
        metric,
        metric_name: meter?.name ?? metric,
        percent,
        severity: severityOf(percent, this.config.usage.warningPercent),
        current_usage: toJson(used),
        limit,
        grace_limit,
        period: periodOf(counter),
        channels: level?.channels ?? [],
      };
      const aggregate = {
        aggregateType: 'usage_counter',
        aggregateId: `${metric}:${periodStart.toISOString()}`,
      };
      if (level) await this.outbox.record({ type: 'usage.threshold_reached', ...aggregate, data });
      if (percent === LIMIT_PERCENT)
        await this.outbox.record({ type: 'usage.limit_reached', ...aggregate, data });
    }
  }
}

function reachedOf({ limit, percents }: Threshold, used: string): number[] {
  return percents.filter((percent) => isReached(used, limit.limit, percent));
}

function hasFallenBelow(threshold: Threshold | null, told: readonly number[], used: string): boolean {
  if (threshold === null || Number(used) === 0) return true;
  return !isReached(used, threshold.limit.limit, told.at(-1)! - REARM_POINTS);
}

function quietRange({ limit, percents }: Threshold, told: readonly number[], isGauge: boolean): QuietRange {
  const next = percents.find((percent) => !told.includes(percent));
  const highest = told.at(-1);
  const fallen = highest === undefined ? 0 : (limit.limit * (highest - REARM_POINTS)) / 100;
  return {
    next: next === undefined ? Infinity : (limit.limit * next) / 100,
    // A gauge at 0 has fallen below every level.
    rearm: isGauge && highest !== undefined ? Math.max(fallen, Number.MIN_VALUE) : -Infinity,
  };
}

function periodOf({ periodStart, periodEnd }: WatchedCounter): { start: string; end: string } | null {
  return periodEnd === null ? null : { start: periodStart.toISOString(), end: periodEnd.toISOString() };
}
