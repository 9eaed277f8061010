import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PlanId, TenantId } from '../../contracts/ids';
import type { Allowance, EntitlementSource } from '../../domain/entitlements';
import type { RateLimit } from '../../domain/plan-facts';
import type { LimitOverride } from '../../domain/limit';
import type { PlanLimits } from '../../domain/plan-limits';
import { wholeNumber } from '../../platform/database/columns';

/** What one tenant may use, written in the transaction that changes it and read by all (decisions 4). */
@Entity('tenant_entitlements')
export class EntitlementEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @Column('text')
  source: EntitlementSource;

  @Column('uuid', { nullable: true })
  planId: PlanId | null;

  @Column('jsonb')
  limits: PlanLimits;

  /** Percent past the limit that still passes, by metric. */
  @Column('jsonb')
  limitGrace: Record<string, number>;

  /** Numbers an operator set in place of the plan's, by metric. */
  @Column('jsonb')
  overrides: Record<string, LimitOverride>;

  @Column('text', { array: true })
  features: string[];

  @Column('jsonb', { nullable: true })
  rateLimit: RateLimit | null;

  /** Monthly slices count from here; null = calendar months in UTC. */
  @Column('timestamptz', { nullable: true })
  anchor: Date | null;

  /** From here on the fallback counts, whether a job has run or not. */
  @Column('timestamptz', { nullable: true })
  validUntil: Date | null;

  @Column('jsonb', { nullable: true })
  fallback: Allowance | null;

  /** A plan it was made from has changed: to be found out anew by the refresher. */
  @Column('boolean')
  isStale: boolean;

  @Column({ type: 'bigint', transformer: wholeNumber })
  version: number;

  @Column('timestamptz')
  updatedAt: Date;
}
