import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import type { TenantId } from '../../../contracts/ids';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { CachedCounter, CounterName, CounterNumbers } from '../cache/redis-usage.service';
import { UsageCounterEntity } from './usage-counter.entity';

/** Shared by everything that changes counters, held alone to raise the generation (migration 5). */
const GENERATION_LOCK = 7_316_422_906;

/** The counters of the tenant in the context; the methods that say so see all tenants'. */
@Injectable()
export class UsageCountersRepository extends TenantRepository<UsageCounterEntity> {
  constructor(database: Database, context: TenantContext) {
    super(UsageCounterEntity, database, context);
  }

  /** The counters of the periods that begin at these moments. */
  ofPeriods(starts: readonly Date[]): Promise<UsageCounterEntity[]> {
    return this.find({ periodStart: In([...starts]) });
  }

  /**
   * Begins a transaction's change of counters: the numbers it commits belong to the generation answered. Before
   * any counter is locked, and after the rows that come first in the order (reservations, events).
   */
  async joinGeneration(): Promise<string> {
    const [row] = await this.database.inTenant((manager) =>
      manager.query<{ generation: string }[]>(
        `select generation from usage_cache_generation, pg_advisory_xact_lock_shared($1)`,
        [GENERATION_LOCK],
      ),
    );
    return row!.generation;
  }

  /** Makes the counter if it is not there, and holds it until the running transaction ends. */
  async lock({
    metric,
    periodStart,
    periodEnd,
  }: Omit<CachedCounter['target'], 'tenantId'>): Promise<UsageCounterEntity> {
    await this.sql(
      `insert into usage_counters (tenant_id, metric_name, period_start, period_end) values ($1, $2, $3, $4)
         on conflict do nothing`,
      metric,
      periodStart,
      periodEnd,
    );
    return (await this.lockOne({ metricName: metric, periodStart }))!;
  }

  /** Writes a locked counter's new numbers and raises its version. */
  async change(
    { metricName, periodStart }: Pick<UsageCounterEntity, 'metricName' | 'periodStart'>,
    numbers: { used: string; reserved: string; graceLimit?: string | null },
    now: Date,
  ): Promise<CounterNumbers> {
    const [row] = await this.sql<CounterNumbers>(
      `with changed as (
         update usage_counters set used = $4::numeric, reserved = $5::numeric, version = version + 1,
                updated_at = $6, grace_limit = case when $7::boolean then $8::numeric else grace_limit end
          where tenant_id = $1 and metric_name = $2 and period_start = $3
         returning used::text, reserved::text, version::text)
       select * from changed`,
      metricName,
      periodStart,
      numbers.used,
      numbers.reserved,
      now,
      numbers.graceLimit !== undefined,
      numbers.graceLimit ?? null,
    );
    return row!;
  }

  /** The numbers of these counters in the order asked, null where nothing was counted, and their generation. */
  readAcrossTenants(
    counters: readonly CounterName[],
  ): Promise<{ rows: (CounterNumbers | null)[]; generation: string }> {
    return this.acrossTenants(async (manager) => {
      const generations = await manager.query<{ generation: string }[]>(
        `select generation from usage_cache_generation`,
      );
      const rows = await manager.query<(CounterNumbers & { at: string })[]>(
        `select used::text, reserved::text, version::text, n as at
           from unnest($1::uuid[], $2::text[], $3::timestamptz[]) with ordinality as w (tenant, metric, period, n)
           join usage_counters on tenant_id = tenant and metric_name = metric and period_start = period`,
        [
          counters.map(({ tenantId }) => tenantId),
          counters.map(({ metric }) => metric),
          counters.map(({ periodStart }) => periodStart),
        ],
      );
      const found = new Array<CounterNumbers | null>(counters.length).fill(null);
      for (const { at, ...numbers } of rows) found[Number(at) - 1] = numbers;
      return { rows: found, generation: generations[0]!.generation };
    });
  }

  /** One page of the counters whose period is not over, in key order; for writing them all to Redis. */
  liveAcrossTenants(
    now: Date,
    after: CounterName | null,
    limit: number,
  ): Promise<{ counters: CachedCounter[]; generation: string }> {
    return this.acrossTenants(async (manager) => {
      const generations = await manager.query<{ generation: string }[]>(
        `select generation from usage_cache_generation`,
      );
      const rows = await manager.query<LiveRow[]>(
        `select tenant_id, metric_name, period_start, period_end, used::text, reserved::text, version::text
           from usage_counters
          where (period_end is null or period_end > $1)
            and ($2::uuid is null or (tenant_id, metric_name, period_start) > ($2::uuid, $3::text, $4::timestamptz))
          order by tenant_id, metric_name, period_start limit $5`,
        [now, after?.tenantId ?? null, after?.metric ?? null, after?.periodStart ?? null, limit],
      );
      const counters = rows.map((row) => ({
        target: {
          tenantId: row.tenant_id,
          metric: row.metric_name,
          periodStart: row.period_start,
          periodEnd: row.period_end,
        },
        used: row.used,
        reserved: row.reserved,
        version: row.version,
      }));
      return { counters, generation: generations[0]!.generation };
    });
  }
}

interface LiveRow extends CounterNumbers {
  tenant_id: TenantId;
  metric_name: string;
  period_start: Date;
  period_end: Date | null;
}
