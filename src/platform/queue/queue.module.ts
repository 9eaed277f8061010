import { DynamicModule, Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { BullModule } from '@nestjs/bull';
import Redis from 'ioredis';
import { QUEUES } from '../../contracts/jobs';
import type { Config } from '../config/env';
import { Lifecycle } from '../lifecycle';
import { JobFence } from './job-fence';
import { JobRegistry } from './job-registry';
import { JobRunner } from './job-runner';
import { JobScheduler } from './job-scheduler';
import { JobSlotsRepository } from './job-slots.repository';
import { JobQueue } from './queue';

/** Bull needs its clients patient (`maxRetriesPerRequest: null`); they are never used for requests. */
export class BullConnections {
  private readonly opened: Redis[] = [];
  private client: Redis | null = null;
  private subscriber: Redis | null = null;

  constructor(private readonly url: string) {}

  of(type: 'client' | 'subscriber' | 'bclient'): Redis {
    if (type === 'client') return (this.client ??= this.open());
    if (type === 'subscriber') return (this.subscriber ??= this.open());
    return this.open();
  }

  async close(): Promise<void> {
    for (const connection of this.opened) connection.disconnect();
  }

  private open(): Redis {
    const connection = new Redis(this.url, {
      maxRetriesPerRequest: null,
      enableReadyCheck: false,
      retryStrategy: (times) => Math.min(times * 100, 2000),
      reconnectOnError: (error) => (error.message.includes('READONLY') ? 1 : false),
    });
    connection.on('error', () => undefined);
    connection.setMaxListeners(100);
    this.opened.push(connection);
    return connection;
  }
}

/**
 * A job whose worker died, or that Redis handed over in an answer that never arrived, is given to another within
 * 20 s; Bull's own settings take up to a minute, and drop what this happens to twice. The rows bound the
 * attempts of a job that fails.
 */
const SETTINGS = { lockDuration: 15_000, stalledInterval: 5_000, maxStalledCount: 20 };

/** Bull behind our own words. Client and subscriber connections are shared between queues (decisions 21). */
@Global()
@Module({})
export class QueueModule {
  static forRoot(config: Config): DynamicModule {
    const connections = new BullConnections(config.redisUrl);
    return {
      module: QueueModule,
      imports: [
        DiscoveryModule,
        BullModule.forRoot({ createClient: (type) => connections.of(type), prefix: 'tb' }),
        BullModule.registerQueue(...QUEUES.map((name) => ({ name, settings: SETTINGS }))),
      ],
      providers: [
        JobQueue,
        JobRegistry,
        JobRunner,
        JobScheduler,
        JobSlotsRepository,
        JobFence,
        { provide: BullConnections, useValue: connections },
      ],
      exports: [JobFence, JobQueue, JobRegistry, JobRunner, JobScheduler],
    };
  }

  constructor(connections: BullConnections, lifecycle: Lifecycle) {
    lifecycle.onShutdown('redis', 'bull connections', () => connections.close());
  }
}
