import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { BillingId, PlanId, StripeSubscriptionId, TenantId } from '../../../contracts/ids';
import type { BillingStatus } from '../../../domain/subscription-status';

/**
 * A subscription of a tenant, mirrored from Stripe. One row per tenant is live; the others are its past.
 * Only `SubscriptionSync` (after a webhook) and `FreePlans` change it.
 */
@Entity('billings')
export class BillingEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('uuid')
  id: BillingId;

  @Column('boolean')
  isLive: boolean;

  @Column('uuid', { nullable: true })
  planId: PlanId | null;

  @Column('text')
  status: BillingStatus;

  @Column('text', { nullable: true })
  stripeSubscriptionId: StripeSubscriptionId | null;

  /** As Stripe spells it, known to us or not. */
  @Column('text', { nullable: true })
  stripeStatus: string | null;

  @Column('timestamptz', { nullable: true })
  stripeCreatedAt: Date | null;

  @Column('text', { nullable: true })
  billingMode: string | null;

  @Column('timestamptz', { nullable: true })
  currentPeriodStart: Date | null;

  @Column('timestamptz', { nullable: true })
  currentPeriodEnd: Date | null;

  @Column('timestamptz', { nullable: true })
  billingCycleAnchor: Date | null;

  @Column('timestamptz', { nullable: true })
  trialEnd: Date | null;

  @Column('boolean')
  cancelAtPeriodEnd: boolean;

  @Column('timestamptz', { nullable: true })
  cancelAt: Date | null;

  @Column('timestamptz', { nullable: true })
  canceledAt: Date | null;

  @Column('timestamptz', { nullable: true })
  endedAt: Date | null;

  @Column('text', { nullable: true })
  cancellationReason: string | null;

  /** Why the tenant wants to leave, in its own words; Stripe's reason stands above. */
  @Column('text', { nullable: true })
  cancelReason: string | null;

  @Column('text', { nullable: true })
  cancelFeedback: string | null;

  @Column('timestamptz', { nullable: true })
  pausedAt: Date | null;

  /** When the pause ends by itself; null = when somebody ends it. */
  @Column('timestamptz', { nullable: true })
  pauseResumesAt: Date | null;

  @Column('uuid', { nullable: true })
  pendingPlanId: PlanId | null;

  @Column('timestamptz', { nullable: true })
  pendingChangeAt: Date | null;

  @Column('text', { nullable: true })
  stripeScheduleId: string | null;

  @Column('int')
  quantity: number;

  @Column('text', { nullable: true })
  currency: string | null;

  /** When Stripe was last asked, business time. */
  @Column('timestamptz', { nullable: true })
  syncedAt: Date | null;

  /** Moves on with every answer of Stripe's that was taken, changed or not: what tells old news (ADR 4). */
  @Column('int')
  syncCount: number;

  @Column('int')
  version: number;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  updatedAt: Date;
}
