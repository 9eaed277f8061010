import { Injectable } from '@nestjs/common';
import { DataSource, QueryRunner } from 'typeorm';

/**
 * Locks held while Stripe is called, where no transaction may be open: session locks of Postgres on a
 * connection of their own. When the process dies, so does its connection, and the lock with it.
 */
@Injectable()
export class PlanLocksRepository {
  /** What waits in this process for each lock, so that only one of them takes a connection for it. */
  private readonly queues = new Map<string, Promise<unknown>>();

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Runs `work` while nobody else, in any process, holds the lock of this name.
   * @throws a lock timeout (answered 503 overloaded) when another process keeps it for over two seconds
   */
  async hold<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.queues.get(name);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return this.withConnection(async (connection) => {
        await connection.query('select pg_advisory_lock(hashtextextended($1, 0))', [name]);
        return work();
      });
    })();
    this.queues.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.queues.get(name) === mine) this.queues.delete(name);
    }
  }

  /** Runs `work` if the lock is free; null, at once, if somebody holds it. */
  async tryHold<T>(name: string, work: () => Promise<T>): Promise<{ value: T } | null> {
    return this.withConnection(async (connection) => {
      const [row] = (await connection.query('select pg_try_advisory_lock(hashtextextended($1, 0)) as taken', [
        name,
      ])) as { taken: boolean }[];
      return row?.taken ? { value: await work() } : null;
    });
  }

  private async withConnection<T>(use: (connection: QueryRunner) => Promise<T>): Promise<T> {
    const connection = this.dataSource.createQueryRunner();
    try {
      return await use(connection);
    } finally {
      // A connection that cannot say this is broken, and Postgres lets its locks go by itself.
      await connection.query('select pg_advisory_unlock_all()').catch(() => undefined);
      await connection.release();
    }
  }
}
