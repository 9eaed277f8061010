import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { CounterName } from '../cache/redis-usage.service';
import { UsageAlertEntity } from './usage-alert.entity';

type OwnCounter = Pick<CounterName, 'metric' | 'periodStart'>;

/** A level that was just reached for the first time. */
export interface NewAlert {
  readonly percent: number;
  /** Of the counter now; a decimal text. */
  readonly used: string;
}

/** Levels that were reached. The primary key decides who tells of each. */
@Injectable()
export class UsageAlertsRepository extends TenantRepository<UsageAlertEntity> {
  constructor(database: Database, context: TenantContext) {
    super(UsageAlertEntity, database, context);
  }

  /** Of these periods, by metric and level. */
  ofPeriods(starts: readonly Date[]): Promise<UsageAlertEntity[]> {
    return this.find({ periodStart: In([...starts]) }, { metricName: 'ASC', percent: 'ASC' });
  }

  /** The levels of this counter that were reached. */
  async percentsOf({ metric, periodStart }: OwnCounter): Promise<number[]> {
    const rows = await this.find({ metricName: metric, periodStart }, { percent: 'ASC' });
    return rows.map(({ percent }) => percent);
  }

  /**
   * Writes down which of the levels the counter has reached by now, and answers those that were not written
   * down before, lowest first. Who is second with one waits for the first one's commit, and does not get it.
   */
  reach(
    { metric, periodStart }: OwnCounter,
    limit: number,
    percents: readonly number[],
    now: Date,
  ): Promise<NewAlert[]> {
    return this.sql<NewAlert>(
      `with reached as (
         insert into usage_alerts (tenant_id, metric_name, period_start, percent, current_usage, limit_value, reached_at)
         select k.tenant_id, k.metric_name, k.period_start, level, k.used, $4::numeric, $6
           from usage_counters k cross join unnest($5::int[]) as level
          where k.tenant_id = $1 and k.metric_name = $2 and k.period_start = $3 and k.used * 100 >= $4::numeric * level
          order by level
         on conflict do nothing
         returning percent, trim_scale(current_usage)::text as used)
       select * from reached order by percent`,
      metric,
      periodStart,
      limit,
      percents,
      now,
    );
  }

  /** Forgets the levels that the counter has fallen below by so many points, or to 0; all when there is no limit any more. */
  async rearm({ metric, periodStart }: OwnCounter, limit: number | null, points: number): Promise<void> {
    await this.sql(
      `delete from usage_alerts a using usage_counters k
        where a.tenant_id = $1 and a.metric_name = $2 and a.period_start = $3
          and k.tenant_id = a.tenant_id and k.metric_name = a.metric_name and k.period_start = a.period_start
          and ($4::numeric is null or k.used = 0 or k.used * 100 < $4::numeric * (a.percent - $5::int))`,
      metric,
      periodStart,
      limit,
      points,
    );
  }

  /** The reached levels of these counters, in the order asked. */
  reachedAcrossTenants(counters: readonly CounterName[]): Promise<number[][]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ n: string; percents: number[] }[]>(
        `select n, percents
           from unnest($1::uuid[], $2::text[], $3::timestamptz[]) with ordinality as a (tenant, metric, period, n)
          cross join lateral (
            select array_agg(percent order by percent) as percents from usage_alerts
             where tenant_id = tenant and metric_name = metric and period_start = period) reached
          where percents is not null`,
        [
          counters.map(({ tenantId }) => tenantId),
          counters.map(({ metric }) => metric),
          counters.map(({ periodStart }) => periodStart),
        ],
      );
      const found = counters.map((): number[] => []);
      for (const { n, percents } of rows) found[Number(n) - 1] = percents;
      return found;
    });
  }
}
