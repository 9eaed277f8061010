import { Injectable } from '@nestjs/common';
import { JobName, JobPayloads } from '../../contracts/jobs';
import { Clock } from '../clock';
import { Logger } from '../logger';
import { Metrics } from '../metrics';
import { RequestContext } from '../request-context';
import { JobRegistry } from './job-registry';
import { JobRun } from './on-job';

/** Runs one job in a context of its own, with its line in the log and its measure. */
@Injectable()
export class JobRunner {
  private readonly logger = new Logger('job');

  constructor(
    private readonly registry: JobRegistry,
    private readonly requestContext: RequestContext,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
  ) {}

  async run<N extends JobName>(name: N, payload: JobPayloads[N], run: JobRun): Promise<void> {
    const started = this.clock.monotonicMs();
    const finish = (outcome: 'done' | 'failed'): number => {
      const seconds = (this.clock.monotonicMs() - started) / 1000;
      this.metrics.jobs.observe({ job: name, outcome }, seconds);
      return Math.round(seconds * 1000);
    };
    await this.requestContext.run(
      { requestId: `job-${name}`, actor: { kind: 'system', id: name } },
      async () => {
        try {
          await this.registry.handlerOf(name)(payload, run);
          this.logger.info('job.done', { job: name, duration_ms: finish('done') });
        } catch (error) {
          this.logger.error('job.failed', error, { job: name, duration_ms: finish('failed') });
          throw error;
        }
      },
    );
  }
}
