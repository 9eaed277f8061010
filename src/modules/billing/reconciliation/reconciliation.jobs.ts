import { Injectable } from '@nestjs/common';
import { JobPayloads } from '../../../contracts/jobs';
import { OnJob } from '../../../platform/queue/on-job';
import { EventHealer } from './event-healer';
import { Reconciliations } from './reconciliations';
import { SubscriptionReconciler } from './subscription-reconciler';

/** Compares us with Stripe: its events every few minutes, its subscriptions every night, and when asked. */
@Injectable()
export class ReconciliationJobs {
  constructor(
    private readonly runs: Reconciliations,
    private readonly healer: EventHealer,
    private readonly subscriptions: SubscriptionReconciler,
  ) {}

  @OnJob('stripe-sync.events')
  async heal({ run_id }: JobPayloads['stripe-sync.events']): Promise<void> {
    await this.runs.carryOut('events', run_id ?? null, (trigger) => this.healer.heal(trigger));
  }

  @OnJob('stripe-sync.subscriptions')
  async reconcile({ run_id }: JobPayloads['stripe-sync.subscriptions']): Promise<void> {
    await this.runs.carryOut('subscriptions', run_id ?? null, async () => ({
      report: await this.subscriptions.reconcileAll(),
      walkedTo: null,
    }));
  }
}
