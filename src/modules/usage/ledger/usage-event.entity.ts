import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TenantId } from '../../../contracts/ids';

export const EVENT_TYPES_COUNTED = ['usage', 'decrement', 'reservation', 'correction'] as const;
export type CountedEventType = (typeof EVENT_TYPES_COUNTED)[number];

/** One fact of the usage ledger. It is never changed; a correction is another fact that names it. */
@Entity('billing_events')
export class UsageEventEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  /**
   * The caller's id. Ours are `reservation~<id>` and `correction~<event id>`: callers have no tilde in their
   * alphabet, so nobody can take one of these before us.
   */
  @PrimaryColumn('text')
  eventId: string;

  @Column('text')
  eventType: CountedEventType;

  @Column('text')
  metricName: string;

  /** An exact decimal, as text; below 0 for decrements and for corrections of what was added. */
  @Column('numeric')
  increment: string;

  @Column('timestamptz')
  timestamp: Date;

  @Column('boolean')
  timestampGiven: boolean;

  /** Start of the counter's period. */
  @Column('timestamptz')
  period: Date;

  @Column('text', { nullable: true })
  subject: string | null;

  @Column('jsonb', { nullable: true })
  metadata: Record<string, string> | null;

  @Column('timestamptz')
  receivedAt: Date;

  @Column('uuid', { nullable: true })
  apiKeyId: string | null;

  /** Of a correction: the event that no longer counts. */
  @Column('text', { nullable: true })
  reverses: string | null;

  @Column('text', { nullable: true })
  reason: string | null;
}

/** The id of the event that a reservation's commit counts. */
export function reservationEventId(reservationId: string): string {
  return `reservation~${reservationId}`;
}

/** The id of an event's one correction. */
export function correctionEventId(eventId: string): string {
  return `correction~${eventId}`;
}
