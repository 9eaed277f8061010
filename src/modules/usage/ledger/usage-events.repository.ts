import { Injectable } from '@nestjs/common';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { CountedEventType, UsageEventEntity } from './usage-event.entity';
import type { Reservation } from '../reservations/usage-reservations.repository';

/** An event of the ledger, as it is read back. */
export interface UsageEvent {
  readonly event_id: string;
  readonly event_type: CountedEventType;
  readonly metric: string;
  /** A decimal text. */
  readonly increment: string;
  /** ISO 8601 in UTC with microseconds, as exact as Postgres keeps it: also the place in the list. */
  readonly timestamp: string;
  readonly timestamp_given: boolean;
  readonly period: Date;
  readonly subject: string | null;
  readonly metadata: Record<string, string> | null;
  readonly received_at: Date;
  readonly reverses: string | null;
  readonly reason: string | null;
  /** The correction that reverses it. */
  readonly corrected_by: string | null;
}

/** An event that was recorded before it was sent again, with the counter it counts in as that stands now. */
export interface RecordedEvent {
  /** Which of those that were asked for, from 1. */
  readonly place: number;
  readonly metric: string;
  /** A decimal text; below 0 for a decrement. */
  readonly increment: string;
  readonly subject: string | null;
  readonly timestamp: Date;
  /** The time sent with it was the same. */
  readonly is_same_time: boolean;
  readonly period_start: Date;
  /** Null for gauges. */
  readonly period_end: Date | null;
  readonly used: string;
  readonly reserved: string;
}

export interface EventFilter {
  readonly metric?: string;
  readonly subject?: string;
  /** The first moment that belongs to the answer. */
  readonly from?: Date;
  /** The first that no longer does. */
  readonly to?: Date;
}

const COLUMNS = `e.event_id, e.event_type, e.metric_name as metric, e.increment::text,
  to_char(e.timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as timestamp, e.timestamp_given,
  e.period, e.subject, e.metadata, e.received_at, e.reverses, e.reason, c.event_id as corrected_by`;

/** The ledger of the tenant in the context. Events of callers enter through record_usage, ours through here. */
@Injectable()
export class UsageEventsRepository extends TenantRepository<UsageEventEntity> {
  constructor(database: Database, context: TenantContext) {
    super(UsageEventEntity, database, context);
  }

  async get(eventId: string): Promise<UsageEvent | null> {
    const [event] = await this.sql<UsageEvent>(
      `select ${COLUMNS}
         from billing_events e left join billing_events c on c.tenant_id = $1 and c.reverses = e.event_id
        where e.tenant_id = $1 and e.event_id = $2`,
      eventId,
    );
    return event ?? null;
  }

  /** Those that callers have recorded before, each with the counter it is in. */
  recorded(events: readonly { event_id: string; timestamp: string | null }[]): Promise<RecordedEvent[]> {
    return this.sql<RecordedEvent>(
      `select n::int as place, e.metric_name as metric, e.increment::text, e.subject, e.timestamp,
              e.timestamp_given = (sent.at is not null) and (sent.at is null or e.timestamp = sent.at) as is_same_time,
              k.period_start, k.period_end, k.used::text, k.reserved::text
         from unnest($2::text[], $3::timestamptz[]) with ordinality as sent (id, at, n)
         join billing_events e on e.tenant_id = $1 and e.event_id = sent.id
         join usage_counters k on k.tenant_id = e.tenant_id and k.metric_name = e.metric_name
          and k.period_start = e.period
        where e.event_type in ('usage', 'decrement')`,
      events.map(({ event_id }) => event_id),
      events.map(({ timestamp }) => timestamp),
    );
  }

  /** Newest first. */
  page(
    { metric, subject, from, to }: EventFilter,
    after: { timestamp: string; eventId: string } | null,
    limit: number,
  ): Promise<UsageEvent[]> {
    return this.sql<UsageEvent>(
      `select ${COLUMNS}
         from (select * from billing_events
                where tenant_id = $1
                  and ($2::text is null or metric_name = $2) and ($3::text is null or subject = $3)
                  and timestamp >= coalesce($4::timestamptz, '-infinity')
                  and timestamp < coalesce($5::timestamptz, 'infinity')
                  and timestamp <= coalesce($6::timestamptz, 'infinity')
                  and ($6::timestamptz is null or (timestamp, event_id) < ($6, $7::text))
                order by timestamp desc, event_id desc limit $8) e
         left join billing_events c on c.tenant_id = $1 and c.reverses = e.event_id
        order by e.timestamp desc, e.event_id desc`,
      metric ?? null,
      subject ?? null,
      from ?? null,
      to ?? null,
      after?.timestamp ?? null,
      after?.eventId ?? null,
      limit,
    );
  }

  /**
   * The event that a commit counts, dated now; but when the month of the reservation is over meanwhile, dated
   * when it was made, so that the event lies in the month it counts in.
   */
  async addReserved(
    { metricName, periodStart, subject, createdAt }: Reservation,
    eventId: string,
    quantity: string,
    now: Date,
    keyId: string | null,
  ): Promise<void> {
    await this.sql(
      `insert into billing_events (tenant_id, event_id, event_type, metric_name, increment, timestamp,
         timestamp_given, period, subject, received_at, api_key_id)
       select $1, $2, 'reservation', $3, $4::numeric,
              case when k.period_end <= $5::timestamptz then $6::timestamptz else $5::timestamptz end, false,
              k.period_start, $7, $5::timestamptz, $8::uuid
         from usage_counters k where k.tenant_id = $1 and k.metric_name = $3 and k.period_start = $9`,
      eventId,
      metricName,
      quantity,
      now,
      createdAt,
      subject,
      keyId,
      periodStart,
    );
  }
}
