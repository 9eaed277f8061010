import { Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { TenantId } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { OnJob } from '../../../platform/queue/on-job';
import { TimeTravel } from '../../../platform/sandbox-clock/time-travel';
import { SubscriptionSync } from '../subscriptions/subscription-sync';
import { BillingsRepository } from '../subscriptions/billings.repository';
import { ScheduledChangeView } from './changes.dto';
import { PlanChanger } from './plan-changer';
import { ScheduledChangeEntity } from './scheduled-change.entity';
import { ScheduledChangesRepository } from './scheduled-changes.repository';
import { SubscriptionEditor } from './subscription-editor';

const BATCH = 200;
const MOST_ATTEMPTS = 10;

/** What waits for its day: seen, taken back, and carried out by our job where Stripe does not. */
@Injectable()
export class ScheduledChanges {
  private readonly logger = new Logger('scheduled-changes');

  constructor(
    private readonly scheduled: ScheduledChangesRepository,
    private readonly changer: PlanChanger,
    private readonly editor: SubscriptionEditor,
    private readonly sync: SubscriptionSync,
    private readonly billings: BillingsRepository,
    private readonly tenantContext: TenantContext,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    timeTravel: TimeTravel,
  ) {
    timeTravel.stopAt(() => scheduled.nextDueAcrossTenants());
  }

  async list(): Promise<ScheduledChangeView[]> {
    return (await this.scheduled.pending()).map(toView);
  }

  /** @throws BillingError not_found, state_conflict for one that waits no more */
  async cancel(id: string): Promise<void> {
    const change = await this.scheduled.byId(id);
    if (!change) throw new BillingError('not_found');
    if (change.state !== 'pending')
      throw new BillingError('state_conflict', { extra: { reason: change.state } });
    if (change.kind === 'plan') await this.changer.cancelDowngrade();
    else if (!(await this.scheduled.settle({ id }, 'canceled'))) throw new BillingError('state_conflict');
  }

  /** Every minute: what is due and ours to carry out. */
  @OnJob('tenants.scheduled_changes')
  async run(): Promise<void> {
    for (const due of await this.scheduled.dueAcrossTenants(this.clock.now(), BATCH))
      await this.carryOut(due);
  }

  private carryOut({ tenantId, id }: { tenantId: TenantId; id: string }): Promise<void> {
    return this.tenantContext.run(tenantId, async () => {
      const change = await this.scheduled.byId(id);
      if (!change || change.state !== 'pending') return;
      try {
        await this.apply(change);
      } catch (error) {
        await this.failed(change, error);
      }
    });
  }

  /** A pause that somebody has ended, or a subscription that is over, leaves nothing to do. */
  private async apply(change: ScheduledChangeEntity): Promise<void> {
    const row = await this.billings.live();
    if (row?.stripeSubscriptionId) await this.sync.sync(row.stripeSubscriptionId);
    const now = await this.billings.live();
    if (now?.id !== change.billingId) {
      await this.scheduled.settle({ id: change.id }, 'canceled');
    } else if (change.kind === 'plan') {
      await this.changer.carryOut(change.planId ?? '', change.quantity ?? 1);
      // As a rule the sync has said so already.
      await this.scheduled.settle({ id: change.id }, 'applied');
    } else if (now.status === 'PAUSED') await this.editor.resume();
    else await this.scheduled.settle({ id: change.id }, 'canceled');
  }

  private async failed(change: ScheduledChangeEntity, error: unknown): Promise<void> {
    const reason = error instanceof BillingError ? error.code : 'internal';
    this.logger.warn('scheduled_change.failed', { change: change.id, reason, attempts: change.attempts + 1 });
    if (change.attempts + 1 < MOST_ATTEMPTS) return this.scheduled.noteFailure(change.id, reason);
    await this.scheduled.settle({ id: change.id }, 'failed', reason);
    if (change.kind === 'plan') await this.changer.giveUp();
    this.metrics.alarms.inc({ kind: 'scheduled_change_failed' });
  }
}

function toView(change: ScheduledChangeEntity): ScheduledChangeView {
  return {
    id: change.id,
    kind: change.kind,
    plan_id: change.planId,
    quantity: change.quantity,
    applies_at: change.appliesAt.toISOString(),
    state: change.state,
    created_at: change.createdAt.toISOString(),
  };
}
