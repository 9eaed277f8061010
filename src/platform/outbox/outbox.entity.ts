import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { EventType } from '../../contracts/events';
import type { TenantId } from '../../contracts/ids';
import { wholeNumber } from '../database/columns';

/** One fact on its way to machines, written in the transaction of the fact. */
@Entity('outbox')
export class OutboxEntity {
  @PrimaryColumn({ type: 'bigint', transformer: wholeNumber, generated: 'identity' })
  id: number;

  @Column('uuid')
  eventId: string;

  @Column('uuid')
  tenantId: TenantId;

  @Column('text')
  type: EventType;

  @Column('text')
  aggregateType: string;

  @Column('text')
  aggregateId: string;

  @Column('jsonb')
  data: Record<string, unknown>;

  @Column('jsonb', { nullable: true })
  previous: Record<string, unknown> | null;

  @Column('timestamptz')
  occurredAt: Date;

  /** Per tenant from 1 without gaps; given by the relay after the commit (decisions 19). */
  @Column({ type: 'bigint', transformer: wholeNumber, nullable: true })
  sequence: number | null;

  @Column('timestamptz', { nullable: true })
  dispatchedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  publishedAt: Date | null;

  @Column('int', { default: 0 })
  attempts: number;

  @Column('timestamptz')
  nextAttemptAt: Date;

  @Column('timestamptz', { nullable: true })
  parkedAt: Date | null;

  @Column('text', { nullable: true })
  error: string | null;
}
