import { Injectable } from '@nestjs/common';
import { Period } from '../../../domain/period';
import { metricsOf, limitOf } from '../../../domain/plan-limits';
import { projectUsage } from '../../../domain/usage-projection';
import { Clock } from '../../../platform/clock';
import { EntitlementsService } from '../../entitlements/entitlements.service';
import { ALWAYS_START } from '../../../domain/usage-period';
import { Meter, MetersService } from '../../pricing/meters.service';
import { UsageCountersRepository } from '../ledger/usage-counters.repository';

/** One line of a tenant's usage. */
export interface MetricUsage {
  metric: string;
  used: number;
  /** null = unlimited. */
  limit: number | null;
  /** To one decimal, rounded down so that 100 means reached; null when there is no limit to be a part of. */
  percent: number | null;
}

/** How much has the tenant of the context used? Reads the counters; recording usage is not this room's yet. */
@Injectable()
export class UsageService {
  constructor(
    private readonly counters: UsageCountersRepository,
    private readonly entitlements: EntitlementsService,
    private readonly meters: MetersService,
    private readonly clock: Clock,
  ) {}

  /** Used so far per metric: flows in the current usage month, gauges and caps as they stand. All meters, 0 included. */
  async currentUsage(): Promise<Record<string, number>> {
    const { period } = await this.entitlements.current();
    return usedByMetric(await this.readCounters(period));
  }

  /** What usage comes to at the end of the usage month at the pace so far; for recommending a plan. */
  async projectedUsage(): Promise<Record<string, number>> {
    const { period } = await this.entitlements.current();
    const now = this.clock.now();
    const counted = await this.readCounters(period);
    return Object.fromEntries(
      counted.map(({ meter, used }) => [meter.key, projectUsage({ used, kind: meter.kind, period, now })]),
    );
  }

  /** Used and allowed, for every metric that the tenant's limits name. */
  async summary(): Promise<MetricUsage[]> {
    const { limits, period } = await this.entitlements.current();
    const used = usedByMetric(await this.readCounters(period));
    return metricsOf([limits]).map((metric) => {
      const limit = limitOf(limits, metric);
      return { metric, used: used[metric] ?? 0, limit, percent: percentOf(used[metric] ?? 0, limit) };
    });
  }

  private async readCounters(period: Period): Promise<{ meter: Meter; used: number }[]> {
    const rows = await this.counters.ofPeriods([period.start, ALWAYS_START]);
    const meters = await this.meters.all();
    return meters.map((meter) => {
      const start = meter.kind === 'flow' ? period.start : ALWAYS_START;
      const counter = rows.find(
        (row) => row.metricName === meter.key && row.periodStart.getTime() === start.getTime(),
      );
      return { meter, used: Number(counter?.used ?? 0) };
    });
  }
}

function usedByMetric(counted: { meter: Meter; used: number }[]): Record<string, number> {
  return Object.fromEntries(counted.map(({ meter, used }) => [meter.key, used]));
}

function percentOf(used: number, limit: number | null): number | null {
  return limit === null || limit === 0 ? null : Math.floor((used * 1000) / limit) / 10;
}
