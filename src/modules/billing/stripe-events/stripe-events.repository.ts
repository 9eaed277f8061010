import { Injectable } from '@nestjs/common';
import { StripeCustomerId, StripeEventId, TenantId } from '../../../contracts/ids';
import { Database } from '../../../platform/database/database';
import { SharedRepository } from '../../../platform/database/shared-repository';
import { StripeEventEntity, StripeEventStatus } from './stripe-event.entity';

/** A worker that has not finished by then is taken for dead. */
const LEASE_SECONDS = 20;

export type ArrivedEvent = Pick<
  StripeEventEntity,
  | 'eventId'
  | 'type'
  | 'apiVersion'
  | 'livemode'
  | 'objectId'
  | 'objectType'
  | 'customerId'
  | 'payload'
  | 'payloadSha256'
  | 'createdAt'
  | 'receivedAt'
  | 'status'
  | 'error'
  | 'source'
>;

/** Which events an operator looks for. */
export interface StripeEventFilter {
  status?: StripeEventStatus;
  type?: string;
  tenantId?: string;
  /** By when they came: from, inclusive, to, exclusive. */
  from?: Date;
  to?: Date;
}

/** What a worker needs of a claimed event. */
export interface ClaimedEvent {
  eventId: StripeEventId;
  type: string;
  objectId: string | null;
  customerId: StripeCustomerId | null;
  retryCount: number;
  /** As it was delivered, for what no fetch can tell any more. */
  payload: Buffer;
}

/** Stripe's inbox. It belongs to no tenant until its customer is known. */
@Injectable()
export class StripeEventsRepository extends SharedRepository<StripeEventEntity> {
  constructor(database: Database) {
    super(StripeEventEntity, database);
  }

  /** Stores an event unless it is there; true when a row was born. */
  storeOnceAcrossTenants(event: ArrivedEvent): Promise<boolean> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<unknown[]>(
        `insert into stripe_events (event_id, type, api_version, livemode, object_id, object_type, customer_id,
           payload, payload_sha256, created_at, received_at, status, error, source, next_retry_at, processed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, clock_timestamp(),
           case when $12 <> 'pending' then $11::timestamptz end)
         on conflict (event_id) do nothing returning event_id`,
        [
          event.eventId,
          event.type,
          event.apiVersion,
          event.livemode,
          event.objectId,
          event.objectType,
          event.customerId,
          event.payload,
          event.payloadSha256,
          event.createdAt,
          event.receivedAt,
          event.status,
          event.error,
          event.source,
        ],
      );
      return rows.length > 0;
    });
  }

  originOfAcrossTenants(
    eventId: StripeEventId,
  ): Promise<{ digest: Buffer; source: StripeEventEntity['source'] } | null> {
    return this.acrossTenants(async () => {
      const event = await this.findOne({ eventId });
      return event && { digest: event.payloadSha256, source: event.source };
    });
  }

  findAcrossTenants(eventId: string): Promise<StripeEventEntity | null> {
    return this.acrossTenants(() => this.findOne({ eventId: eventId as StripeEventId }));
  }

  /** Newest first. */
  pageAcrossTenants(
    filter: StripeEventFilter,
    after: { receivedAt: Date; eventId: string } | null,
    limit: number,
  ): Promise<StripeEventEntity[]> {
    return this.acrossTenants((manager) => {
      const query = manager
        .createQueryBuilder(StripeEventEntity, 'event')
        .orderBy('event.receivedAt', 'DESC')
        .addOrderBy('event.eventId', 'DESC')
        .limit(limit);
      if (filter.status) query.andWhere('event.status = :status', { status: filter.status });
      if (filter.type) query.andWhere('event.type = :type', { type: filter.type });
      if (filter.tenantId) query.andWhere('event.tenantId = :tenantId', { tenantId: filter.tenantId });
      if (filter.from) query.andWhere('event.receivedAt >= :from', { from: filter.from });
      if (filter.to) query.andWhere('event.receivedAt < :to', { to: filter.to });
      if (after)
        query.andWhere(
          '(event.receivedAt, event.eventId) < (cast(:receivedAt as timestamptz), cast(:eventId as text))',
          after,
        );
      return query.getMany();
    });
  }

  /** Gives an event that was dead or ignored another chance; false when it is neither. */
  reviveAcrossTenants(eventId: string): Promise<boolean> {
    return this.acrossTenants(async (manager) => {
      const [rows] = await manager.query<[unknown[], number]>(
        `update stripe_events set status = 'pending', retry_count = 0, next_retry_at = clock_timestamp(),
                locked_until = null, processed_at = null, error = null
         where event_id = $1 and status in ('dead', 'ignored') returning event_id`,
        [eventId],
      );
      return rows.length > 0;
    });
  }

  /** Takes one due event for a lease; null when it is done, not due, or another worker has it. */
  claimAcrossTenants(eventId: string): Promise<ClaimedEvent | null> {
    return this.acrossTenants(async (manager) => {
      const [rows] = await manager.query<[Record<string, unknown>[], number]>(
        `update stripe_events
         set locked_until = clock_timestamp() + make_interval(secs => $2)
         where event_id = $1 and status = 'pending' and next_retry_at <= clock_timestamp()
           and (locked_until is null or locked_until < clock_timestamp())
         returning event_id, type, object_id, customer_id, retry_count, payload`,
        [eventId, LEASE_SECONDS],
      );
      const row = rows[0];
      if (!row) return null;
      return {
        eventId: row.event_id as StripeEventId,
        type: row.type as string,
        objectId: row.object_id as string | null,
        customerId: row.customer_id as StripeCustomerId | null,
        retryCount: row.retry_count as number,
        payload: row.payload as Buffer,
      };
    });
  }

  /** Ids of events that wait for a worker now, oldest first. */
  dueAcrossTenants(limit: number): Promise<string[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ event_id: string }[]>(
        `select event_id from stripe_events
         where status = 'pending' and next_retry_at <= clock_timestamp()
           and (locked_until is null or locked_until < clock_timestamp())
         order by next_retry_at limit $1`,
        [limit],
      );
      return rows.map((row) => row.event_id);
    });
  }

  async finishAcrossTenants(
    eventId: StripeEventId,
    status: Exclude<StripeEventStatus, 'pending'>,
    found: { tenantId: TenantId | null; error: string | null; at: Date },
  ): Promise<void> {
    await this.acrossTenants((manager) =>
      manager.query(
        `update stripe_events set status = $2, tenant_id = $3, error = $4, processed_at = $5, locked_until = null
         where event_id = $1 and status = 'pending'`,
        [eventId, status, found.tenantId, found.error?.slice(0, 500) ?? null, found.at],
      ),
    );
  }

  /**
   * Marks the event processed, and with it all events of its object that had arrived before the fetch began:
   * they could tell us nothing newer (F-21).
   */
  async finishWithObjectAcrossTenants(
    eventId: StripeEventId,
    object: { id: string; types: string[]; receivedBefore: Date },
    tenantId: TenantId,
    at: Date,
  ): Promise<void> {
    await this.acrossTenants((manager) =>
      manager.query(
        `update stripe_events set status = 'processed', tenant_id = $5, error = null, processed_at = $6,
                locked_until = null
         where status = 'pending'
           and (event_id = $1 or (object_id = $2 and type = any($3) and received_at < $4))`,
        [eventId, object.id, object.types, object.receivedBefore, tenantId, at],
      ),
    );
  }

  async retryLaterAcrossTenants(eventId: StripeEventId, error: string, afterSeconds: number): Promise<void> {
    await this.acrossTenants((manager) =>
      manager.query(
        `update stripe_events set retry_count = retry_count + 1, error = $2, locked_until = null,
                next_retry_at = clock_timestamp() + make_interval(secs => $3)
         where event_id = $1 and status = 'pending'`,
        [eventId, error.slice(0, 500), afterSeconds],
      ),
    );
  }

  /** How many are to be processed now; those that wait for another try are not counted. */
  waitingAcrossTenants(): Promise<number> {
    return this.acrossTenants(async (manager) => {
      const [row] = await manager.query<{ waiting: string }[]>(
        `select count(*) as waiting from stripe_events
         where status = 'pending' and next_retry_at <= clock_timestamp() + interval '1 second'`,
      );
      return Number(row?.waiting ?? 0);
    });
  }

  /** Seconds that the oldest waiting event has waited; 0 when none waits. */
  oldestWaitingSecondsAcrossTenants(): Promise<number> {
    return this.acrossTenants(async (manager) => {
      const [row] = await manager.query<{ age: string | null }[]>(
        `select extract(epoch from (clock_timestamp() - min(next_retry_at))) as age
         from stripe_events where status = 'pending'`,
      );
      return Math.max(0, Number(row?.age ?? 0));
    });
  }
}
