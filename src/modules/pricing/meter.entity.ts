import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Aggregation, MetricKind } from '../../domain/plan-limits';

/** The rule that turns usage events into one number: key, aggregation, unit. */
@Entity('meters')
export class MeterEntity {
  @PrimaryColumn('uuid')
  id: string;

  /** What usage events and plan limits call it. */
  @Column('text')
  key: string;

  @Column('text')
  name: string;

  @Column('text')
  unit: string;

  @Column('text')
  aggregation: Aggregation;

  @Column('text')
  kind: MetricKind;

  /** Decimals that a quantity may have, 0 to 9. */
  @Column('int')
  scale: number;

  /** Where an event of a closed period goes: to the open one, or nowhere (422). */
  @Column('text')
  lateUsage: 'next_period' | 'reject';

  @Column('boolean')
  builtIn: boolean;

  @Column('timestamptz', { nullable: true })
  archivedAt: Date | null;

  @Column('timestamptz')
  createdAt: Date;
}
