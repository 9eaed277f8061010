import { Injectable } from '@nestjs/common';
import type { TenantId } from '../../../contracts/ids';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { CounterName } from '../cache/redis-usage.service';

/** A tenant's usage month. */
export interface TenantPeriod {
  readonly tenantId: TenantId;
  readonly periodStart: Date;
  readonly periodEnd: Date;
}

/** One number of a period or day that is over; decimal texts. */
export interface ArchivedUsage {
  readonly metric: string;
  readonly used: string;
  readonly reserved: string;
  readonly limit: number | null;
}

export interface DayRow extends CounterName {
  readonly used: string;
  readonly limit: number | null;
}

/** So many at once: whoever asks again goes on where this ended. */
const MOST_PERIODS = 5000;

const DUE = `select tenant_id as "tenantId", period_start as "periodStart", period_end as "periodEnd"
    from usage_counters
   where closed_at is null and period_end <= $1
     and ($2::uuid is null or (tenant_id, period_start) > ($2::uuid, $3::timestamptz))
   group by tenant_id, period_start, period_end
  having bool_and(reserved = 0)
   order by tenant_id, period_start limit ${MOST_PERIODS}`;

/**
 * A row's date is the day on which its period began. After a change of anchor two periods of a tenant may have
 * begun on one day: the one that is closed later is dated a day on, so that both are kept.
 */
const CLOSE = `
  with closing as (
    select * from unnest($3::text[], $4::numeric[], $5::numeric[]) as c (metric, used, most)
  ), archived as (
    insert into tenant_usage (tenant_id, metric_name, period_kind, period_date, period_start, current_usage,
      limit_value, closed_at)
    select $1, metric, 'month', (
             select min(day)::date
               from generate_series(($2::timestamptz at time zone 'UTC')::date,
                                    ($2::timestamptz at time zone 'UTC')::date + 31, interval '1 day') as day
              where not exists (
                select from tenant_usage t where t.tenant_id = $1 and t.metric_name = metric
                   and t.period_kind = 'month' and t.period_date = day::date and t.period_start <> $2)),
           $2, used, most, $6
      from closing
    on conflict (tenant_id, metric_name, period_kind, period_date) do update
      set current_usage = excluded.current_usage, limit_value = excluded.limit_value, closed_at = excluded.closed_at
      where tenant_usage.period_start = excluded.period_start
    returning metric_name
  )
  update usage_counters set closed_at = $6
   where tenant_id = $1 and period_start = $2 and metric_name in (select metric_name from archived)`;

/** What usage was in days and months that are over. */
@Injectable()
export class UsageArchiveRepository {
  constructor(
    private readonly database: Database,
    private readonly context: TenantContext,
  ) {}

  /** Periods that ended before the moment and hold no reservation any more, in pages, by tenant. */
  async *dueAcrossTenants(moment: Date): AsyncGenerator<TenantPeriod[]> {
    for (let after: TenantPeriod | null = null; ;) {
      const page: TenantPeriod[] = await this.database.acrossTenants((manager) =>
        manager.query<TenantPeriod[]>(DUE, [moment, after?.tenantId ?? null, after?.periodStart ?? null]),
      );
      if (page.length > 0) yield page;
      if (page.length < MOST_PERIODS) return;
      after = page.at(-1)!;
    }
  }

  /** The open counters of a period of the tenant in the context, held until the running transaction ends. */
  lockOpen(periodStart: Date): Promise<Omit<ArchivedUsage, 'limit'>[]> {
    return this.database.inTenant((manager) =>
      manager.query<ArchivedUsage[]>(
        // In the order in which everybody locks counters.
        `select metric_name as metric, trim_scale(used)::text as used, reserved::text from usage_counters
          where tenant_id = $1 and period_start = $2 and closed_at is null
          order by metric_name collate "C" for update`,
        [this.context.tenantId, periodStart],
      ),
    );
  }

  /** Whether some counters of the period were closed before. */
  async isClosed(periodStart: Date): Promise<boolean> {
    const rows = await this.database.inTenant((manager) =>
      manager.query<unknown[]>(
        `select from usage_counters where tenant_id = $1 and period_start = $2 and closed_at is not null limit 1`,
        [this.context.tenantId, periodStart],
      ),
    );
    return rows.length > 0;
  }

  /** What the tenant's gauges show now. */
  gauges(): Promise<{ metric: string; used: string }[]> {
    return this.database.inTenant((manager) =>
      manager.query<{ metric: string; used: string }[]>(
        `select metric_name as metric, trim_scale(used)::text as used from usage_counters
          where tenant_id = $1 and period_end is null order by metric_name`,
        [this.context.tenantId],
      ),
    );
  }

  /**
   * Keeps locked counters as they are, and closes them: the ledger counts nothing more in them.
   * @throws Error when another period of the tenant that began on the same day is being kept just now
   */
  async close(periodStart: Date, counters: readonly ArchivedUsage[], now: Date): Promise<void> {
    const [, closed] = await this.database.inTenant((manager) =>
      manager.query<[unknown[], number]>(CLOSE, [
        this.context.tenantId,
        periodStart,
        counters.map(({ metric }) => metric),
        counters.map(({ used }) => used),
        counters.map(({ limit }) => limit),
        now,
      ]),
    );
    if (closed !== counters.length) throw new Error(`closed ${closed} of ${counters.length} counters`);
  }

  /**
   * Writes what counters showed at the end of a day (`2026-11-30`); again is the same.
   * @param hold makes sure that the caller may still write, in the transaction that does
   */
  writeDayAcrossTenants(day: string, rows: readonly DayRow[], hold: () => Promise<void>): Promise<void> {
    return this.database.acrossTenants(async (manager) => {
      await hold();
      await manager.query(
        `insert into tenant_usage (tenant_id, metric_name, period_kind, period_date, period_start, current_usage,
           limit_value)
         select tenant, metric, 'day', $1::date, period, used, most
           from unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::numeric[], $6::numeric[])
             as r (tenant, metric, period, used, most)
         on conflict (tenant_id, metric_name, period_kind, period_date) do update
           set period_start = excluded.period_start, current_usage = excluded.current_usage,
               limit_value = excluded.limit_value
           where tenant_usage.period_start <= excluded.period_start`,
        [
          day,
          rows.map(({ tenantId }) => tenantId),
          rows.map(({ metric }) => metric),
          rows.map(({ periodStart }) => periodStart),
          rows.map(({ used }) => used),
          rows.map(({ limit }) => limit),
        ],
      );
    });
  }
}
