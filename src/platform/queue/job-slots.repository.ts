import { Injectable } from '@nestjs/common';
import { Database } from '../database/database';

/** A slot taken for a lease; `fence` rises with every takeover. */
export interface ClaimedSlot {
  job: string;
  slot: Date;
  fence: number;
}

/**
 * Which slots of which job were run, and who runs one now. Leases are on the database's real time, slots on
 * business time. The table has no tenant: it is the schedule itself.
 */
@Injectable()
export class JobSlotsRepository {
  constructor(private readonly database: Database) {}

  /** Takes the slot if nobody has it, or its holder's lease is over and it is not done; null otherwise. */
  claim(job: string, slot: Date, owner: string, leaseMs: number): Promise<ClaimedSlot | null> {
    return this.database.inNewTransaction(async (manager) => {
      const rows = await manager.query<{ fence: string }[]>(
        `insert into job_slots (job, slot, owner, lease_until)
         values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4 / 1000.0))
         on conflict (job, slot) do update
           set owner = excluded.owner, fence = job_slots.fence + 1, lease_until = excluded.lease_until,
               attempts = job_slots.attempts + 1
           where job_slots.done_at is null and job_slots.lease_until < clock_timestamp()
         returning fence`,
        [job, slot, owner, leaseMs],
      );
      return rows[0] ? { job, slot, fence: Number(rows[0].fence) } : null;
    });
  }

  /** Keeps a long run's slot; false when another has taken it over. */
  renew(claimed: ClaimedSlot, leaseMs: number): Promise<boolean> {
    return this.change(
      `update job_slots set lease_until = clock_timestamp() + make_interval(secs => $4 / 1000.0)
       where job = $1 and slot = $2 and fence = $3 and done_at is null returning job`,
      [claimed.job, claimed.slot, claimed.fence, leaseMs],
    );
  }

  /**
   * Whether the run still owns its slot, which is then its own until the running transaction ends: a takeover
   * waits for that.
   */
  async hold({ job, slot, fence }: ClaimedSlot): Promise<boolean> {
    const rows = await this.database.inTransaction((manager) =>
      manager.query<unknown[]>(
        `select from job_slots where job = $1 and slot = $2 and fence = $3 and done_at is null for share`,
        [job, slot, fence],
      ),
    );
    return rows.length > 0;
  }

  finish(claimed: ClaimedSlot): Promise<boolean> {
    return this.change(
      `update job_slots set done_at = clock_timestamp(), error = null
       where job = $1 and slot = $2 and fence = $3 and done_at is null returning job`,
      [claimed.job, claimed.slot, claimed.fence],
    );
  }

  /** Gives a failed slot back, to be tried again after `retryMs`. */
  fail(claimed: ClaimedSlot, reason: string, retryMs: number): Promise<boolean> {
    return this.change(
      `update job_slots set error = $4, lease_until = clock_timestamp() + make_interval(secs => $5 / 1000.0)
       where job = $1 and slot = $2 and fence = $3 and done_at is null returning job`,
      [claimed.job, claimed.slot, claimed.fence, reason.slice(0, 500), retryMs],
    );
  }

  /** The newest slot that was finished; null before the first. */
  async newestDone(job: string): Promise<Date | null> {
    const [row] = await this.database.inNewTransaction((manager) =>
      manager.query<{ slot: Date | null }[]>(
        `select max(slot) as slot from job_slots where job = $1 and done_at is not null`,
        [job],
      ),
    );
    return row?.slot ?? null;
  }

  private change(sql: string, parameters: unknown[]): Promise<boolean> {
    return this.database.inNewTransaction(async (manager) => {
      const result = await manager.query<unknown[]>(sql, parameters);
      return Array.isArray(result[0]) && (result[0] as unknown[]).length > 0;
    });
  }
}
