import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock';
import { Lifecycle, withDeadline } from '../../platform/lifecycle';
import { Logger } from '../../platform/logger';
import { RedisClient } from '../../platform/redis';
import { ShortCache } from '../../platform/short-cache';
import { ReadinessView } from './health.dto';
import { HealthRepository } from './health.repository';

/** Probes come from many sides and are open to all: one look a second is enough for them together. */
const REMEMBER_MS = 1000;
const DATABASE_MS = 2000;

type DatabaseReadiness = Pick<ReadinessView, 'database' | 'database_role'>;

@Injectable()
export class HealthService {
  private readonly logger = new Logger('health');
  private readonly recent: ShortCache<ReadinessView>;
  private warned = false;

  constructor(
    private readonly repository: HealthRepository,
    private readonly redis: RedisClient,
    private readonly lifecycle: Lifecycle,
    clock: Clock,
  ) {
    this.recent = new ShortCache(clock, REMEMBER_MS, 1);
  }

  async readiness(): Promise<ReadinessView> {
    const readiness = await this.recent.get('readiness', () => this.look());
    return this.lifecycle.isStopping ? { ...readiness, status: 'stopping' } : readiness;
  }

  private async look(): Promise<ReadinessView> {
    const [database, redis] = await Promise.all([this.lookAtDatabase(), this.lookAtRedis()]);
    const ready = database.database === 'ok';
    return { status: !ready ? 'unavailable' : redis === 'ok' ? 'ok' : 'degraded', ...database, redis };
  }

  private async lookAtDatabase(): Promise<DatabaseReadiness> {
    try {
      const state = await withDeadline(this.repository.read(), DATABASE_MS, 'postgres does not answer');
      const database_role = state.isOwner ? 'single' : 'separate';
      if (state.isOwner && !this.warned) {
        this.warned = true;
        this.logger.warn('database.single_role');
      }
      if (state.isUnsafeRole) return { database: 'unsafe_role', database_role };
      return { database: state.isMigrated ? 'ok' : 'not_migrated', database_role };
    } catch (error) {
      this.logger.warn('database.away', { message: (error as Error).message });
      return { database: 'away', database_role: null };
    }
  }

  private async lookAtRedis(): Promise<ReadinessView['redis']> {
    return (await this.redis.attempt((client) => client.ping())) ? 'ok' : 'away';
  }
}
