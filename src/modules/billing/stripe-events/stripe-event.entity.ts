import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { StripeEventId, TenantId } from '../../../contracts/ids';

/** pending waits for its worker; the others are final (I6). */
export type StripeEventStatus = 'pending' | 'processed' | 'ignored' | 'dead';

/** One event of Stripe's, stored once, before it was answered 200. */
@Entity('stripe_events')
export class StripeEventEntity {
  @PrimaryColumn('text')
  eventId: StripeEventId;

  @Column('text')
  type: string;

  @Column('text', { nullable: true })
  apiVersion: string | null;

  @Column('boolean', { nullable: true })
  livemode: boolean | null;

  @Column('text', { nullable: true })
  objectId: string | null;

  @Column('text', { nullable: true })
  objectType: string | null;

  @Column('text', { nullable: true })
  customerId: string | null;

  @Column('uuid', { nullable: true })
  tenantId: TenantId | null;

  /** Delivered by Stripe, or found in its list of events because no delivery came. */
  @Column('text')
  source: 'delivery' | 'healed';

  /** The exact bytes that were signed; of a healed event, what Stripe's list says. */
  @Column('bytea')
  payload: Buffer;

  @Column('bytea')
  payloadSha256: Buffer;

  /** Stripe's time of the event. */
  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  receivedAt: Date;

  @Column('text')
  status: StripeEventStatus;

  @Column('int')
  retryCount: number;

  /** Real time. */
  @Column('timestamptz')
  nextRetryAt: Date;

  /** Real time until which one worker has it. */
  @Column('timestamptz', { nullable: true })
  lockedUntil: Date | null;

  @Column('text', { nullable: true })
  error: string | null;

  @Column('timestamptz', { nullable: true })
  processedAt: Date | null;
}
