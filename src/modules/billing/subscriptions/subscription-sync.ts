import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { setTimeout as pause } from 'node:timers/promises';
import { PlanId, StripeSubscriptionId } from '../../../contracts/ids';
import { chooseLive, isLive, LiveCandidate } from '../../../domain/subscription-status';
import { Clock } from '../../../platform/clock';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { BillingGateway } from '../../../stripe/billing-gateway';
import type { SubscriptionItemSnapshot, SubscriptionSnapshot } from '../../../stripe/snapshots';
import { Plan } from '../../plans/plan';
import { PlansService } from '../../plans/plans.service';
import { TenantsService } from '../../tenants/tenants.service';
import { BillingEntity } from './billing.entity';
import { ScheduledChangeEntity } from '../changes/scheduled-change.entity';
import { ScheduledChangesRepository } from '../changes/scheduled-changes.repository';
import { BillingFields, BillingsRepository, NOTHING_BOUGHT } from './billings.repository';
import { SubscriptionChanges } from './subscription-changes';
import { SubscriptionItemsRepository } from './subscription-items.repository';

const MOST_ATTEMPTS = 8;

/** Somebody wrote the row between our reading it and Stripe's answer: what we fetched may be old news. */
class NewsIsOld extends Error {}

/**
 * The one door for news of a subscription: reads what our row says, asks Stripe what is true, and writes it
 * only if no other answer was taken meanwhile (reliability C.1). Deliveries may be doubled, late or in
 * any order; who comes last with an older answer finds the count moved on and asks again.
 */
@Injectable()
export class SubscriptionSync {
  private readonly logger = new Logger('subscription-sync');

  constructor(
    private readonly gateway: BillingGateway,
    private readonly billings: BillingsRepository,
    private readonly items: SubscriptionItemsRepository,
    private readonly plans: PlansService,
    private readonly tenants: TenantsService,
    private readonly changes: SubscriptionChanges,
    private readonly scheduled: ScheduledChangesRepository,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Makes the mirror of one subscription of the tenant in context what Stripe holds now.
   * @returns false when it is not this tenant's, or Stripe has none of this id
   * @throws BillingError stripe_unavailable; UnexpectedStripeShape
   */
  async sync(id: StripeSubscriptionId): Promise<boolean> {
    const outcome = await this.syncOne(id);
    if (outcome === 'ended') await this.lookForAnother(id);
    return outcome !== 'foreign';
  }

  /**
   * Compares the mirror of a listed subscription of the tenant in context, and mends it when it says something else.
   * @returns how it was; `current` also when the news arrived meanwhile
   * @throws BillingError stripe_unavailable; UnexpectedStripeShape
   */
  async reconcile(listed: SubscriptionSnapshot): Promise<'current' | 'missing' | 'stale'> {
    const before = await this.billings.byStripeId(listed.id);
    if (before && (await this.saysTheSame(before, listed))) return 'current';
    await this.sync(listed.id);
    const after = await this.billings.byStripeId(listed.id);
    if (!before) return after ? 'missing' : 'current';
    return after?.version === before.version ? 'current' : 'stale';
  }

  private async saysTheSame(row: BillingEntity, listed: SubscriptionSnapshot): Promise<boolean> {
    const plans = await this.plans.findManyByStripePrice(listed.items.map((item) => item.priceId));
    const waiting = row.pendingPlanId ? await this.scheduled.pendingOf('plan') : null;
    return (
      isSame(row, this.fieldsOf(listed, plans, row, waiting)) &&
      (await this.items.areSame(row.id, listed.items))
    );
  }

  private async syncOne(id: StripeSubscriptionId): Promise<'foreign' | 'ended' | 'done'> {
    for (let attempt = 1; ; attempt++) {
      const known = await this.billings.byStripeId(id);
      const snapshot = await this.gateway.subscription(id);
      if (!snapshot || !(await this.isOurs(snapshot))) return 'foreign';
      try {
        return await this.write(snapshot, known?.syncCount ?? 0);
      } catch (error) {
        if (!(error instanceof NewsIsOld) || attempt === MOST_ATTEMPTS) throw error;
        await pause(10 + Math.random() * 40 * attempt);
      }
    }
  }

  /** The customer decides whose it is; metadata is a hint that anyone with the dashboard can change (B-029). */
  private async isOurs(snapshot: SubscriptionSnapshot): Promise<boolean> {
    const tenant = await this.tenants.current();
    const hint = snapshot.metadata.tenantId;
    if (hint && hint !== tenant.id) {
      this.metrics.alarms.inc({ kind: 'subscription_metadata_mismatch' });
      this.logger.warn('subscription.metadata_mismatch', { subscription: snapshot.id });
    }
    return tenant.stripeCustomerId === snapshot.customerId;
  }

  @Transactional()
  protected async write(snapshot: SubscriptionSnapshot, knownCount: number): Promise<'ended' | 'done'> {
    // One writer per tenant at a time: which subscription is the live one is decided over all of them.
    await this.tenants.lockCurrent();
    const row = await this.billings.byStripeId(snapshot.id);
    if ((row?.syncCount ?? 0) !== knownCount) throw new NewsIsOld();
    const live = await this.billings.live();
    const plans = await this.plans.findManyByStripePrice(snapshot.items.map((item) => item.priceId));
    const waiting = row?.pendingPlanId ? await this.scheduled.pendingOf('plan') : null;
    const fields = this.fieldsOf(snapshot, plans, row, waiting);
    const staysAsItIs = row !== null && (row.isLive || !this.becomesLive(fields, row, live));
    if (staysAsItIs && isSame(row, fields) && (await this.items.areSame(row.id, snapshot.items))) {
      // Counted even so: somebody who fetched between two changes must find his news old.
      await this.billings.touch(row);
      return 'done';
    }
    const before = await this.changes.read(live);
    const written = await this.place(fields, row, live);
    await this.items.mirror(written.id, snapshot.items, (item) => planIdOf(item, plans));

    const hasEnded = row !== null && row.isLive && isLive(row.status) && !isLive(written.status);
    if (waiting && fields.pendingPlanId === null) await this.settle(waiting, fields);
    if (hasEnded) await this.goDown(written, waiting);
    const after = await this.billings.live();
    await this.changes.announce(before, after);
    return hasEnded ? 'ended' : 'done';
  }

  /** Puts the news where it belongs: its own row, the row of nothing, or a new one. */
  private async place(
    fields: BillingFields,
    row: BillingEntity | null,
    live: BillingEntity | null,
  ): Promise<BillingEntity> {
    const becomesLive = this.becomesLive(fields, row, live);
    if (row) {
      if (becomesLive && !row.isLive && live) await this.changed(live, { isLive: false });
      return this.changed(row, { ...fields, isLive: becomesLive });
    }
    if (becomesLive && live && live.stripeSubscriptionId === null) return this.changed(live, fields);
    if (becomesLive && live) await this.changed(live, { isLive: false });
    return this.billings.addRow(fields, becomesLive);
  }

  private becomesLive(fields: BillingFields, row: BillingEntity | null, live: BillingEntity | null): boolean {
    if (live === null || live.id === row?.id) return true;
    const incoming = candidate({ ...fields, createdAt: this.clock.now() });
    return chooseLive(candidate(live), incoming) === 'incoming';
  }

  private async changed(
    row: BillingEntity,
    changes: Parameters<BillingsRepository['change']>[1],
  ): Promise<BillingEntity> {
    const written = await this.billings.change(row, changes);
    if (!written) throw new NewsIsOld();
    return written;
  }

  private async settle(waiting: ScheduledChangeEntity, fields: BillingFields): Promise<void> {
    const isDown = waiting.carriedBy === 'cancellation' && !isLive(fields.status);
    const isApplied = isDown || (fields.planId === waiting.planId && isLive(fields.status));
    await this.scheduled.settle({ id: waiting.id }, isApplied ? 'applied' : 'canceled');
  }

  /** What ended to make room for the free plan that was chosen is followed by it, in the same transaction. */
  private async goDown(ended: BillingEntity, waiting: ScheduledChangeEntity | null): Promise<void> {
    await this.scheduled.cancelAll();
    if (waiting?.carriedBy !== 'cancellation' || !ended.isLive) return;
    await this.changed(ended, { isLive: false });
    const { planId, currency } = { planId: waiting.planId, currency: ended.currency };
    await this.billings.addRow({ ...NOTHING_BOUGHT, status: 'FREE', planId, currency }, true);
  }

  private fieldsOf(
    snapshot: SubscriptionSnapshot,
    plans: Plan[],
    row: BillingEntity | null,
    waiting: ScheduledChangeEntity | null,
  ): BillingFields {
    const main = mainItem(snapshot, plans);
    const planId = main ? planIdOf(main, plans) : null;
    const stillWaits = waiting !== null && waits(waiting, snapshot, planId);
    if (!main) this.alarm('subscription_without_plan', snapshot);
    if (snapshot.status === null) this.alarm('unknown_subscription_status', snapshot);
    return {
      planId,
      // A status we do not know leaves access as it was until a person has looked.
      status: snapshot.status ?? row?.status ?? 'INCOMPLETE',
      stripeSubscriptionId: snapshot.id,
      stripeStatus: snapshot.stripeStatus,
      stripeCreatedAt: snapshot.createdAt,
      billingMode: snapshot.billingMode,
      currentPeriodStart: snapshot.periodStart,
      currentPeriodEnd: snapshot.periodEnd,
      billingCycleAnchor: snapshot.billingCycleAnchor,
      trialEnd: snapshot.trialEnd,
      cancelAtPeriodEnd: snapshot.cancelAtPeriodEnd,
      cancelAt: snapshot.cancelAtPeriodEnd ? null : snapshot.cancelAt,
      canceledAt: snapshot.canceledAt,
      endedAt: snapshot.endedAt,
      cancellationReason:
        snapshot.cancellationReason ?? (isEnding(snapshot) ? (row?.cancellationReason ?? null) : null),
      cancelReason: row?.cancelReason ?? null,
      cancelFeedback: row?.cancelFeedback ?? null,
      pauseResumesAt: snapshot.pauseMode ? (snapshot.pauseResumesAt ?? row?.pauseResumesAt ?? null) : null,
      pausedAt: snapshot.pauseMode ? (row?.pausedAt ?? this.clock.now()) : null,
      pendingPlanId: stillWaits ? (row?.pendingPlanId ?? null) : null,
      pendingChangeAt: stillWaits ? (row?.pendingChangeAt ?? null) : null,
      stripeScheduleId: snapshot.scheduleId,
      quantity: main?.quantity ?? 1,
      currency: snapshot.currency,
      syncedAt: this.clock.now(),
      syncCount: (row?.syncCount ?? 0) + 1,
    };
  }

  /** When the live subscription ends, one that lost to it before may be the tenant's now. */
  private async lookForAnother(ended: StripeSubscriptionId): Promise<void> {
    const tenant = await this.tenants.current();
    if (!tenant.stripeCustomerId) return;
    const others = await this.gateway.subscriptionsOf(tenant.stripeCustomerId);
    for (const id of others) if (id !== ended) await this.syncOne(id);
  }

  private alarm(kind: string, snapshot: SubscriptionSnapshot): void {
    this.metrics.alarms.inc({ kind });
    this.logger.warn(`subscription.${kind}`, { subscription: snapshot.id, status: snapshot.stripeStatus });
  }
}

/** The line that names the plan: the one checkout was opened for, else the first with a plan, oldest id first. */
function mainItem(snapshot: SubscriptionSnapshot, plans: Plan[]): SubscriptionItemSnapshot | null {
  const planned = snapshot.items.filter((item) => planIdOf(item, plans) !== null);
  const hinted = planned.find((item) => planIdOf(item, plans) === snapshot.metadata.planId);
  return hinted ?? planned[0] ?? null;
}

function isEnding({ cancelAtPeriodEnd, cancelAt, endedAt }: SubscriptionSnapshot): boolean {
  return cancelAtPeriodEnd || cancelAt !== null || endedAt !== null;
}

/** Whether a change goes on waiting, by what Stripe holds: its schedule, or the end that makes room for it. */
function waits(
  waiting: ScheduledChangeEntity,
  snapshot: SubscriptionSnapshot,
  planId: PlanId | null,
): boolean {
  if (snapshot.endedAt !== null || planId === waiting.planId) return false;
  if (waiting.carriedBy === 'schedule') return snapshot.scheduleId !== null;
  if (waiting.carriedBy === 'cancellation') return snapshot.cancelAtPeriodEnd || snapshot.cancelAt !== null;
  return true;
}

function planIdOf(item: SubscriptionItemSnapshot, plans: Plan[]): PlanId | null {
  const isAt = (plan: Plan): boolean =>
    plan.stripePriceId === item.priceId || plan.formerStripePriceIds.includes(item.priceId);
  return plans.find(isAt)?.id ?? null;
}

function candidate(
  row: Pick<BillingEntity, 'status' | 'stripeSubscriptionId' | 'stripeCreatedAt' | 'createdAt'>,
): LiveCandidate {
  return {
    status: row.status,
    stripeSubscriptionId: row.stripeSubscriptionId,
    createdAt: row.stripeCreatedAt ?? row.createdAt,
  };
}

/** Whether the news says what the row says already, apart from when it was asked. */
function isSame(row: BillingEntity, fields: BillingFields): boolean {
  return (Object.keys(fields) as (keyof BillingFields)[])
    .filter((key) => key !== 'syncedAt' && key !== 'syncCount')
    .every((key) => JSON.stringify(row[key]) === JSON.stringify(fields[key]));
}
