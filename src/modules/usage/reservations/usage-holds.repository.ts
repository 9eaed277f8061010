import { Injectable } from '@nestjs/common';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { CounterNumbers } from '../cache/redis-usage.service';
import { UsageCounterEntity } from '../ledger/usage-counter.entity';

/** A counter of the tenant in the context. */
export interface HeldCounter {
  readonly metric: string;
  readonly periodStart: Date;
  /** Null for gauges, which are never reset. */
  readonly periodEnd: Date | null;
}

/** What a counter said to somebody who wants to hold a part of it. */
export type HoldOutcome =
  | { readonly kind: 'held'; readonly numbers: CounterNumbers }
  | { readonly kind: 'closed' }
  | {
      readonly kind: 'full';
      readonly numbers: Pick<CounterNumbers, 'used' | 'reserved'>;
      /** Some of what is reserved can no longer be committed: once it is settled there is more room. */
      readonly holdsExpired: boolean;
    };

const EMPTY = { used: '0', reserved: '0' };

/**
 * What reservations hold in counters: the same rule as record_usage (migration 5), under the same lock. To be
 * called in a transaction that has joined the generation.
 */
@Injectable()
export class UsageHoldsRepository extends TenantRepository<UsageCounterEntity> {
  constructor(database: Database, context: TenantContext) {
    super(UsageCounterEntity, database, context);
  }

  /**
   * Holds a quantity if used and reserved together stay within `mostUsed`.
   * @param mostUsed the limit, grace included; null = unlimited
   */
  async hold(
    { metric, periodStart, periodEnd }: HeldCounter,
    quantity: string,
    mostUsed: number | null,
    now: Date,
  ): Promise<HoldOutcome> {
    const [numbers] = await this.sql<CounterNumbers>(
      `insert into usage_counters as k
         (tenant_id, metric_name, period_start, period_end, reserved, grace_limit, updated_at)
       select $1, $2::text, $3::timestamptz, $4::timestamptz, $5::numeric, $6::numeric, $7::timestamptz
        where $6::numeric is null or $5::numeric <= $6::numeric
       on conflict (tenant_id, metric_name, period_start) do update
         set reserved = k.reserved + excluded.reserved, version = k.version + 1,
             grace_limit = excluded.grace_limit, updated_at = excluded.updated_at
         where k.closed_at is null
           and (excluded.grace_limit is null or k.used + k.reserved + excluded.reserved <= excluded.grace_limit)
       returning used::text, reserved::text, version::text`,
      metric,
      periodStart,
      periodEnd,
      quantity,
      mostUsed,
      now,
    );
    if (numbers) return { kind: 'held', numbers };
    const [row] = await this.sql<CounterNumbers & { is_closed: boolean; holds_expired: boolean }>(
      `select used::text, reserved::text, closed_at is not null as is_closed,
              exists (select from usage_reservations r
                       where r.tenant_id = $1 and r.metric_name = $2 and r.period_start = $3
                         and r.status = 'held' and r.expires_at <= $4) as holds_expired
         from usage_counters where tenant_id = $1 and metric_name = $2 and period_start = $3`,
      metric,
      periodStart,
      now,
    );
    if (row?.is_closed) return { kind: 'closed' };
    return { kind: 'full', numbers: row ?? EMPTY, holdsExpired: row?.holds_expired ?? false };
  }

  /**
   * Gives back what was held, and counts what came of it: never more, so it always fits.
   * @param counted what the counter goes up by; "0" when nothing came of it
   */
  async settle(
    { metric, periodStart }: Pick<HeldCounter, 'metric' | 'periodStart'>,
    held: string,
    counted: string,
    now: Date,
  ): Promise<CounterNumbers & { period_end: Date | null }> {
    const [numbers] = await this.sql<CounterNumbers & { period_end: Date | null }>(
      `with settled as (
         update usage_counters set used = used + $4::numeric, reserved = reserved - $5::numeric,
                version = version + 1, updated_at = $6
          where tenant_id = $1 and metric_name = $2 and period_start = $3
         returning used::text, reserved::text, version::text, period_end)
       select * from settled`,
      metric,
      periodStart,
      counted,
      held,
      now,
    );
    return numbers!;
  }

  /** The counter as it stands, without a lock; zeros when nothing was counted. */
  async read({ metric, periodStart }: Pick<HeldCounter, 'metric' | 'periodStart'>): Promise<{
    used: string;
    reserved: string;
  }> {
    const [row] = await this.sql<{ used: string; reserved: string }>(
      `select used::text, reserved::text from usage_counters
        where tenant_id = $1 and metric_name = $2 and period_start = $3`,
      metric,
      periodStart,
    );
    return row ?? EMPTY;
  }
}
