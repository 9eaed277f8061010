import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { BillingError } from '../../../contracts/errors';
import { isUuid, TenantId } from '../../../contracts/ids';
import { isLive } from '../../../domain/subscription-status';
import { CurrentEntitlements } from '../../../domain/entitlements';
import { trialState } from '../../../domain/trial';
import { Clock } from '../../../platform/clock';
import { EntitlementsService } from '../../entitlements/entitlements.service';
import { PlansService } from '../../plans/plans.service';
import { Tenant } from '../../tenants/tenant';
import { TenantsService } from '../../tenants/tenants.service';
import { UsageService } from '../../usage/reading/usage.service';
import { BillingEntity } from './billing.entity';
import { BillingsRepository } from './billings.repository';
import { StripeStatusReader } from './stripe-status-reader';
import { SubscriptionChanges } from './subscription-changes';
import { SubscriptionSnapshotView, SubscriptionView } from './subscription.dto';
import { iso, planSummary, SubscriptionFacts, subscriptionSnapshot } from './subscription-view';

/** The tenant's subscription: the single source of truth for everyone who asks. */
@Injectable()
export class SubscriptionsService {
  constructor(
    private readonly billings: BillingsRepository,
    private readonly changes: SubscriptionChanges,
    private readonly tenants: TenantsService,
    private readonly plans: PlansService,
    private readonly entitlements: EntitlementsService,
    private readonly usage: UsageService,
    private readonly stripeStatus: StripeStatusReader,
    private readonly clock: Clock,
  ) {}

  /** Everything about the tenant's subscription. Never fails because Stripe is down. */
  async view(): Promise<SubscriptionView> {
    const { row, view } = await this.ownView();
    return { ...view, stripe: await this.stripeStatus.read(row) };
  }

  /** What we know ourselves, read at one moment. */
  @Transactional()
  protected async ownView(): Promise<{ row: BillingEntity | null; view: Omit<SubscriptionView, 'stripe'> }> {
    const tenant = await this.tenants.current();
    const facts = await this.changes.read(await this.billings.live());
    const entitlements = await this.entitlements.current();
    const plan = facts?.plan ?? (entitlements.plan_id ? await this.plans.find(entitlements.plan_id) : null);
    const view = {
      ...(facts ? subscriptionSnapshot(facts) : nothingBought(tenant.id)),
      plan: plan ? planSummary(plan) : null,
      entitlements: entitlementsView(entitlements),
      trial: trialView(tenant, this.clock.now()),
      payment_status: tenant.paymentStatus,
      grace_until: iso(tenant.graceUntil),
      usage: await this.usage.summary(),
      next_invoice: facts ? nextInvoice(facts) : null,
    };
    return { row: facts?.row ?? null, view };
  }

  /** @throws BillingError subscription_exists while a paid subscription runs */
  async refuseSecond(): Promise<void> {
    const live = await this.billings.live();
    if (!live || live.status === 'FREE' || !isLive(live.status)) return;
    throw new BillingError('subscription_exists', {
      extra: {
        upgrade_url: '/v1/billings/subscription/upgrade',
        downgrade_url: '/v1/billings/subscription/downgrade',
      },
    });
  }

  /** Whether the tenant never had a subscription in Stripe; codes for first purchases ask. */
  async neverPaid(): Promise<boolean> {
    return (await this.countFromStripe()) === 0;
  }

  /** How many subscriptions in Stripe the tenant has had, ended ones too. */
  async countFromStripe(): Promise<number> {
    return (await this.billings.fromStripe()).length;
  }

  /** Whose live subscription this is, by our own id of it; null for none. */
  async tenantOfLiveAcrossTenants(id: string): Promise<TenantId | null> {
    return isUuid(id) ? this.billings.tenantOfLiveAcrossTenants(id) : null;
  }

  live(): Promise<BillingEntity | null> {
    return this.billings.live();
  }
}

function nothingBought(tenantId: string): SubscriptionSnapshotView {
  return {
    tenant_id: tenantId,
    id: null,
    status: 'NONE',
    plan: null,
    quantity: 0,
    currency: null,
    current_period_start: null,
    current_period_end: null,
    trial_end: null,
    cancel_at_period_end: false,
    cancel_at: null,
    canceled_at: null,
    ended_at: null,
    cancellation_reason: null,
    cancellation_feedback: null,
    paused_at: null,
    pause_resumes_at: null,
    pending_change: null,
    stripe_subscription_id: null,
    billing_mode: null,
    items: [],
  };
}

/** What the flat part of the next invoice should be, before discounts, usage and tax; null when none comes. */
function nextInvoice({ row, plan, items }: SubscriptionFacts): SubscriptionView['next_invoice'] {
  const isRunning = row.status === 'ACTIVE' || row.status === 'TRIALING' || row.status === 'PAST_DUE';
  const isEnding = row.cancelAtPeriodEnd || row.cancelAt !== null;
  if (!isRunning || isEnding || !plan || !row.currentPeriodEnd) return null;
  return {
    amount: plan.amount * row.quantity,
    currency: plan.currency,
    due_at: row.currentPeriodEnd.toISOString(),
    includes_metered: items.some((item) => item.isMetered),
    estimate: true,
  };
}

function entitlementsView(entitlements: CurrentEntitlements): SubscriptionView['entitlements'] {
  const { source, plan_id, limits, features, period } = entitlements;
  return {
    source,
    plan_id,
    limits,
    features: [...features],
    period: { start: period.start.toISOString(), end: period.end.toISOString() },
  };
}

function trialView(tenant: Tenant, now: Date): SubscriptionView['trial'] {
  const { active, started_at, ends_at, days_left } = trialState(
    { startedAt: tenant.trialStartedAt, endsAt: tenant.trialEndsAt, convertedAt: tenant.trialConvertedAt },
    now,
  );
  return { active, started_at: iso(started_at), ends_at: iso(ends_at), days_left };
}
