import { Injectable } from '@nestjs/common';
import type { Aggregation } from '../../domain/plan-limits';
import type { Period } from '../../domain/period';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';

export interface RankedSubject {
  readonly rank: number;
  readonly subject: string;
  /** A decimal text. */
  readonly used: string;
  /** How many subjects have a rank. */
  readonly of: number;
}

/** By the time at which things happened. What was corrected never did. */
const RANKED = `
  with valid as (
    select subject, increment, timestamp from billing_events b
     where tenant_id = $1 and timestamp >= $3 and timestamp < $4 and metric_name = $2 and subject is not null
       and event_type <> 'correction'
       and not exists (
         select from billing_events back where back.tenant_id = b.tenant_id and back.reverses = b.event_id)
  ), totals as (
    select subject, case $5::text
             when 'sum' then sum(increment)
             when 'max' then max(increment)
             when 'latest' then (array_agg(increment order by timestamp desc))[1]
             else count(*) end as used
      from valid group by subject
  )
  select rank() over (order by used desc)::int as rank, subject, trim_scale(used)::text as used,
         count(*) over ()::int as of
    from totals where used > 0
   order by used desc, subject collate "C" limit $6`;

/** Ranks subjects of the tenant in the context from the ledger. */
@Injectable()
export class LeaderboardsRepository {
  constructor(
    private readonly database: Database,
    private readonly context: TenantContext,
  ) {}

  /** The first `most` places. Counting and unique meters rank by the number of events. */
  rank(metric: string, rule: Aggregation, { start, end }: Period, most: number): Promise<RankedSubject[]> {
    return this.database.inTenant((manager) =>
      manager.query<RankedSubject[]>(RANKED, [this.context.tenantId, metric, start, end, rule, most]),
    );
  }
}
