import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsObject, IsOptional, IsString, IsUUID, Matches, ValidateIf } from 'class-validator';
import type { EntitlementSource } from '../../domain/entitlements';
import type { LimitSource } from '../../domain/limit';
import type { MetricKind } from '../../domain/plan-limits';
import type { Amount } from '../../domain/usage-standing';
import { METRIC_KEY } from '../usage/recording/usage-event-input';
import { IsQuantity, QUANTITY } from '../usage/recording/usage-events.dto';
import { AMOUNT } from '../usage/reading/usage-fields.dto';
import type {
  CheckReason,
  LimitCheck,
  LimitStanding,
  PlanLimit,
  PlanLimitsOfTenant,
} from './plan-limit.service';

const LIMIT = { type: 'integer', nullable: true } as const;
const MOMENT = { type: String, format: 'date-time', nullable: true } as const;
const ENTITLED_BY: EntitlementSource[] = ['subscription', 'trial', 'free', 'none'];
const LIMITED_BY: LimitSource[] = ['override', ...ENTITLED_BY];
const REASONS: CheckReason[] = [
  'ok',
  'within_grace',
  'unlimited',
  'limit_exceeded',
  'not_in_plan',
  'no_entitlement',
];

/** May so much more be used? Checked by hand in limit-check-input.ts. */
export class LimitCheckDto {
  /** Key of a meter. */
  @IsString()
  @Matches(METRIC_KEY)
  @ApiProperty({ pattern: METRIC_KEY.source, example: 'campaigns' })
  metric: string;

  /** How much more. */
  @ValidateIf((body: LimitCheckDto) => body.count !== undefined)
  @IsQuantity()
  @ApiPropertyOptional({ ...QUANTITY, default: 1 })
  count?: Amount;
}

/** Would all of these fit at once? */
export class LimitValidationDto {
  /** 1 to 100 metrics with the amount that would be used besides what is used now; 0 asks about that alone. */
  @IsObject()
  @ApiProperty({ type: 'object', additionalProperties: AMOUNT, example: { campaigns: 2, seats: 1 } })
  metrics: Record<string, Amount>;

  /** Compare with the limits of this plan instead: would today's usage and these amounts fit there? */
  @IsOptional()
  @IsUUID()
  plan_id?: string | null;
}

/** Where a metric stands against its limit. */
export class LimitStandingView {
  metric: string;

  /** null = unlimited. */
  @ApiProperty(LIMIT)
  limit: number | null;

  @ApiProperty(AMOUNT)
  current_usage: Amount;

  /** Held by reservations. */
  @ApiProperty(AMOUNT)
  reserved: Amount;

  /** What may still be used before the limit, reservations counted; null = unlimited. */
  @ApiProperty({ ...AMOUNT, nullable: true })
  remaining: Amount | null;

  /** Where usage is stopped: the limit and the grace of the plan; null = unlimited. */
  @ApiProperty(LIMIT)
  grace_limit: number | null;

  /** More is used than the limit allows: in the grace, or because the limit was lowered. */
  over_limit: boolean;

  /** Where the number came from; `override` is an operator's, for this tenant alone. */
  @ApiProperty({ enum: LIMITED_BY })
  source: LimitSource;

  /** End of the usage month; null for what is never reset. */
  @ApiProperty(MOMENT)
  resets_at: string | null;
}

/** The answer to "may I?". It admits nobody: only recording or reserving does. */
export class LimitCheckView extends LimitStandingView {
  allowed: boolean;

  @ApiProperty({ enum: REASONS })
  reason: CheckReason;
}

export class LimitValidationView {
  /** All of them would fit. */
  allowed: boolean;

  /** The plan that was compared with; null = what the tenant has now. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  plan_id: string | null;

  @ApiProperty({ type: [LimitCheckView] })
  metrics: LimitCheckView[];
}

/** One limit of the tenant. */
export class PlanLimitView extends LimitStandingView {
  @ApiProperty({ enum: ['flow', 'gauge', 'cap'] })
  kind: MetricKind;

  unit: string;

  /** The plan's own number, also where an operator's stands in its place; null = unlimited. */
  @ApiProperty(LIMIT)
  plan_limit: number | null;

  /** When the operator's number ends; null when it does not, or there is none. */
  @ApiProperty(MOMENT)
  override_expires_at: string | null;
}

export class LimitPeriodView {
  start: string;
  end: string;
}

export class PlanLimitsView {
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  plan_id: string | null;

  @ApiProperty({ enum: ENTITLED_BY })
  source: EntitlementSource;

  period: LimitPeriodView;

  @ApiProperty({ type: [PlanLimitView] })
  limits: PlanLimitView[];
}

/** Whether the tenant has a feature. */
export class FeatureAccessView {
  feature: string;
  allowed: boolean;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  plan_id: string | null;

  @ApiProperty({ enum: ENTITLED_BY })
  source: EntitlementSource;
}

export function toPlanLimitsView(found: PlanLimitsOfTenant<PlanLimit & LimitStanding>): PlanLimitsView {
  const { plan_id, source, period } = found;
  return {
    plan_id,
    source,
    period: { start: period.start.toISOString(), end: period.end.toISOString() },
    limits: found.limits.map(({ override, resets_at, ...limit }) => ({
      ...limit,
      override_expires_at: override?.expires_at ?? null,
      resets_at: resets_at?.toISOString() ?? null,
    })),
  };
}

export function toLimitCheckView(check: LimitCheck): LimitCheckView {
  return { ...check, resets_at: check.resets_at?.toISOString() ?? null };
}
