import { Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Clock } from '../../../platform/clock';
import { uuidV7 } from '../../../platform/crypto';
import { Database } from '../../../platform/database/database';
import { JobQueue } from '../../../platform/queue/queue';
import { ReconciliationKind, StripeReconciliationEntity } from './stripe-reconciliation.entity';
import { StripeReconciliationsRepository } from './stripe-reconciliations.repository';

/** A run that has not ended by then died with its process; another may be asked for. */
const TAKEN_FOR_DEAD_MS = 15 * 60_000;

const JOB_OF = { events: 'stripe-sync.events', subscriptions: 'stripe-sync.subscriptions' } as const;

type Found = Pick<StripeReconciliationEntity, 'report' | 'walkedTo'>;

/** Which runs against Stripe are wanted, running and done. Two at once do no harm: each takes in what it finds once. */
@Injectable()
export class Reconciliations {
  constructor(
    private readonly runs: StripeReconciliationsRepository,
    private readonly queue: JobQueue,
    private readonly database: Database,
    private readonly audit: AuditRecorder,
    private readonly clock: Clock,
  ) {}

  /** Asks for a run soon. While one waits or runs that was asked for, that one is answered. */
  async request(kind: ReconciliationKind): Promise<StripeReconciliationEntity> {
    const run = await this.database.acrossTenants(async () => {
      await this.runs.lockRequests();
      const newest = await this.runs.findNewest(kind);
      if (newest && newest.trigger === 'manual' && this.isUnfinished(newest)) return newest;
      const wanted = this.newRun(kind, 'manual');
      await this.runs.addRun(wanted);
      await this.audit.record({
        action: 'STRIPE_RECONCILIATION_STARTED',
        targetType: 'stripe_reconciliation',
        targetId: wanted.id,
        after: { kind },
      });
      return wanted;
    });
    // If Redis is away, the next scheduled run takes it.
    if (run.status === 'queued') await this.queue.add(JOB_OF[kind], { run_id: run.id }, run.id);
    return run;
  }

  /** @throws BillingError not_found, before the first run */
  async last(kind: ReconciliationKind): Promise<StripeReconciliationEntity> {
    const run = await this.runs.findNewest(kind);
    if (!run) throw new BillingError('not_found');
    return run;
  }

  /** Up to when events were walked without a gap; null before the first run. */
  walkedTo(): Promise<Date | null> {
    return this.runs.walkedTo();
  }

  /**
   * Carries out a run, unless somebody else has begun it.
   * @param runId of the run that was asked for; null for the scheduled one, which also takes one that waits
   * @throws what `work` throws, after the run is recorded as failed
   */
  async carryOut(
    kind: ReconciliationKind,
    runId: string | null,
    work: (trigger: StripeReconciliationEntity['trigger']) => Promise<Found>,
  ): Promise<void> {
    const run = await this.begin(kind, runId);
    if (!run) return;
    try {
      const found = await work(run.trigger);
      await this.finish(run, { ...found, status: 'succeeded', error: null });
    } catch (error) {
      const reason = error instanceof BillingError ? error.code : 'internal';
      await this.finish(run, { status: 'failed', error: reason, report: null, walkedTo: null });
      throw error;
    }
  }

  private begin(
    kind: ReconciliationKind,
    runId: string | null,
  ): Promise<{
    id: string;
    trigger: StripeReconciliationEntity['trigger'];
  } | null> {
    return this.database.inNewTransaction(async () => {
      await this.runs.lockRequests();
      const now = this.clock.now();
      if (runId) return (await this.runs.begin(runId, now)) ? { id: runId, trigger: 'manual' } : null;
      const queued = await this.runs.findQueued(kind);
      if (queued) return (await this.runs.begin(queued.id, now)) ? queued : null;
      const run = { ...this.newRun(kind, 'scheduled'), status: 'running' as const, startedAt: now };
      await this.runs.addRun(run);
      return run;
    });
  }

  private async finish(
    run: { id: string },
    outcome: Found & Pick<StripeReconciliationEntity, 'status' | 'error'>,
  ): Promise<void> {
    await this.database.inNewTransaction(async () => {
      await this.runs.finish(run.id, { ...outcome, finishedAt: this.clock.now() });
      await this.runs.forgetOld('events');
      await this.runs.forgetOld('subscriptions');
    });
  }

  private isUnfinished(run: StripeReconciliationEntity): boolean {
    const age = this.clock.now().getTime() - run.requestedAt.getTime();
    return (run.status === 'queued' || run.status === 'running') && age < TAKEN_FOR_DEAD_MS;
  }

  private newRun(
    kind: ReconciliationKind,
    trigger: StripeReconciliationEntity['trigger'],
  ): StripeReconciliationEntity {
    return {
      id: uuidV7(this.clock.realNow().getTime()),
      kind,
      status: 'queued',
      trigger,
      walkedTo: null,
      report: null,
      error: null,
      requestedAt: this.clock.now(),
      startedAt: null,
      finishedAt: null,
    };
  }
}
