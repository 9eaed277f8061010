import { Inject, Injectable } from '@nestjs/common';
import Redis, { RedisOptions } from 'ioredis';
import { CONFIG } from './config/config.module';
import type { Config } from './config/env';
import { Lifecycle, withDeadline } from './lifecycle';
import { Logger } from './logger';

/** For requests: fail fast, never queue, never resend (reliability C.5, F-62 to F-65). */
const REQUEST_OPTIONS: RedisOptions = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  connectTimeout: 500,
  commandTimeout: 250,
  autoResendUnfulfilledCommands: false,
  reconnectOnError: (error) => (error.message.includes('READONLY') ? 1 : false),
  retryStrategy: (times) => Math.min(times * 50, 1000),
};

/** Redis as the request path sees it: a cache that may be away at any moment. */
@Injectable()
export class RedisClient {
  private readonly logger = new Logger('redis');
  readonly client: Redis;

  constructor(@Inject(CONFIG) config: Config, lifecycle: Lifecycle) {
    this.client = new Redis(config.redisUrl, REQUEST_OPTIONS);
    this.client.on('error', (error) => this.logger.debug('redis.error', { message: error.message }));
    lifecycle.onShutdown('redis', 'redis request client', async () => this.client.disconnect());
  }

  /** Runs a command; null instead of an exception when Redis is away or slow. */
  async attempt<T>(work: (client: Redis) => Promise<T>): Promise<{ value: T } | null> {
    try {
      return { value: await withDeadline(work(this.client), 300, 'redis deadline') };
    } catch {
      return null;
    }
  }
}
