import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database';
import { SharedRepository } from '../../platform/database/shared-repository';
import { PlanSyncRun, PlanSyncRunEntity } from './plan-sync-run.entity';

const REQUEST_LOCK = 'plans:sync-request';
/** A day of hourly runs and their retries; older reports tell nothing any more. */
const MOST_KEPT = 200;

/** Runs of the sync. The table has no tenant: the catalog is the operator's. */
@Injectable()
export class PlanSyncRunsRepository extends SharedRepository<PlanSyncRunEntity> {
  constructor(database: Database) {
    super(PlanSyncRunEntity, database);
  }

  /** Makes simultaneous requests wait for each other until the running transaction ends. */
  async lockRequests(): Promise<void> {
    await this.sql('select pg_advisory_xact_lock(hashtextextended($1, 0))', REQUEST_LOCK);
  }

  /** The newest run that waits or runs. */
  async findUnfinished(): Promise<PlanSyncRun | null> {
    const newestFirst = { requestedAt: 'DESC', id: 'DESC' } as const;
    const [run] = await this.find([{ status: 'queued' }, { status: 'running' }], newestFirst, 1);
    return run ?? null;
  }

  async findNewest(): Promise<PlanSyncRun | null> {
    const [run] = await this.find({}, { requestedAt: 'DESC', id: 'DESC' }, 1);
    return run ?? null;
  }

  findRun(id: string): Promise<PlanSyncRun | null> {
    return this.findOne({ id });
  }

  async addRun(run: PlanSyncRun): Promise<void> {
    await this.add({ ...run });
  }

  async start(id: string, startedAt: Date): Promise<void> {
    await this.update({ id }, { status: 'running', startedAt });
  }

  async finish(
    id: string,
    outcome: Pick<PlanSyncRun, 'status' | 'report' | 'error' | 'finishedAt'>,
  ): Promise<void> {
    await this.update({ id }, outcome);
  }

  /** Forgets all but the newest runs. */
  async forgetOld(): Promise<void> {
    await this.sql(
      `delete from plan_sync_runs where id in
         (select id from plan_sync_runs order by requested_at desc, id desc offset $1)`,
      MOST_KEPT,
    );
  }
}
