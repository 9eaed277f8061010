import { Injectable } from '@nestjs/common';
import { EVENT_API_VERSION, EventEnvelope, EventType } from '../../contracts/events';
import { Database } from '../database/database';
import { SharedRepository } from '../database/shared-repository';
import { OutboxEntity } from './outbox.entity';

interface EventRow {
  event_id: string;
  tenant_id: string;
  type: EventType;
  data: Record<string, unknown>;
  previous: Record<string, unknown> | null;
  occurred_at: Date;
  sequence: string;
}

/** The relay's view of the outbox: unnumbered, undispatched, unpublished. */
@Injectable()
export class OutboxRepository extends SharedRepository<OutboxEntity> {
  constructor(database: Database) {
    super(OutboxEntity, database);
  }

  /**
   * Numbers committed rows per tenant, in batches under one lock: 3,163 transactions/s on a hot tenant
   * against 889 when each writer takes the tenant's head row first (decisions 19).
   * @returns how many rows were numbered; 0 when another relay holds the lock
   */
  numberAcrossTenants(limit: number): Promise<number> {
    return this.acrossTenants(async (manager) => {
      const [lock] = await manager.query<{ held: boolean }[]>(
        `select pg_try_advisory_xact_lock(hashtext('outbox-numbering')) as held`,
      );
      if (!lock?.held) return 0;
      const rows = await manager.query<unknown[]>(
        `with fresh as (
           select id, tenant_id, row_number() over (partition by tenant_id order by id) as place
           from (select id, tenant_id from outbox where sequence is null order by id limit $1) oldest
         ), heads as (
           insert into event_streams (tenant_id, last_sequence)
           select tenant_id, count(*) from fresh group by tenant_id
           on conflict (tenant_id) do update
             set last_sequence = event_streams.last_sequence + excluded.last_sequence
           returning tenant_id, last_sequence
         ), counts as (select tenant_id, count(*) as fresh from fresh group by tenant_id)
         update outbox set sequence = heads.last_sequence - counts.fresh + fresh.place
         from fresh join heads using (tenant_id) join counts using (tenant_id)
         where outbox.id = fresh.id
         returning outbox.id`,
        [limit],
      );
      return returnedRows(rows).length;
    });
  }

  /** Marks events that no leaf reacts to; they need no transaction of their own. */
  async markUnheardDispatchedAcrossTenants(heard: readonly EventType[]): Promise<void> {
    await this.acrossTenants((manager) =>
      manager.query(
        `update outbox set dispatched_at = clock_timestamp()
         where dispatched_at is null and sequence is not null and not (type = any($1))`,
        [heard],
      ),
    );
  }

  /** The next numbered event that no leaf has seen; held until the transaction ends. */
  async lockUndispatchedAcrossTenants(skip: readonly string[]): Promise<EventEnvelope | null> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<EventRow[]>(
        `select event_id, tenant_id, type, data, previous, occurred_at, sequence from outbox
         where dispatched_at is null and sequence is not null and not (event_id = any($1::uuid[]))
         order by id limit 1 for update skip locked`,
        [skip],
      );
      return rows[0] ? toEnvelope(rows[0]) : null;
    });
  }

  async markDispatchedAcrossTenants(eventId: string): Promise<void> {
    await this.acrossTenants((manager) =>
      manager.query(`update outbox set dispatched_at = clock_timestamp() where event_id = $1`, [eventId]),
    );
  }

  /**
   * Claims up to ten publishable events for a lease, of each tenant the first one only: had a batch two of a
   * tenant, the stream could refuse the first and take the second (I7). Lowest number first, because ids
   * are in the order of writing, not of commits.
   */
  claimPublishableAcrossTenants(leaseMs: number): Promise<EventEnvelope[]> {
    return this.acrossTenants(async (manager) => {
      const [lock] = await manager.query<{ held: boolean }[]>(
        `select pg_try_advisory_xact_lock(hashtext('outbox-publishing')) as held`,
      );
      if (!lock?.held) return [];
      const rows = await manager.query<unknown[]>(
        `with due as (
           select o.id from outbox o
           where o.published_at is null and o.parked_at is null and o.sequence is not null
             and o.next_attempt_at <= clock_timestamp()
             and not exists (
               select 1 from outbox earlier
               where earlier.tenant_id = o.tenant_id and earlier.sequence < o.sequence
                 and earlier.published_at is null and earlier.parked_at is null)
           order by o.id limit 10
         )
         update outbox set attempts = attempts + 1,
                next_attempt_at = clock_timestamp() + make_interval(secs => $1 / 1000.0)
         from due where outbox.id = due.id
         returning outbox.event_id, outbox.tenant_id, outbox.type, outbox.data, outbox.previous,
                   outbox.occurred_at, outbox.sequence, outbox.id`,
        [leaseMs],
      );
      return (returnedRows(rows) as (EventRow & { id: string })[])
        .sort((a, b) => Number(a.id) - Number(b.id))
        .map(toEnvelope);
    });
  }

  async markPublishedAcrossTenants(eventIds: string[]): Promise<void> {
    await this.acrossTenants((manager) =>
      manager.query(
        `update outbox set published_at = clock_timestamp(), error = null where event_id = any($1::uuid[])`,
        [eventIds],
      ),
    );
  }

  /**
   * Puts back what the stream refused, with backoff; after `most` tries the event is parked and the stream
   * goes on without it (decisions 19).
   * @returns ids of the events that were parked now
   */
  markRefusedAcrossTenants(eventIds: string[], reason: string, most: number): Promise<string[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<unknown[]>(
        `update outbox set error = $2,
           parked_at = case when attempts >= $3 then clock_timestamp() end,
           next_attempt_at = clock_timestamp() + make_interval(secs => least(power(2, attempts), 300))
         where event_id = any($1::uuid[]) returning event_id, parked_at`,
        [eventIds, reason.slice(0, 500), most],
      );
      return (returnedRows(rows) as { event_id: string; parked_at: Date | null }[])
        .filter((row) => row.parked_at !== null)
        .map((row) => row.event_id);
    });
  }

  async countPendingAcrossTenants(): Promise<number> {
    return this.acrossTenants(async (manager) => {
      const [row] = await manager.query<{ pending: string }[]>(
        `select count(*) as pending from outbox where published_at is null and parked_at is null`,
      );
      return Number(row?.pending ?? 0);
    });
  }
}

/** node-postgres through TypeORM answers an UPDATE ... RETURNING as [rows, count]. */
function returnedRows(result: unknown[]): unknown[] {
  return Array.isArray(result[0]) ? (result[0] as unknown[]) : result;
}

function toEnvelope(row: EventRow): EventEnvelope {
  return {
    id: row.event_id,
    type: row.type,
    tenant_id: row.tenant_id,
    sequence: Number(row.sequence),
    occurred_at: row.occurred_at.toISOString(),
    api_version: EVENT_API_VERSION,
    data: row.data,
    previous: row.previous,
  };
}
