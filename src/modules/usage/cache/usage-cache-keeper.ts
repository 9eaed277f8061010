import { Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Clock } from '../../../platform/clock';
import { Database } from '../../../platform/database/database';
import { Lifecycle } from '../../../platform/lifecycle';
import { Logger } from '../../../platform/logger';
import { RedisClient } from '../../../platform/redis';
import { CounterName, RedisUsageService } from './redis-usage.service';
import { UsageCountersRepository } from '../ledger/usage-counters.repository';
import { UsageWritersRepository } from './usage-writers.repository';

const BEAT_MS = 1000;
const PAGE = 1000;

/**
 * Keeps the counters in Redis honest. They are written after the commit, so a process that died in between, a
 * write that did not arrive, or a Redis that came back with yesterday's memory leaves numbers that are too small.
 * In each of these cases the generation is raised, and no reader looks at the old keys again. An emptied Redis
 * needs no raise (missing means "ask Postgres"); it is filled again by a walk over all live counters.
 */
@Injectable()
export class UsageCacheKeeper implements OnApplicationBootstrap {
  private readonly logger = new Logger('usage');
  private readonly writer = randomUUID();
  private timer: NodeJS.Timeout | null = null;
  private beating = false;
  private hasReconnected = false;
  private walk: Promise<void> | null = null;

  constructor(
    private readonly usage: RedisUsageService,
    private readonly redis: RedisClient,
    private readonly writers: UsageWritersRepository,
    private readonly counters: UsageCountersRepository,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly lifecycle: Lifecycle,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.redis.client.on('close', () => (this.hasReconnected = true));
    await this.beat();
    this.timer = setInterval(() => void this.beat(), BEAT_MS);
    this.timer.unref();
    this.lifecycle.onShutdown('redis', 'usage cache keeper', async () => {
      if (this.timer) clearInterval(this.timer);
      await this.walk?.catch(() => undefined);
      await this.writers.leaveAcrossTenants(this.writer).catch(() => undefined);
    });
  }

  /** What Redis holds may be wrong: from here on nobody reads it, and all is read from Postgres again. */
  async renew(): Promise<void> {
    const { generation } = await this.writers.beatAcrossTenants(this.writer, true);
    this.usage.setGeneration(generation);
  }

  /** Says that this process lives, looks after the ones that no longer do, and after Redis. */
  private async beat(): Promise<void> {
    if (this.beating) return;
    this.beating = true;
    try {
      await this.look();
    } catch (error) {
      this.logger.debug('usage.keeper_failed', { message: String(error) });
    } finally {
      this.beating = false;
    }
  }

  private async look(): Promise<void> {
    const pong = await this.redis.attempt((client) => client.ping());
    const isBack = pong !== null && (this.hasReconnected || this.usage.isAway);
    const hasMissed = this.usage.takeMissed();
    const isCertain = !isBack && !hasMissed;
    const { generation, raised } = await this.writers.beatAcrossTenants(this.writer, !isCertain);
    this.usage.setGeneration(generation);
    this.usage.setAway(pong === null);
    if (isBack) this.hasReconnected = false;
    if (raised)
      this.logger.info('usage.cache_renewed', { generation, missed: hasMissed, redis_back: isBack });
    if (pong !== null && (await this.isEmpty(generation))) this.fill();
  }

  /** True for the one process that finds Redis without the mark of this generation, and sets it. */
  private async isEmpty(generation: string): Promise<boolean> {
    const set = await this.redis.attempt((client) =>
      client.set(`usage:filled:${generation}`, this.writer, 'EX', 7 * 86_400, 'NX'),
    );
    return set?.value === 'OK';
  }

  private fill(): void {
    this.walk ??= this.fillAll()
      .catch((error) => this.logger.warn('usage.cache_fill_failed', { message: String(error) }))
      .finally(() => (this.walk = null));
  }

  /** Writes all live counters to Redis, a page at a time; each is right when written, or newer already. */
  private async fillAll(): Promise<void> {
    const started = this.clock.monotonicMs();
    let after: CounterName | null = null;
    let written = 0;
    for (;;) {
      const page = await this.database.outsideTransaction(() =>
        this.counters.liveAcrossTenants(this.clock.now(), after, PAGE),
      );
      await this.usage.write(page.counters, page.generation);
      written += page.counters.length;
      if (page.counters.length < PAGE || this.lifecycle.isStopping || this.usage.isAway) break;
      after = page.counters.at(-1)!.target;
    }
    const milliseconds = Math.round(this.clock.monotonicMs() - started);
    this.logger.info('usage.cache_filled', { counters: written, duration_ms: milliseconds });
  }
}
