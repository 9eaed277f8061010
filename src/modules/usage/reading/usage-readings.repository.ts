import { Injectable } from '@nestjs/common';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import type { DaySnapshot } from '../../../domain/usage-trend';
import { UsageCounterEntity } from '../ledger/usage-counter.entity';

/** A counter as it stands; decimal texts. */
export interface CounterReading {
  readonly metric: string;
  readonly period_start: Date;
  readonly used: string;
  readonly reserved: string;
}

/** What counters and their snapshots say about the tenant in the context. */
@Injectable()
export class UsageReadingsRepository extends TenantRepository<UsageCounterEntity> {
  constructor(database: Database, context: TenantContext) {
    super(UsageCounterEntity, database, context);
  }

  /** The counters of the periods that begin at these moments. */
  counters(starts: readonly Date[]): Promise<CounterReading[]> {
    return this.sql<CounterReading>(
      `select metric_name as metric, period_start, used::text, reserved::text
         from usage_counters where tenant_id = $1 and period_start = any($2::timestamptz[])`,
      starts,
    );
  }

  /** What the counters showed at the end of each day since, by metric, the oldest day first. */
  async days(since: Date): Promise<Map<string, DaySnapshot[]>> {
    const rows = await this.sql<{ metric: string; date: string; period_start: Date; used: string }>(
      `select metric_name as metric, period_date::text as date, period_start, current_usage::text as used
         from tenant_usage
        where tenant_id = $1 and period_kind = 'day' and period_date >= ($2::timestamptz at time zone 'UTC')::date
        order by metric_name, period_date`,
      since,
    );
    const days = new Map<string, DaySnapshot[]>();
    for (const { metric, date, period_start, used } of rows) {
      const ofMetric = days.get(metric) ?? [];
      ofMetric.push({ date, periodStart: period_start, used });
      days.set(metric, ofMetric);
    }
    return days;
  }
}
