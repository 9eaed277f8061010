import { Injectable } from '@nestjs/common';
import type { Aggregation } from '../../../domain/plan-limits';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { CounterNumbers } from '../cache/redis-usage.service';
import { UsageEventEntity } from '../ledger/usage-event.entity';
import type { UsageEvent } from '../ledger/usage-events.repository';

/** A counter whose lock is held. */
export interface LockedCounter {
  readonly metric: string;
  readonly period_start: Date;
  readonly period_end: Date | null;
  /** A decimal text. */
  readonly used: string;
  readonly is_closed: boolean;
  /** False once retention has deleted some of its events: it cannot be counted anew. */
  readonly is_countable: boolean;
}

/** What a counter comes to without the corrected events. */
export interface Recounted {
  readonly used: string;
  /** Of a `latest` meter: when the number that counts now happened. */
  readonly latest_at: string | null;
}

/** What is left of a counter's events: not the corrections, and not what they reverse. */
const VALID = `b.tenant_id = $1 and b.metric_name = $2 and b.period = $3 and b.event_type <> 'correction'
  and b.timestamp >= b.period - interval '36 days'
  and not exists (select from billing_events back where back.tenant_id = $1 and back.reverses = b.event_id)`;

/** Corrections in the ledger, and the counters that follow them, of the tenant in the context. */
@Injectable()
export class UsageCorrectionsRepository extends TenantRepository<UsageEventEntity> {
  constructor(database: Database, context: TenantContext) {
    super(UsageEventEntity, database, context);
  }

  /**
   * Adds the event that reverses another: dated like it, so that sums over any span of time come out right.
   * Waits for whoever is correcting the same event. @returns false when it is corrected already
   */
  async addIfFirst(
    eventId: string,
    original: UsageEvent,
    reason: string,
    now: Date,
    keyId: string | null,
  ): Promise<boolean> {
    const added = await this.sql<{ event_id: string }>(
      `insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
         timestamp_given, period, subject, received_at, api_key_id, reverses, reason)
       select $1, $2, 'correction', metric_name, -increment, timestamp, timestamp_given, period, subject, $4,
              $5::uuid, event_id, $6
         from billing_events where tenant_id = $1 and event_id = $3
       on conflict do nothing returning event_id`,
      eventId,
      original.event_id,
      now,
      keyId,
      reason,
    );
    return added.length > 0;
  }

  /** Holds the counter until the running transaction ends. */
  async lockCounter(metric: string, periodStart: Date): Promise<LockedCounter> {
    const [counter] = await this.sql<LockedCounter>(
      `select metric_name as metric, period_start, period_end, used::text, closed_at is not null as is_closed,
              events_kept = 'all' as is_countable
         from usage_counters where tenant_id = $1 and metric_name = $2 and period_start = $3 for update`,
      metric,
      periodStart,
    );
    if (!counter) throw new Error('an event was counted, and its counter is not there');
    return counter;
  }

  /**
   * What a counter that does not add up comes to now that `original` counts no longer; with the counter locked.
   * Of several events of the same moment the one received last is the latest.
   */
  async recount(
    rule: Extract<Aggregation, 'max' | 'latest' | 'unique'>,
    counter: LockedCounter,
    original: UsageEvent,
  ): Promise<Recounted> {
    if (rule === 'unique') return this.forgetSubject(counter, original);
    const name = [counter.metric, counter.period_start] as const;
    const [left] =
      rule === 'max'
        ? await this.sql<Recounted>(
            `select coalesce(max(b.increment), 0)::text as used, null as latest_at from billing_events b where ${VALID}`,
            ...name,
          )
        : await this.sql<Recounted>(
            `select b.increment::text as used, b.timestamp::text as latest_at from billing_events b where ${VALID}
              order by b.timestamp desc, b.received_at desc limit 1`,
            ...name,
          );
    return left ?? { used: '0', latest_at: null };
  }

  /** Writes the locked counter's new number and raises its version. */
  async write(counter: LockedCounter, { used, latest_at }: Recounted, now: Date): Promise<CounterNumbers> {
    const [numbers] = await this.sql<CounterNumbers>(
      `with changed as (
         update usage_counters set used = $4::numeric, latest_at = $5::timestamptz, version = version + 1,
                updated_at = $6
          where tenant_id = $1 and metric_name = $2 and period_start = $3
         returning used::text, reserved::text, version::text)
       select * from changed`,
      counter.metric,
      counter.period_start,
      used,
      latest_at,
      now,
    );
    return numbers!;
  }

  /** The archived month says what its counter says. */
  async followInArchive(counter: LockedCounter, used: string): Promise<void> {
    await this.sql(
      `update tenant_usage set current_usage = $4::numeric
        where tenant_id = $1 and metric_name = $2 and period_kind = 'month' and period_start = $3`,
      counter.metric,
      counter.period_start,
      used,
    );
  }

  /** A subject stays counted as long as another of its events does. */
  private async forgetSubject(counter: LockedCounter, { subject }: UsageEvent): Promise<Recounted> {
    const [row] = await this.sql<{ used: string }>(
      `with gone as (
         delete from usage_subjects s
          where s.tenant_id = $1 and s.metric_name = $2 and s.period_start = $3 and s.subject = $4
            and not exists (select from billing_events b where ${VALID} and b.subject = $4)
         returning 1)
       select ($5::numeric - (select count(*) from gone))::text as used`,
      counter.metric,
      counter.period_start,
      subject,
      counter.used,
    );
    return { used: row!.used, latest_at: null };
  }
}
