import { Injectable } from '@nestjs/common';
import type { TenantId } from '../../../contracts/ids';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { ReservationStatus, UsageReservationEntity } from './usage-reservation.entity';

export type Reservation = UsageReservationEntity;
export type NewReservation = Pick<
  Reservation,
  'id' | 'metricName' | 'periodStart' | 'quantity' | 'subject' | 'expiresAt' | 'createdAt'
>;

export interface ReservationFilter {
  readonly status?: ReservationStatus;
  readonly metric?: string;
}

/** What expired reservations give back to one counter. */
export interface GivenBack {
  readonly metric_name: string;
  readonly period_start: Date;
  /** A decimal text. */
  readonly quantity: string;
  readonly reservations: number;
}

/** Reservations of the tenant in the context. */
@Injectable()
export class UsageReservationsRepository extends TenantRepository<UsageReservationEntity> {
  constructor(database: Database, context: TenantContext) {
    super(UsageReservationEntity, database, context);
  }

  /** False when there is one with this id. */
  addIfNew(reservation: NewReservation): Promise<boolean> {
    return this.addOnce({ ...reservation, status: 'held' });
  }

  get(id: string): Promise<Reservation | null> {
    return this.findOne({ id });
  }

  /** Holds the row until the running transaction ends. */
  lock(id: string): Promise<Reservation | null> {
    return this.lockOne({ id });
  }

  /** Writes the end of a locked reservation. */
  async settle(
    { id }: Pick<Reservation, 'id'>,
    end: Pick<Reservation, 'status' | 'committedQuantity' | 'eventId' | 'settledAt'>,
  ): Promise<void> {
    await this.update({ id }, end);
  }

  /** Newest first; `now` decides which of the held ones have expired. */
  page(
    { status, metric }: ReservationFilter,
    after: { createdAt: string; id: string } | null,
    limit: number,
    now: Date,
  ): Promise<Reservation[]> {
    return this.sql<Reservation>(
      `select tenant_id as "tenantId", id, metric_name as "metricName", period_start as "periodStart", quantity,
              subject, status, committed_quantity as "committedQuantity", event_id as "eventId",
              expires_at as "expiresAt", created_at as "createdAt", settled_at as "settledAt"
         from usage_reservations
        where tenant_id = $1
          and ($2::text is null or metric_name = $2)
          and ($3::text is null or $3 = case when status = 'held' and expires_at <= $4 then 'expired' else status end)
          and ($5::timestamptz is null or (created_at, id) < ($5, $6::uuid))
        order by created_at desc, id desc limit $7`,
      metric ?? null,
      status ?? null,
      now,
      after?.createdAt ?? null,
      after?.id ?? null,
      limit,
    );
  }

  /**
   * Marks held reservations whose time is over, and tells what their counters get back, in the order in which
   * counters are locked. Those that somebody is settling right now are left to him.
   */
  expireDue(now: Date, metric: string | null, limit: number): Promise<GivenBack[]> {
    return this.sql<GivenBack>(
      `with due as (
         select id from usage_reservations
          where tenant_id = $1 and status = 'held' and expires_at <= $2 and ($3::text is null or metric_name = $3)
          order by id limit $4 for update skip locked
       ), expired as (
         update usage_reservations r set status = 'expired', settled_at = $2
           from due where r.tenant_id = $1 and r.id = due.id
         returning metric_name, period_start, quantity)
       select metric_name, period_start, sum(quantity)::text as quantity, count(*)::int as reservations
         from expired group by metric_name, period_start order by metric_name collate "C", period_start`,
      now,
      metric,
      limit,
    );
  }

  /** Tenants with reservations whose time is over, the longest waiting first. */
  dueTenantsAcrossTenants(now: Date, limit: number): Promise<TenantId[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ tenant_id: TenantId }[]>(
        `select tenant_id from (
           select tenant_id, expires_at from usage_reservations
            where status = 'held' and expires_at <= $1 order by expires_at limit $2) due
          group by tenant_id order by min(expires_at)`,
        [now, limit],
      );
      return rows.map((row) => row.tenant_id);
    });
  }
}
