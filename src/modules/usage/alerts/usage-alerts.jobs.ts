import { Injectable } from '@nestjs/common';
import type { JobPayloads } from '../../../contracts/jobs';
import { OnJob } from '../../../platform/queue/on-job';
import type { JobRun } from '../../../platform/queue/on-job';
import { OVERLAP_MS } from '../upkeep/usage-audit.jobs';
import { UsageCounterPagesRepository } from '../upkeep/usage-counter-pages.repository';
import { UsageThresholds } from './usage-thresholds';

/** Every five minutes: finds levels that were reached and not told, because a process died or a limit was lowered. */
@Injectable()
export class UsageAlertsJobs {
  constructor(
    private readonly pages: UsageCounterPagesRepository,
    private readonly thresholds: UsageThresholds,
  ) {}

  @OnJob('usage.alerts')
  async run(_payload: JobPayloads['usage.alerts'], { previous }: JobRun): Promise<void> {
    const since = previous && new Date(previous.getTime() - OVERLAP_MS);
    for await (const page of this.pages.toEvaluateAcrossTenants(since)) await this.thresholds.catchUp(page);
  }
}
