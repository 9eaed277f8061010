import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { BillingId, PlanId, StripePriceId, StripeProductId, TenantId } from '../../../contracts/ids';

/** One priced line of a subscription, as Stripe holds it. */
@Entity('subscription_items')
export class SubscriptionItemEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid')
  billingId: BillingId;

  @Column('text')
  stripeSubscriptionItemId: string;

  @Column('uuid', { nullable: true })
  planId: PlanId | null;

  @Column('text')
  productId: StripeProductId;

  @Column('text')
  priceId: StripePriceId;

  /** Null for metered prices. */
  @Column('int', { nullable: true })
  quantity: number | null;

  @Column('boolean')
  isMetered: boolean;

  @Column('text', { nullable: true })
  meterId: string | null;

  @Column('timestamptz', { nullable: true })
  currentPeriodStart: Date | null;

  @Column('timestamptz', { nullable: true })
  currentPeriodEnd: Date | null;

  @Column('timestamptz')
  createdAt: Date;
}
