import { Injectable } from '@nestjs/common';
import { Database } from '../../../platform/database/database';
import { SharedRepository } from '../../../platform/database/shared-repository';
import { ReconciliationKind, StripeReconciliationEntity } from './stripe-reconciliation.entity';

const REQUEST_LOCK = 'stripe:reconciliation-request';
/** Nearly two days of runs every five minutes. */
const MOST_KEPT = 500;

/** Runs that compare us with Stripe. The table has no tenant: it is about the account. */
@Injectable()
export class StripeReconciliationsRepository extends SharedRepository<StripeReconciliationEntity> {
  constructor(database: Database) {
    super(StripeReconciliationEntity, database);
  }

  /** Makes simultaneous requests wait for each other until the running transaction ends. */
  async lockRequests(): Promise<void> {
    await this.sql('select pg_advisory_xact_lock(hashtextextended($1, 0))', REQUEST_LOCK);
  }

  async addRun(run: StripeReconciliationEntity): Promise<void> {
    await this.add({ ...run, report: null });
  }

  findNewest(kind: ReconciliationKind): Promise<StripeReconciliationEntity | null> {
    return this.findOne({ kind }, { requestedAt: 'DESC', id: 'DESC' });
  }

  /** The newest run that waits to be carried out. */
  findQueued(kind: ReconciliationKind): Promise<StripeReconciliationEntity | null> {
    return this.findOne({ kind, status: 'queued' }, { requestedAt: 'DESC', id: 'DESC' });
  }

  /** Up to when events were walked without a gap; null before the first run. */
  async walkedTo(): Promise<Date | null> {
    const [row] = await this.sql<{ walked_to: Date | null }>(
      `select max(walked_to) as walked_to from stripe_reconciliations
        where kind = 'events' and status = 'succeeded'`,
    );
    return row?.walked_to ?? null;
  }

  /** False when somebody else has begun it. */
  async begin(id: string, startedAt: Date): Promise<boolean> {
    return (await this.update({ id, status: 'queued' }, { status: 'running', startedAt })) === 1;
  }

  async finish(
    id: string,
    outcome: Pick<StripeReconciliationEntity, 'status' | 'walkedTo' | 'report' | 'error' | 'finishedAt'>,
  ): Promise<void> {
    // A jsonb column takes any object; TypeORM's partial type does not see that.
    await this.update({ id }, { ...outcome, report: outcome.report as object });
  }

  /** Forgets all but the newest runs; those too old to matter say nothing of how far events were walked. */
  async forgetOld(kind: ReconciliationKind): Promise<void> {
    await this.sql(
      `delete from stripe_reconciliations where id in
         (select id from stripe_reconciliations where kind = $1 order by requested_at desc, id desc offset $2)`,
      kind,
      MOST_KEPT,
    );
  }
}
