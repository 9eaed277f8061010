import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock';
import { Lifecycle, withDeadline } from '../../platform/lifecycle';
import { Logger } from '../../platform/logger';
import { RedisClient } from '../../platform/redis';
import { ShortCache } from '../../platform/short-cache';
import { HealthRepository } from './health.repository';

/** Probes come from many sides and are open to all: one look a second is enough for them together. */
const REMEMBER_MS = 1000;
const DATABASE_MS = 2000;

/** Whether this process should be given requests; says what is wrong, never where or which version. */
export interface Readiness {
  /** `degraded` still serves: without Redis everything works, more slowly. */
  status: 'ok' | 'degraded' | 'unavailable' | 'stopping';
  database: 'ok' | 'away' | 'not_migrated' | 'unsafe_role';
  redis: 'ok' | 'away';
  /** `single`: one role migrates and runs, so row-level security has one lock less. null while unknown. */
  database_role: 'separate' | 'single' | null;
}

type DatabaseReadiness = Pick<Readiness, 'database' | 'database_role'>;

@Injectable()
export class HealthService {
  private readonly logger = new Logger('health');
  private readonly recent: ShortCache<Readiness>;
  private warned = false;

  constructor(
    private readonly repository: HealthRepository,
    private readonly redis: RedisClient,
    private readonly lifecycle: Lifecycle,
    clock: Clock,
  ) {
    this.recent = new ShortCache(clock, REMEMBER_MS, 1);
  }

  async readiness(): Promise<Readiness> {
    const readiness = await this.recent.get('readiness', () => this.look());
    return this.lifecycle.isStopping ? { ...readiness, status: 'stopping' } : readiness;
  }

  private async look(): Promise<Readiness> {
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

  private async lookAtRedis(): Promise<Readiness['redis']> {
    return (await this.redis.attempt((client) => client.ping())) ? 'ok' : 'away';
  }
}
