import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TenantId } from '../../../contracts/ids';

export const RESERVATION_STATUSES = ['held', 'committed', 'released', 'expired'] as const;
export type ReservationStatus = (typeof RESERVATION_STATUSES)[number];

/** Capacity of a counter that is kept for work under way. */
@Entity('usage_reservations')
export class UsageReservationEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  metricName: string;

  /** Of the counter that it holds, to the end: a commit counts there, also after the month is over. */
  @Column('timestamptz')
  periodStart: Date;

  /** An exact decimal, as text. */
  @Column('numeric')
  quantity: string;

  @Column('text', { nullable: true })
  subject: string | null;

  /** As it was settled; a held one whose time is over counts as expired, whether a job has run or not. */
  @Column('text')
  status: ReservationStatus;

  @Column('numeric', { nullable: true })
  committedQuantity: string | null;

  /** The event that the commit has counted. */
  @Column('text', { nullable: true })
  eventId: string | null;

  @Column('timestamptz')
  expiresAt: Date;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz', { nullable: true })
  settledAt: Date | null;
}
