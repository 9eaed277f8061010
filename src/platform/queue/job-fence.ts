import { Injectable } from '@nestjs/common';
import { JobName } from '../../contracts/jobs';
import { JobSlotsRepository } from './job-slots.repository';
import { JobRun } from './on-job';

/** Another replica has taken the slot over: this run was too slow and must change nothing more. */
export class SlotLost extends Error {
  constructor(job: JobName) {
    super(`${job}: another replica has taken over`);
    this.name = 'SlotLost';
  }
}

/** Keeps a paused job that wakes up from writing what its successor has written already (F-57). */
@Injectable()
export class JobFence {
  constructor(private readonly slots: JobSlotsRepository) {}

  /**
   * The first statement of each transaction in which a scheduled job writes. Runs without a slot pass.
   * @throws SlotLost
   */
  async hold(job: JobName, { slot, fence }: JobRun): Promise<void> {
    if (slot === null || fence === null) return;
    if (!(await this.slots.hold({ job, slot, fence }))) throw new SlotLost(job);
  }
}
