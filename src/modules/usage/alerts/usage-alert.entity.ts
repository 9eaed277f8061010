import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TenantId } from '../../../contracts/ids';

/** A level that was reached, and told, once per metric and period. */
@Entity('usage_alerts')
export class UsageAlertEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('text')
  metricName: string;

  /** Start of the usage month; the epoch for gauges. */
  @PrimaryColumn('timestamptz')
  periodStart: Date;

  @PrimaryColumn('int')
  percent: number;

  /** When the level was reached; an exact decimal, as text. */
  @Column('numeric')
  currentUsage: string;

  @Column('numeric')
  limitValue: string;

  @Column('timestamptz')
  reachedAt: Date;
}
