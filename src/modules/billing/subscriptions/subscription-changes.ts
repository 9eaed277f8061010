import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { describeChange, isLive, MirroredSubscription } from '../../../domain/subscription-status';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { Outbox } from '../../../platform/outbox/outbox';
import { EntitlementsService } from '../../entitlements/entitlements.service';
import { Plan } from '../../plans/plan';
import { PlansService } from '../../plans/plans.service';
import { TenantsService } from '../../tenants/tenants.service';
import { BillingEntity } from './billing.entity';
import { BillingsRepository } from './billings.repository';
import { SubscriptionItemEntity } from './subscription-item.entity';
import { SubscriptionItemsRepository } from './subscription-items.repository';
import { SubscriptionSnapshotView } from './subscription.dto';
import { pauseModeOf, SubscriptionFacts, subscriptionSnapshot } from './subscription-view';

/**
 * What follows in the same transaction when the tenant's subscription has changed: entitlements, the
 * tenant's own state, events and the audit row, all found by comparing before and after.
 */
@Injectable()
export class SubscriptionChanges {
  private readonly logger = new Logger('subscriptions');

  constructor(
    private readonly billings: BillingsRepository,
    private readonly items: SubscriptionItemsRepository,
    private readonly plans: PlansService,
    private readonly tenants: TenantsService,
    private readonly entitlements: EntitlementsService,
    private readonly outbox: Outbox,
    private readonly audit: AuditRecorder,
    private readonly metrics: Metrics,
  ) {}

  /** The live subscription with its plan and items, as far as changes can be seen; null when there is none. */
  async read(row: BillingEntity | null): Promise<SubscriptionFacts | null> {
    if (!row) return null;
    const plan = row.planId ? await this.plans.find(row.planId) : null;
    return { row, plan, items: row.stripeSubscriptionId ? await this.items.of(row.id) : [] };
  }

  /** Call it with the rows locked, after they were written. Nothing happens when nothing changed. */
  async announce(before: SubscriptionFacts | null, row: BillingEntity | null): Promise<void> {
    const after = await this.read(row);
    if (!after) return;
    const types = describeChange(before ? mirrored(before) : null, mirrored(after));
    await this.refreshEntitlements(after);
    if (types.length === 0) return;
    if (isLive(after.row.status)) await this.welcome(after);
    const data = subscriptionSnapshot(after);
    const previous = before ? changedMembers(subscriptionSnapshot(before), data) : null;
    for (const type of types) {
      await this.outbox.record({
        type,
        aggregateType: 'subscription',
        aggregateId: after.row.id,
        data: { ...data },
        previous,
      });
      this.metrics.subscriptionChanges.inc({ type });
    }
    await this.audit.record({
      action: 'SUBSCRIPTION_UPDATED',
      targetType: 'subscription',
      targetId: after.row.id,
      before: before ? { ...subscriptionSnapshot(before) } : null,
      after: { ...data },
    });
  }

  /** Finds out anew what the tenant in context may use, from what it has. */
  @Transactional()
  async refresh(): Promise<void> {
    const tenant = await this.tenants.lockCurrent();
    const facts = await this.read(await this.billings.live());
    if (facts) await this.refreshEntitlements(facts);
    else await this.entitlements.refresh({ billing: null, plan: null, addOns: [] });
    this.logger.debug('entitlements.refreshed', { tenant: tenant.id });
  }

  /** A first purchase makes the tenant active; a paid one ends its trial. */
  private async welcome({ row }: SubscriptionFacts): Promise<void> {
    await this.tenants.activate();
    if (row.stripeSubscriptionId) await this.tenants.convertTrial(row.stripeCreatedAt ?? row.createdAt);
  }

  private async refreshEntitlements({ row, plan, items }: SubscriptionFacts): Promise<void> {
    await this.entitlements.refresh({
      billing: {
        status: row.status,
        pauseMode: pauseModeOf(row),
        anchor: row.billingCycleAnchor,
      },
      plan,
      addOns: await this.addOns(row, items),
    });
  }

  private async addOns(
    row: BillingEntity,
    items: SubscriptionItemEntity[],
  ): Promise<{ plan: Plan; quantity: number }[]> {
    const addOns: { plan: Plan; quantity: number }[] = [];
    for (const item of items) {
      if (!item.planId || item.planId === row.planId) continue;
      const plan = await this.plans.find(item.planId);
      if (plan) addOns.push({ plan, quantity: item.quantity ?? 1 });
    }
    return addOns;
  }
}

function mirrored({ row, plan, items }: SubscriptionFacts): MirroredSubscription {
  return { ...row, plan, items };
}

function changedMembers(
  before: SubscriptionSnapshotView,
  after: SubscriptionSnapshotView,
): Record<string, unknown> {
  const members = Object.entries(before) as [keyof SubscriptionSnapshotView, unknown][];
  return Object.fromEntries(
    members.filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(after[key])),
  );
}
