import { Injectable } from '@nestjs/common';
import { Database } from '../../../platform/database/database';

/** Rows per statement: small enough that nobody waits behind a long delete. */
const BATCH = 5000;

const OLD_REFUSALS = `delete from usage_refusals where (tenant_id, event_id) in (
  select tenant_id, event_id from usage_refusals where refused_at < $1 order by refused_at limit ${BATCH})`;
const OLD_RESERVATIONS = `delete from usage_reservations where (tenant_id, id) in (
  select tenant_id, id from usage_reservations where status <> 'held' and settled_at < $1 limit ${BATCH})`;
const OLD_DAYS = `delete from tenant_usage where (tenant_id, metric_name, period_kind, period_date) in (
  select tenant_id, metric_name, period_kind, period_date from tenant_usage
   where period_kind = 'day' and period_date < ($1::timestamptz at time zone 'UTC')::date limit ${BATCH})`;
const OLD_ALERTS = `delete from usage_alerts where (tenant_id, metric_name, period_start, percent) in (
  select tenant_id, metric_name, period_start, percent from usage_alerts
   where period_start > 'epoch' and reached_at < $1 limit ${BATCH})`;

/** Deletes what usage leaves behind and is kept for a time only, of all tenants, in batches. */
@Injectable()
export class UsageRetentionRepository {
  constructor(private readonly database: Database) {}

  /** Events of closed periods that ended before the moment; never younger than 100 days (migration 5). */
  async deleteEventsAcrossTenants(before: Date): Promise<number> {
    let total = 0;
    for (;;) {
      const deleted = await this.database.acrossTenants(async (manager) => {
        await manager.query(`set local statement_timeout = '60s'`);
        const [row] = await manager.query<{ deleted: number }[]>(
          `select delete_old_usage_events($1, $2) as deleted`,
          [before, BATCH],
        );
        return row!.deleted;
      });
      if (deleted === 0) return total;
      total += deleted;
    }
  }

  deleteRefusalsAcrossTenants(before: Date): Promise<number> {
    return this.deleteAllAcrossTenants(OLD_REFUSALS, before);
  }

  /** Settled ones; a held one is somebody's. */
  deleteReservationsAcrossTenants(before: Date): Promise<number> {
    return this.deleteAllAcrossTenants(OLD_RESERVATIONS, before);
  }

  /** Rows of days; those of months stay. */
  deleteDaysAcrossTenants(before: Date): Promise<number> {
    return this.deleteAllAcrossTenants(OLD_DAYS, before);
  }

  /** Alerts of usage months; a gauge's hold for as long as it stands there. */
  deleteAlertsAcrossTenants(before: Date): Promise<number> {
    return this.deleteAllAcrossTenants(OLD_ALERTS, before);
  }

  private async deleteAllAcrossTenants(query: string, before: Date): Promise<number> {
    let total = 0;
    for (;;) {
      const [, deleted] = await this.database.acrossTenants((manager) =>
        manager.query<[unknown[], number]>(query, [before]),
      );
      total += deleted;
      if (deleted < BATCH) return total;
    }
  }
}
