import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import type { BillingInterval } from '../../domain/period';
import type { RateLimit } from '../../domain/plan-facts';
import type { LimitGrace, PlanLimits } from '../../domain/plan-limits';
import { PageQueryDto } from '../../platform/http/page.dto';
import type { Page } from '../../platform/http/page.dto';
import { Plan } from './plan';
import type { PlanSyncReport, SkipReason } from './plan-sync-report';
import type { PlanSyncRun } from './plan-sync-run.entity';
import { HIGHEST_AMOUNT } from './plan-rules';

const MOST_CALLS = 1_000_000_000;

/** How fast and how often a plan's keys may call; null = the service's default. */
export class RateLimitDto {
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_CALLS)
  per_second?: number | null;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_CALLS)
  burst?: number | null;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_CALLS)
  per_day?: number | null;
}

/** What an operator says of a plan; what is left out takes its default. */
export class PlanFieldsDto {
  /** For people. */
  @IsString()
  @Length(1, 100)
  @Matches(/\S/, { message: 'name must have a visible character' })
  name: string;

  /** For machines and addresses: 2 to 60 of a-z, 0-9 and "-", unique among public plans or those of a tenant. */
  @IsString()
  @Matches(/^[a-z0-9-]{2,60}$/, { message: 'slug must be 2 to 60 of a-z, 0-9 and "-"' })
  slug: string;

  @IsOptional()
  @IsString()
  @MaxLength(1000)
  description?: string | null;

  /** Lower-case ISO 4217. */
  @IsString()
  @Matches(/^[a-z]{3}$/, { message: 'currency must be three lower-case letters' })
  currency: string;

  /** Minor units per interval; 0 is a free plan. */
  @IsInt()
  @Min(0)
  @Max(HIGHEST_AMOUNT)
  amount: number;

  @IsIn(['month', 'year'])
  interval: BillingInterval;

  /** 1 to 12 months, 1 to 3 years. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(12)
  interval_count?: number | null;

  /** Per metric a whole number, or null for unlimited; a metric left out is not part of the plan. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'integer', nullable: true } })
  @IsOptional()
  @IsObject()
  limits?: PlanLimits | null;

  /**
   * Per metric the percent past its limit that still passes, 0 to 1000 with at most two decimals; where nothing is
   * said, the service's LIMIT_GRACE_PERCENT.
   */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'number', minimum: 0, maximum: 1000, multipleOf: 0.01 },
  })
  @IsOptional()
  @IsObject()
  limit_grace?: LimitGrace | null;

  /** Named rights: 1 to 64 of a-z, 0-9, "_", "." and "-", at most 100. */
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  features?: string[] | null;

  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => RateLimitDto)
  rate_limit?: RateLimitDto | null;

  /** Invoices are sent instead of charging a card; enterprise plans only. */
  @IsOptional()
  @IsBoolean()
  manual_invoicing?: boolean | null;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(365)
  days_until_due?: number | null;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(730)
  trial_days?: number | null;

  @IsOptional()
  @IsInt()
  @Min(-1_000_000)
  @Max(1_000_000)
  sort_order?: number | null;

  /** Up to 50 keys of 40 characters with texts of 500; `popular` = 'true' and `family` mean something to the list. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string' } })
  @IsOptional()
  @IsObject()
  metadata?: Record<string, string> | null;
}

export class CreatePlanDto extends PlanFieldsDto {
  /** Makes an enterprise plan: seen and bought by this tenant alone. */
  @IsOptional()
  @IsUUID()
  tenant_id?: string | null;
}

/** Replaces every editable field; a plan never changes its owner. */
export class UpdatePlanDto extends PlanFieldsDto {
  /** True sells an inactive plan again. To stop selling, delete it. */
  @IsOptional()
  @IsIn([true])
  is_active?: true;

  /** Move subscribers to a changed price; accepted while there are none. */
  @IsOptional()
  @IsBoolean()
  migrate?: boolean | null;

  /** The version the change was made from; 409 version_conflict when it is no longer the current one. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  version?: number | null;
}

/** Query of GET /v1/admin/plans. */
export class ListPlansQueryDto extends PageQueryDto {
  /** Only plans for everybody, or only those for one tenant. */
  @IsOptional()
  @IsIn(['public', 'enterprise'])
  scope?: 'public' | 'enterprise';

  /** Only the enterprise plans of this tenant. */
  @IsOptional()
  @IsUUID()
  tenant_id?: string;

  /** Only plans on sale, or only those that are not. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  is_active?: boolean;
}

export class DeletePlanQueryDto {
  /** The plan that takes the tenants who are on this one without a Stripe subscription. */
  @IsOptional()
  @IsUUID()
  replace_with?: string;
}

/** A plan as operators see it. */
export class PlanView {
  id: string;
  name: string;
  slug: string;
  description: string | null;
  currency: string;
  /** Minor units per interval. */
  amount: number;
  interval: BillingInterval;
  interval_count: number;
  stripe_product_id: string | null;
  stripe_price_id: string | null;
  /** Per metric; null = unlimited, not named = not included. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer', nullable: true } })
  limits: PlanLimits;
  /** Per metric the percent past its limit that still passes. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'number' } })
  limit_grace: LimitGrace;
  @ApiProperty({ type: [String] })
  features: readonly string[];
  @ApiProperty({ type: RateLimitDto, nullable: true })
  rate_limit: RateLimit | null;
  /** The one tenant an enterprise plan is for; null for public plans. */
  tenant_id: string | null;
  manual_invoicing: boolean;
  days_until_due: number | null;
  trial_days: number | null;
  sort_order: number;
  is_active: boolean;
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  metadata: Readonly<Record<string, string>>;
  /** Counts the changes; send it with an update to refuse lost ones. */
  version: number;
  created_at: string;
  updated_at: string;
}

export function toPlanView(plan: Plan): PlanView {
  return {
    id: plan.id,
    name: plan.name,
    slug: plan.slug,
    description: plan.description,
    currency: plan.currency,
    amount: plan.amount,
    interval: plan.interval,
    interval_count: plan.intervalCount,
    stripe_product_id: plan.stripeProductId,
    stripe_price_id: plan.stripePriceId,
    limits: plan.limits,
    limit_grace: plan.limitGrace,
    features: plan.features,
    rate_limit: plan.rateLimit,
    tenant_id: plan.tenantId,
    manual_invoicing: plan.manualInvoicing,
    days_until_due: plan.daysUntilDue,
    trial_days: plan.trialDays,
    sort_order: plan.sortOrder,
    is_active: plan.isActive,
    metadata: plan.metadata,
    version: plan.version,
    created_at: plan.createdAt.toISOString(),
    updated_at: plan.updatedAt.toISOString(),
  };
}

export class PlanPage implements Page<PlanView> {
  data: PlanView[];
  has_more: boolean;
  next_cursor: string | null;
}

/** How much of Stripe's catalogue a run read. */
export class PulledView {
  products: number;
  prices: number;
}

export class SkippedPriceView {
  price_id: string;
  reason: SkipReason;
}

export class PlanSyncErrorView {
  price_id: string;
  code: string;
  /** The metadata key; null when the whole price failed. */
  field: string | null;
}

/** What one run of the Stripe sync found and did. */
export class PlanSyncReportView implements PlanSyncReport {
  trigger: 'manual' | 'scheduled';
  duration_ms: number;
  pulled: PulledView;
  created: number;
  updated: number;
  unchanged: number;
  deactivated: number;
  /** Prices that are no plans, each with its reason. */
  skipped: SkippedPriceView[];
  /** What could not be taken over. */
  errors: PlanSyncErrorView[];
}

/** One run of the Stripe sync; `report` is null until it has ended well. */
export class PlanSyncRunView {
  id: string;
  status: 'queued' | 'running' | 'succeeded' | 'failed';
  trigger: 'manual' | 'scheduled';
  requested_at: string;
  started_at: string | null;
  finished_at: string | null;
  error: string | null;
  report: PlanSyncReportView | null;
}

export function toPlanSyncRunView(run: PlanSyncRun): PlanSyncRunView {
  return {
    id: run.id,
    status: run.status,
    trigger: run.trigger,
    requested_at: run.requestedAt.toISOString(),
    started_at: run.startedAt?.toISOString() ?? null,
    finished_at: run.finishedAt?.toISOString() ?? null,
    error: run.error,
    report: run.report,
  };
}
