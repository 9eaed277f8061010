import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PlanId, StripePriceId, StripeProductId, TenantId } from '../../contracts/ids';
import type { BillingInterval } from '../../domain/period';
import type { RateLimit } from '../../domain/plan-facts';
import type { PlanLimits } from '../../domain/plan-limits';
import { wholeNumber } from '../../platform/database/columns';
import { Plan } from './plan';

/** Beside the operator's metadata, under a name that metadata keys cannot have (plan-rules.ts). */
const FORMER_PRICES = '$former_stripe_prices';

type MetadataColumn = Record<string, string | StripePriceId[]>;

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

  @Column('jsonb')
  limits: PlanLimits;

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
  metadata: MetadataColumn;

  @Column('int')
  version: number;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  updatedAt: Date;
}

/** A row as the business sees it. */
export function toPlan(row: PlanEntity): Plan {
  const { metadata, ...rest } = row;
  const { [FORMER_PRICES]: former, ...own } = metadata;
  return {
    ...rest,
    metadata: own as Record<string, string>,
    formerStripePriceIds: Array.isArray(former) ? former : [],
  };
}

/** A plan as its row. */
export function toRow(plan: Plan): PlanEntity {
  const { metadata, formerStripePriceIds, ...rest } = plan;
  const column: MetadataColumn = { ...metadata };
  if (formerStripePriceIds.length > 0) column[FORMER_PRICES] = [...formerStripePriceIds];
  return { ...rest, features: [...plan.features], metadata: column };
}
