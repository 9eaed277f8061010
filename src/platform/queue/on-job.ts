import { SetMetadata } from '@nestjs/common';
import { JobName } from '../../contracts/jobs';

export const ON_JOB = Symbol('ON_JOB');

/** Handed to a job's handler: lets a slot job prove, inside its writing transaction, that it still owns its slot. */
export interface JobRun {
  /** Start of the slot in business time; null for jobs that are not scheduled. */
  slot: Date | null;
  /** Fencing token: raised by each takeover, so that a paused holder that wakes changes nothing (F-57). */
  fence: number | null;
  /** The newest slot that was finished before this one; null for the first, and for jobs that are not scheduled. */
  previous: Date | null;
}

/** Marks the one method that handles a job of contracts/jobs.ts; completeness is checked at start. */
export const OnJob = (name: JobName): MethodDecorator => SetMetadata(ON_JOB, name);
