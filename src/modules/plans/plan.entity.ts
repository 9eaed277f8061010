import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PlanId, StripePriceId, StripeProductId, TenantId } from '../../contracts/ids';
import type { BillingInterval } from '../../domain/period';
import type { RateLimit } from '../../domain/plan-facts';
import type { LimitGrace, PlanLimits } from '../../domain/plan-limits';
import { wholeNumber } from '../../platform/database/columns';
import { Plan } from './plan';

/** What is sold, as its row. */
@Entity('plans')
export class PlanEntity {
  @PrimaryColumn('uuid')
  id: PlanId;

  @Column('text')
  name: string;

  @Column('text')
  slug: string;

  @Column('text', { nullable: true })
  description: string | null;

  @Column('text')
  currency: string;

  @Column({ type: 'bigint', transformer: wholeNumber })
  amount: number;

  @Column('text')
  interval: BillingInterval;

  @Column('int')
  intervalCount: number;

  @Column('text', { nullable: true })
  stripeProductId: StripeProductId | null;

  @Column('text', { nullable: true })
  stripePriceId: StripePriceId | null;

  /** Prices the plan was sold at before; their subscribers are on it still. */
  @Column('text', { array: true })
  formerStripePriceIds: StripePriceId[];

  @Column('jsonb')
  limits: PlanLimits;

  @Column('jsonb')
  limitGrace: LimitGrace;

  @Column('text', { array: true })
  features: string[];

  @Column('jsonb', { nullable: true })
  rateLimit: RateLimit | null;

  @Column('uuid', { nullable: true })
  tenantId: TenantId | null;

  @Column('boolean')
  manualInvoicing: boolean;

  @Column('int', { nullable: true })
  daysUntilDue: number | null;

  @Column('int', { nullable: true })
  trialDays: number | null;

  @Column('int')
  sortOrder: number;

  @Column('boolean')
  isActive: boolean;

  @Column('jsonb')
  metadata: Record<string, string>;

  @Column('int')
  version: number;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  updatedAt: Date;
}

/** A row as the business sees it. */
export function toPlan(row: PlanEntity): Plan {
  return { ...row };
}

/** A plan as its row. */
export function toRow(plan: Plan): PlanEntity {
  return {
    ...plan,
    features: [...plan.features],
    formerStripePriceIds: [...plan.formerStripePriceIds],
    metadata: { ...plan.metadata },
  };
}
