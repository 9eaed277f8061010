import { Injectable } from '@nestjs/common';
import type { JobPayloads } from '../../../contracts/jobs';
import { OnJob } from '../../../platform/queue/on-job';
import type { JobRun } from '../../../platform/queue/on-job';
import { Drift, UsageAudit } from './usage-audit';
import { UsageCounterPagesRepository } from './usage-counter-pages.repository';

/** A change is dated when its batch begins, and seen when it is committed. */
export const OVERLAP_MS = 60_000;

/** Every five minutes: compares the counters that were changed since the last run with the ledger. */
@Injectable()
export class UsageAuditJobs {
  constructor(
    private readonly pages: UsageCounterPagesRepository,
    private readonly audit: UsageAudit,
  ) {}

  @OnJob('usage.audit')
  async run(_payload: JobPayloads['usage.audit'], { previous }: JobRun): Promise<void> {
    const since = previous && new Date(previous.getTime() - OVERLAP_MS);
    const drifts: Drift[] = [];
    for await (const page of this.pages.changedAcrossTenants(since))
      drifts.push(...(await this.audit.examine(page)));
    await this.audit.report(drifts);
  }
}
