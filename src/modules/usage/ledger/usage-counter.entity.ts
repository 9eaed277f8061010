import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TenantId } from '../../../contracts/ids';
import { wholeNumber } from '../../../platform/database/columns';

/** A tenant's number for one metric in one period. */
@Entity('usage_counters')
export class UsageCounterEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('text')
  metricName: string;

  /** Start of the usage month for flows; the epoch for gauges, which are never reset. */
  @PrimaryColumn('timestamptz')
  periodStart: Date;

  @Column('timestamptz', { nullable: true })
  periodEnd: Date | null;

  /** An exact decimal, as text. */
  @Column('numeric')
  used: string;

  @Column({ type: 'bigint', transformer: wholeNumber })
  version: number;

  @Column('timestamptz')
  updatedAt: Date;
}
