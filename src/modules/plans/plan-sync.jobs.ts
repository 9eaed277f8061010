import { Injectable } from '@nestjs/common';
import { JobPayloads } from '../../contracts/jobs';
import { OnJob } from '../../platform/queue/on-job';
import { PlanSync } from './plan-sync';
import { PlanSyncRuns } from './plan-sync-runs';

/** Pulls Stripe's products and prices each hour, and when an operator asks. */
@Injectable()
export class PlanSyncJobs {
  constructor(
    private readonly runs: PlanSyncRuns,
    private readonly sync: PlanSync,
  ) {}

  @OnJob('stripe-sync.plans')
  async pull(payload: JobPayloads['stripe-sync.plans']): Promise<void> {
    await this.runs.carryOut(payload.run_id ?? null, (trigger) => this.sync.run(trigger));
  }

  /** Every ten seconds: Redis may have lost the pointer to a run that an operator was promised. */
  @OnJob('stripe-sync.plans_asked')
  async takeUp(): Promise<void> {
    const id = await this.runs.overdue();
    if (id) await this.runs.carryOut(id, (trigger) => this.sync.run(trigger));
  }
}
