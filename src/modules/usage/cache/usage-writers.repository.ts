import { Injectable } from '@nestjs/common';
import { Database } from '../../../platform/database/database';

/** A process that was not seen for this long is dead or cut off; what it committed may not be in Redis. */
const LAPSED_AFTER = '2500 milliseconds';

/** Which processes write counters to Redis now; they belong to no tenant. */
@Injectable()
export class UsageWritersRepository {
  constructor(private readonly database: Database) {}

  /**
   * Marks the writer as alive and removes lapsed ones; raises the generation when there were any, or when asked.
   * Whoever removes a lapsed one raises, in one transaction: it happens once.
   */
  beatAcrossTenants(writer: string, raise: boolean): Promise<{ generation: string; raised: boolean }> {
    return this.database.acrossTenants(async (manager) => {
      // A lost beat costs nothing, so nobody waits for the disk.
      await manager.query(`set local synchronous_commit = off`);
      const [row] = await manager.query<{ lapsed: string }[]>(
        `with alive as (
           insert into usage_writers (id, seen_at) values ($1, clock_timestamp())
           on conflict (id) do update set seen_at = excluded.seen_at),
         gone as (
           delete from usage_writers
            where id in (select id from usage_writers where id <> $1
                           and seen_at < clock_timestamp() - $2::interval for update skip locked)
           returning id)
         select count(*) as lapsed from gone`,
        [writer, LAPSED_AFTER],
      );
      const raised = raise || row!.lapsed !== '0';
      const [current] = await manager.query<{ generation: string }[]>(
        raised
          ? `select raise_usage_generation() as generation`
          : `select generation from usage_cache_generation`,
      );
      return { generation: current!.generation, raised };
    });
  }

  /** The writer ends in order: all it committed is in Redis. */
  async leaveAcrossTenants(writer: string): Promise<void> {
    await this.database.acrossTenants((manager) =>
      manager.query(`delete from usage_writers where id = $1`, [writer]),
    );
  }
}
