import { Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import { AuditRecorder } from '../../platform/audit/audit-recorder';
import { Clock } from '../../platform/clock';
import { uuidV7 } from '../../platform/crypto';
import { Database } from '../../platform/database/database';
import { JobQueue } from '../../platform/queue/queue';
import { PlanLocksRepository } from './plan-locks.repository';
import { PlanSyncReport } from './plan-sync-report';
import { PlanSyncRun } from './plan-sync-run.entity';
import { PlanSyncRunsRepository } from './plan-sync-runs.repository';

/** Whoever holds it runs the sync; it ends with its holder, so a crash leaves nothing locked. */
const SYNC_LOCK = 'plans:sync';

/** A worker takes a run up at once, unless it never heard of it. */
const BEGUN_WITHIN_MS = 5000;

/** Which runs of the Stripe sync are wanted, running and done: one at a time, over all processes. */
@Injectable()
export class PlanSyncRuns {
  constructor(
    private readonly runs: PlanSyncRunsRepository,
    private readonly locks: PlanLocksRepository,
    private readonly queue: JobQueue,
    private readonly database: Database,
    private readonly audit: AuditRecorder,
    private readonly clock: Clock,
  ) {}

  /** Asks for a run soon. While one waits or runs, that one is answered. */
  async request(): Promise<PlanSyncRun> {
    const isRunning = await this.isRunning();
    const run = await this.database.acrossTenants(async () => {
      await this.runs.lockRequests();
      const unfinished = await this.runs.findUnfinished();
      if (unfinished?.status === 'queued' || (unfinished && isRunning)) return unfinished;
      if (unfinished) await this.giveUp(unfinished);
      const wanted = this.newRun('manual');
      await this.runs.addRun(wanted);
      await this.audit.record({
        action: 'PLAN_SYNC_STARTED',
        targetType: 'plan_sync_run',
        targetId: wanted.id,
      });
      return wanted;
    });
    // Again for one that waits: its pointer may have been lost. If Redis is away, the sweep takes it up.
    if (run.status === 'queued') await this.queue.add('stripe-sync.plans', { run_id: run.id }, run.id);
    return run;
  }

  /** A run that nobody has begun in time, or that died with its process: its lock is free then. */
  async overdue(): Promise<string | null> {
    const run = await this.runs.findUnfinished();
    const latest = this.clock.now().getTime() - BEGUN_WITHIN_MS;
    return run && run.requestedAt.getTime() < latest ? run.id : null;
  }

  /** @throws BillingError not_found, before the first run */
  async last(): Promise<PlanSyncRun> {
    const run = await this.runs.findNewest();
    if (!run) throw new BillingError('not_found');
    return run;
  }

  /**
   * Carries out a run with `sync`, unless one runs already or this one is done.
   * @param runId of the run that was asked for; null for the scheduled one, which also takes one that waits
   * @throws what `sync` throws, after the run is recorded as failed
   */
  async carryOut(
    runId: string | null,
    sync: (trigger: PlanSyncRun['trigger']) => Promise<PlanSyncReport>,
  ): Promise<void> {
    await this.locks.tryHold(SYNC_LOCK, async () => {
      const run = await this.claim(runId);
      if (!run) return;
      try {
        const report = await sync(run.trigger);
        await this.finish(run, { status: 'succeeded', report, error: null });
      } catch (error) {
        await this.finish(run, { status: 'failed', report: null, error: reasonOf(error) });
        throw error;
      }
    });
  }

  /** Under the sync's lock, so a run that is still `running` belongs to a process that died: it goes on here. */
  private claim(runId: string | null): Promise<PlanSyncRun | null> {
    return this.database.inNewTransaction(async () => {
      await this.runs.lockRequests();
      const asked = runId ? await this.runs.findRun(runId) : await this.runs.findUnfinished();
      if (runId && asked?.status !== 'queued' && asked?.status !== 'running') return null;
      const run = asked ?? this.newRun('scheduled');
      if (!asked) await this.runs.addRun(run);
      await this.runs.start(run.id, this.clock.now());
      return run;
    });
  }

  private async finish(
    run: PlanSyncRun,
    outcome: Pick<PlanSyncRun, 'status' | 'report' | 'error'>,
  ): Promise<void> {
    await this.database.acrossTenants(async () => {
      await this.runs.finish(run.id, { ...outcome, finishedAt: this.clock.now() });
      await this.runs.forgetOld();
      const { report } = outcome;
      await this.audit.record({
        action: 'PLAN_SYNCED',
        targetType: 'plan_sync_run',
        targetId: run.id,
        after: {
          status: outcome.status,
          trigger: run.trigger,
          error: outcome.error,
          created: report?.created ?? 0,
          updated: report?.updated ?? 0,
          deactivated: report?.deactivated ?? 0,
        },
      });
    });
  }

  private async giveUp(run: PlanSyncRun): Promise<void> {
    await this.runs.finish(run.id, {
      status: 'failed',
      report: null,
      error: 'interrupted',
      finishedAt: this.clock.now(),
    });
  }

  private async isRunning(): Promise<boolean> {
    return (await this.locks.tryHold(SYNC_LOCK, async () => undefined)) === null;
  }

  private newRun(trigger: PlanSyncRun['trigger']): PlanSyncRun {
    return {
      id: uuidV7(this.clock.realNow().getTime()),
      status: 'queued',
      trigger,
      report: null,
      error: null,
      requestedAt: this.clock.now(),
      startedAt: null,
      finishedAt: null,
    };
  }
}

/** A code of the catalogue; never the text of a foreign error. */
function reasonOf(error: unknown): string {
  return error instanceof BillingError ? error.code : 'internal';
}
