import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { OperationId, TenantId } from '../../contracts/ids';

/** One thing we want from Stripe, written down before it is asked for, so that it is asked for once. */
@Entity('stripe_operations')
export class StripeOperationEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  /** What it is about, for instance `customer`; one row per tenant and intent. */
  @PrimaryColumn('text')
  intent: string;

  /** Stripe's idempotency key is derived from it. */
  @Column('uuid')
  id: OperationId;

  @Column('text')
  kind: string;

  /** The exact request; a retry sends the same one (F-27). */
  @Column('jsonb')
  request: Record<string, unknown>;

  @Column('text')
  state: 'pending' | 'succeeded' | 'refused' | 'unknown';

  @Column('text', { nullable: true })
  stripeObjectId: string | null;

  @Column('text', { nullable: true })
  errorCode: string | null;

  @Column('int')
  attempts: number;

  /** Real time until which one process may carry it out. */
  @Column('timestamptz')
  lockedUntil: Date;

  /** Real time of the first wish; how long its outcome has been open is measured from here. */
  @Column('timestamptz')
  startedAt: Date;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  updatedAt: Date;
}
