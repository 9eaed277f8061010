import { Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { getQueueToken } from '@nestjs/bull';
import type { Job, Queue } from 'bull';
import { JobName, JobPayloads, JOBS, QueueName, QUEUES } from '../../contracts/jobs';
import { Lifecycle, withDeadline } from '../lifecycle';
import { Logger } from '../logger';
import { JobRegistry } from './job-registry';
import { JobRunner } from './job-runner';

/** With Redis down, Bull's add() never settles (decisions 21). */
const ADD_DEADLINE_MS = 250;

/**
 * Hides Bull: hands pointers to workers, nothing more. A lost pointer only delays, because sweepers find
 * the row again; a doubled one finds its row done.
 */
@Injectable()
export class JobQueue implements OnApplicationBootstrap {
  private readonly logger = new Logger('queue');

  constructor(
    private readonly moduleRef: ModuleRef,
    private readonly runner: JobRunner,
    private readonly registry: JobRegistry,
    private readonly lifecycle: Lifecycle,
  ) {}

  /**
   * Tries to hand the job to a worker soon.
   * @param key which row this is about; two adds of one key while it waits are one job
   * @returns false when Redis did not take it in time: the sweeper will find the row
   */
  async add<N extends JobName>(name: N, payload: JobPayloads[N], key: string): Promise<boolean> {
    try {
      const jobId = `${name}:${key}`;
      const added = this.bull(JOBS[name].queue).add(name, payload, {
        jobId,
        removeOnComplete: true,
        // The row is the truth; a kept failed job would swallow the next pointer to it (F-51).
        removeOnFail: true,
        attempts: 1,
      });
      added.catch(() => undefined);
      await withDeadline(added, ADD_DEADLINE_MS, 'redis did not take the job in time');
      return true;
    } catch (error) {
      this.logger.warn('queue.add_failed', { job: name, message: String((error as Error).message) });
      return false;
    }
  }

  private startWorkers(): void {
    for (const [name, entry] of Object.entries(JOBS)) {
      const queue = this.bull(entry.queue);
      void queue
        .process(name, entry.concurrency, (job: Job<JobPayloads[JobName]>) =>
          this.runner.run(name as JobName, job.data, { slot: null, fence: null, previous: null }),
        )
        .catch((error: unknown) => this.logger.error('queue.worker_failed', error, { job: name }));
    }
    this.lifecycle.onShutdown('workers', 'bull workers', async () => {
      await Promise.all(
        QUEUES.map((name) => withDeadline(this.bull(name).pause(true), 5000, `${name} is busy`)),
      );
    });
  }

  /** Says what goes wrong inside Bull; workers begin with the background work, queues close at shutdown. */
  onApplicationBootstrap(): void {
    this.registry.collect();
    this.lifecycle.inBackground('bull workers', () => this.startWorkers());
    for (const name of QUEUES) {
      const queue = this.bull(name);
      queue.on('error', (error: Error) =>
        this.logger.debug('queue.error', { queue: name, message: error.message }),
      );
      queue.on('stalled', (job: Job) => this.logger.warn('queue.stalled', { queue: name, job: job.name }));
      queue.on('failed', (job: Job, error: Error) =>
        this.logger.debug('queue.job_failed', { queue: name, job: job.name, message: error.message }),
      );
    }
    this.lifecycle.onShutdown('queues', 'bull queues', async () => {
      await Promise.all(QUEUES.map((name) => this.bull(name).close(true)));
    });
  }

  /** Waiting and active jobs of a queue; null when Redis is away. For monitoring. */
  async depth(name: QueueName): Promise<number | null> {
    try {
      const counts = await withDeadline(this.bull(name).getJobCounts(), ADD_DEADLINE_MS, 'redis is away');
      return counts.waiting + counts.active + counts.delayed;
    } catch {
      return null;
    }
  }

  private bull(name: QueueName): Queue {
    return this.moduleRef.get<Queue>(getQueueToken(name), { strict: false });
  }
}
