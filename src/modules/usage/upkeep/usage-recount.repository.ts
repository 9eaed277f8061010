import { Injectable } from '@nestjs/common';
import type { Aggregation } from '../../../domain/plan-limits';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { CounterName } from '../cache/redis-usage.service';

/** A counter to be counted anew, by the meaning of its meter. */
export interface CounterToRecount extends CounterName {
  readonly rule: Aggregation;
}

/** What a counter says, and what the ledger and the reservations say; decimal texts of one moment. */
export interface Recount {
  readonly used: string;
  readonly reserved: string;
  readonly counted: string;
  readonly held: string;
  readonly agrees: boolean;
}

/** A tenant with millions of events takes its time; nobody waits for it. */
const PATIENCE = `set local statement_timeout = '120s'`;

/**
 * Events may have happened 35 days before the period that they count in began. A tenant's additive counters are
 * counted in one pass over its events. What was corrected counts for none of the other aggregations.
 */
const RECOUNT = `
  with asked as (
    select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[]) with ordinality
      as a (tenant, metric, period, rule, n)
  ), additive as materialized (
    select s.tenant, l.* from (
      select tenant, array_agg(distinct metric) as metrics, min(period) - interval '36 days' as since
        from asked where rule in ('sum', 'count') group by tenant, period = 'epoch'::timestamptz) s
    cross join lateral (
      select metric_name, period, sum(increment) as total,
             count(*) filter (where event_type <> 'correction')
               - count(*) filter (where event_type = 'correction') as events
        from billing_events
       where tenant_id = s.tenant and timestamp >= s.since and metric_name = any(s.metrics)
         and ($5::timestamptz is null or received_at < $5)
       group by metric_name, period) l
  ), other as materialized (
    select a.n, l.* from asked a
    cross join lateral (
      select max(increment) as most, count(distinct subject) as subjects,
             array_agg(increment) filter (where timestamp = newest) as latest
        from (
          select b.*, max(timestamp) over () as newest from billing_events b
           where tenant_id = a.tenant and timestamp >= a.period - interval '36 days' and metric_name = a.metric
             and period = a.period and event_type <> 'correction' and ($5::timestamptz is null or received_at < $5)
             and not exists (
               select from billing_events back where back.tenant_id = b.tenant_id and back.reverses = b.event_id
                  and ($5::timestamptz is null or back.received_at < $5))) valid) l
     where a.rule in ('max', 'latest', 'unique')
  ), counted as materialized (
    select a.n, k.used, k.reserved,
           coalesce(case a.rule
             when 'sum' then additive.total
             when 'count' then additive.events
             when 'max' then other.most
             when 'unique' then other.subjects
             -- Of several events of the same moment any may have been the last.
             else case when k.used = any(other.latest) then k.used else other.latest[1] end end, 0) as counted,
           (select coalesce(sum(quantity), 0) from usage_reservations r
             where r.tenant_id = a.tenant and r.metric_name = a.metric and r.period_start = a.period
               and r.status = 'held') as held
      from asked a
      -- LIMIT keeps the planner from reading all counters for a page of them.
      cross join lateral (
        select used, reserved from usage_counters
         where tenant_id = a.tenant and metric_name = a.metric and period_start = a.period limit 1) k
      left join additive on additive.tenant = a.tenant and additive.metric_name = a.metric and additive.period = a.period
      left join other on other.n = a.n
  )
  select n, used::text, reserved::text, trim_scale(counted)::text as counted, trim_scale(held)::text as held,
         counted = used and held = reserved as agrees
    from counted`;

/** Who a unique meter has counted, as the ledger has it. */
const ALIGN_SUBJECTS = `
  with counted as (
    select distinct subject from billing_events b
     where tenant_id = $1 and metric_name = $2 and period = $3 and event_type <> 'correction'
       and not exists (select from billing_events back where back.tenant_id = b.tenant_id and back.reverses = b.event_id)
  ), gone as (
    delete from usage_subjects
     where tenant_id = $1 and metric_name = $2 and period_start = $3 and subject not in (select subject from counted)
  )
  insert into usage_subjects (tenant_id, metric_name, period_start, subject)
  select $1, $2, $3, subject from counted on conflict do nothing`;

/** Counts the ledger anew, from nothing, to compare counters with. Takes no locks. */
@Injectable()
export class UsageRecountRepository {
  constructor(
    private readonly database: Database,
    private readonly context: TenantContext,
  ) {}

  /**
   * In the order asked; undefined for a counter that is not there.
   * @param before only what was received before this moment; null = all
   */
  recountAcrossTenants(
    counters: readonly CounterToRecount[],
    before: Date | null = null,
  ): Promise<(Recount | undefined)[]> {
    return this.database.acrossTenants(() => this.recount(counters, before));
  }

  /** The same within the running transaction, for the counters of the tenant in the context. */
  async recount(
    counters: readonly CounterToRecount[],
    before: Date | null = null,
  ): Promise<(Recount | undefined)[]> {
    if (counters.length === 0) return [];
    const rows = await this.database.inTransaction(async (manager) => {
      await manager.query(PATIENCE);
      return manager.query<(Recount & { n: string })[]>(RECOUNT, [
        counters.map(({ tenantId }) => tenantId),
        counters.map(({ metric }) => metric),
        counters.map(({ periodStart }) => periodStart),
        counters.map(({ rule }) => rule),
        before,
      ]);
    });
    const found = new Array<Recount | undefined>(counters.length).fill(undefined);
    for (const { n, ...recount } of rows) found[Number(n) - 1] = recount;
    return found;
  }

  /** Makes the list of counted subjects that of the ledger; with the counter locked, in the tenant of the context. */
  async alignSubjects(metric: string, periodStart: Date): Promise<void> {
    await this.database.inTenant((manager) =>
      manager.query(ALIGN_SUBJECTS, [this.context.tenantId, metric, periodStart]),
    );
  }
}
