import { Injectable } from '@nestjs/common';
import type { JobPayloads } from '../../../contracts/jobs';
import { Clock } from '../../../platform/clock';
import { Logger } from '../../../platform/logger';
import { JobFence, SlotLost } from '../../../platform/queue/job-fence';
import { OnJob } from '../../../platform/queue/on-job';
import type { JobRun } from '../../../platform/queue/on-job';
import { TenantPeriod, UsageArchiveRepository } from './usage-archive.repository';
import { UsageClosing } from './usage-closing';

/** Batches that were placed right before the end may be committed a little after it. */
const SETTLED_AFTER_MS = 15_000;
const AT_ONCE = 4;

/** Every minute: closes the usage months that have ended. What is due follows from the rows, not from the slot. */
@Injectable()
export class UsageCloseJobs {
  private readonly logger = new Logger('usage');

  constructor(
    private readonly archive: UsageArchiveRepository,
    private readonly closing: UsageClosing,
    private readonly fence: JobFence,
    private readonly clock: Clock,
  ) {}

  /** One tenant that cannot be closed keeps none of the others open; it is tried again in a minute. */
  @OnJob('usage.close')
  async run(_payload: JobPayloads['usage.close'], run: JobRun): Promise<void> {
    const settled = new Date(this.clock.now().getTime() - SETTLED_AFTER_MS);
    let closed = 0;
    for await (const page of this.archive.dueAcrossTenants(settled)) {
      // Each tenant's in turn: two of its months may want the same row.
      const left = byTenant(page).values();
      const lanes = Array.from({ length: AT_ONCE }, async () => {
        for (const periods of left)
          for (const period of periods) if (await this.close(period, run)) closed += 1;
      });
      await Promise.all(lanes);
    }
    if (closed > 0) this.logger.info('usage.periods_closed', { closed });
  }

  private async close(period: TenantPeriod, run: JobRun): Promise<boolean> {
    try {
      return await this.closing.close(period, () => this.fence.hold('usage.close', run));
    } catch (error) {
      if (error instanceof SlotLost) throw error;
      this.logger.error('usage.close_failed', error, {
        tenant_id: period.tenantId,
        period: period.periodStart.toISOString(),
      });
      return false;
    }
  }
}

function byTenant(periods: readonly TenantPeriod[]): Map<string, TenantPeriod[]> {
  const groups = new Map<string, TenantPeriod[]>();
  for (const period of periods) {
    const group = groups.get(period.tenantId);
    if (group) group.push(period);
    else groups.set(period.tenantId, [period]);
  }
  return groups;
}
