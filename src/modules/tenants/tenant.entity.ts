import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { StripeCustomerId, TenantId } from '../../contracts/ids';
import type { PaymentStatus } from '../../domain/subscription-status';
import type { TenantStatus } from '../../domain/tenant-state';
import type { Tenant } from './tenant';

@Entity('tenants')
export class TenantEntity implements Tenant {
  @PrimaryColumn('uuid')
  id: TenantId;

  @Column('text')
  name: string;

  @Column('text')
  email: string;

  @Column('text')
  locale: string;

  @Column('text')
  status: TenantStatus;

  @Column('text', { nullable: true })
  statusReason: string | null;

  @Column('timestamptz', { nullable: true })
  statusUntil: Date | null;

  @Column('text')
  paymentStatus: PaymentStatus;

  @Column('timestamptz', { nullable: true })
  paymentFailedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  graceUntil: Date | null;

  @Column('timestamptz', { nullable: true })
  trialStartedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  trialEndsAt: Date | null;

  @Column('timestamptz', { nullable: true })
  trialConvertedAt: Date | null;

  /** First contact confirmed, or first checkout: from here on the tenant is ACTIVE (decisions 23). */
  @Column('timestamptz', { nullable: true })
  confirmedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  suspendedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  lockedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  deletionScheduledAt: Date | null;

  @Column('text', { nullable: true })
  stripeCustomerId: StripeCustomerId | null;

  @Column('jsonb')
  metadata: Record<string, string>;

  @Column('int')
  version: number;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  updatedAt: Date;
}
