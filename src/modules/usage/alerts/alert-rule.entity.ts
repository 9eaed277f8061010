import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TenantId } from '../../../contracts/ids';
import type { AlertLevel } from '../../../domain/usage-alerts';

/** The levels that a tenant chose for one metric, or for all others. */
@Entity('alert_rules')
export class AlertRuleEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  /** `*` = all that have no rule of their own. */
  @PrimaryColumn('text')
  metricName: string;

  @Column('jsonb')
  rules: AlertLevel[];

  @Column('timestamptz')
  updatedAt: Date;
}
