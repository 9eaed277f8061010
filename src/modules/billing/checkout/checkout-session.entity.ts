import { Column, Entity, PrimaryColumn } from 'typeorm';
import type {
  CheckoutSessionRowId,
  PlanId,
  StripeSessionId,
  StripeSubscriptionId,
  TenantId,
} from '../../../contracts/ids';
import type { CheckoutRequest } from '../../../stripe/billing-gateway';

/** One attempt of a tenant to buy; at most one is being made or open at a time. */
@Entity('checkout_sessions')
export class CheckoutSessionEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('uuid')
  id: CheckoutSessionRowId;

  @Column('uuid')
  planId: PlanId;

  @Column('text')
  state: 'creating' | 'open' | 'complete' | 'expired' | 'failed';

  /** Digest of what was asked for; an open session is handed out again only for the same. */
  @Column('text')
  fingerprint: string;

  /** What is sent to Stripe, unchanged on every attempt. */
  @Column('jsonb')
  request: CheckoutRequest;

  @Column('text', { nullable: true })
  userId: string | null;

  @Column('text', { nullable: true })
  stripeSessionId: StripeSessionId | null;

  @Column('text', { nullable: true })
  stripeSubscriptionId: StripeSubscriptionId | null;

  @Column('text', { nullable: true })
  url: string | null;

  @Column('timestamptz', { nullable: true })
  expiresAt: Date | null;

  @Column('timestamptz', { nullable: true })
  completedAt: Date | null;

  @Column('int')
  attempt: number;

  /** Real time until which one process may create it in Stripe. */
  @Column('timestamptz')
  lockedUntil: Date;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  updatedAt: Date;
}
