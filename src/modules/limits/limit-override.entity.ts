import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TenantId } from '../../contracts/ids';
import { wholeNumber } from '../../platform/database/columns';

/** An operator's number for one tenant and metric, and why; the entitlements row carries the number to all readers. */
@Entity('limit_overrides')
export class LimitOverrideEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('text')
  metricName: string;

  /** Null = unlimited. */
  @Column({ type: 'bigint', nullable: true, transformer: wholeNumber })
  limitValue: number | null;

  @Column('text')
  reason: string;

  /** Null = until it is taken away. */
  @Column('timestamptz', { nullable: true })
  expiresAt: Date | null;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  updatedAt: Date;
}
