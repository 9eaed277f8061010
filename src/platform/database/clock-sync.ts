import { Injectable } from '@nestjs/common';
import { Clock } from '../clock';
import { Lifecycle } from '../lifecycle';
import { Logger } from '../logger';
import { Announcements } from './announcements';
import { Database } from './database';

/** How stale a process's view of the shared clock may be. */
const EVERY_MS = 2000;

/** Keeps the process's clock on the database's time and the shared offset of business time (decisions 20). */
@Injectable()
export class ClockSync {
  private readonly logger = new Logger('clock');
  private timer: NodeJS.Timeout | null = null;
  /** Readings begun, and the newest of those that were taken over. */
  private begun = 0;
  private taken = 0;

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly lifecycle: Lifecycle,
    announcements: Announcements,
  ) {
    announcements.on('clock', () => void this.syncQuietly());
  }

  /** Reads once and then regularly; a failed read keeps the last known skew. */
  async start(): Promise<void> {
    await this.sync();
    this.timer = setInterval(() => void this.syncQuietly(), EVERY_MS);
    this.timer.unref();
    this.lifecycle.onShutdown('database', 'clock sync', async () => {
      if (this.timer) clearInterval(this.timer);
    });
  }

  /** Moves business time forward to a moment, for all processes; the sandbox's time travel does. */
  async moveTo(moment: Date): Promise<void> {
    await this.database.inNewTransaction((manager) =>
      manager.query(
        `update clock_offset set moved_at = clock_timestamp(), offset_ms = greatest(offset_ms,
           ceil($1::bigint - extract(epoch from clock_timestamp()) * 1000)::bigint)
          where id = 1`,
        [moment.getTime()],
      ),
    );
    await this.sync();
  }

  private syncQuietly(): Promise<void> {
    return this.sync().catch((error) => this.logger.debug('clock.sync_failed', { message: String(error) }));
  }

  async sync(): Promise<void> {
    const turn = ++this.begun;
    const before = this.clock.monotonicMs();
    const wallBefore = this.clock.machineMs();
    const [row] = await this.database.inNewTransaction((manager) =>
      manager.query<{ now_ms: string; offset_ms: string }[]>(
        `select (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms,
                coalesce((select offset_ms from clock_offset where id = 1), 0) as offset_ms`,
      ),
    );
    // An answer that was overtaken may tell of an offset that has been moved meanwhile.
    if (turn < this.taken) return;
    this.taken = turn;
    const halfRoundTrip = (this.clock.monotonicMs() - before) / 2;
    if (row)
      this.clock.adjust(new Date(Number(row.now_ms)), Number(row.offset_ms), wallBefore + halfRoundTrip);
  }
}
