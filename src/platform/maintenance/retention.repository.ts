import { Injectable } from '@nestjs/common';
import { Database } from '../database/database';

/** Rows per statement: small enough that nobody waits behind a long delete. */
const BATCH = 5000;

/** Deletes old rows of the platform's own tables, in batches. */
@Injectable()
export class RetentionRepository {
  constructor(private readonly database: Database) {}

  /** Events that every leaf and the stream have seen. */
  deleteToldEventsAcrossTenants(days: number): Promise<number> {
    return this.untilDone(() =>
      this.database.acrossTenants((manager) =>
        manager.query<[unknown[], number]>(
          `delete from outbox where id in (
             select id from outbox
             where dispatched_at is not null and (published_at is not null or parked_at is not null)
               and occurred_at < clock_timestamp() - make_interval(days => $1)
             order by id limit $2)`,
          [days, BATCH],
        ),
      ),
    );
  }

  /** Finished slots; the newest of each job stays, the schedule counts from it. */
  deleteFinishedSlots(days: number): Promise<number> {
    return this.untilDone(() =>
      this.database.inNewTransaction((manager) =>
        manager.query<[unknown[], number]>(
          `delete from job_slots where (job, slot) in (
             select s.job, s.slot from job_slots s
             where s.done_at < clock_timestamp() - make_interval(days => $1)
               and s.slot < (select max(n.slot) from job_slots n where n.job = s.job and n.done_at is not null)
             limit $2)`,
          [days, BATCH],
        ),
      ),
    );
  }

  private async untilDone(deleteBatch: () => Promise<[unknown[], number]>): Promise<number> {
    let total = 0;
    for (;;) {
      const [, deleted] = await deleteBatch();
      total += deleted;
      if (deleted < BATCH) return total;
    }
  }
}
