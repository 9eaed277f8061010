import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min, ValidateIf } from 'class-validator';
import { IsDisplayName } from '../../platform/http/field-rules';
import { isMoment } from '../usage/recording/usage-event-input';
import { Checked } from '../usage/recording/usage-events.dto';
import type { OverrideInPlace } from './limit-overrides.service';

/** An operator's number for one tenant, in place of the plan's. */
export class SetLimitOverrideDto {
  /** null = unlimited. */
  @ValidateIf((body: SetLimitOverrideDto) => body.limit !== null)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  @ApiProperty({ type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, nullable: true })
  limit: number | null;

  /** For whoever asks later; kept in the audit log. */
  @IsDisplayName(500)
  reason: string;

  /** When the plan's number counts again, without anybody's doing; null or left out = not by itself. */
  @IsOptional()
  @Checked('expires_at', isMoment)
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true })
  expires_at?: string | null;
}

export class LimitOverrideView {
  metric: string;

  /** null = unlimited. */
  @ApiProperty({ type: 'integer', nullable: true })
  limit: number | null;

  reason: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  expires_at: string | null;

  /** Its time is over: the plan's number counts. */
  expired: boolean;

  /** The plan's own number now; null = unlimited. */
  @ApiProperty({ type: 'integer', nullable: true })
  plan_limit: number | null;

  created_at: string;
  updated_at: string;
}

/** All of a tenant's, by metric; expired ones too. */
export class LimitOverridesView {
  @ApiProperty({ type: [LimitOverrideView] })
  data: LimitOverrideView[];
}

export function toLimitOverrideView({ override, planLimit }: OverrideInPlace, now: Date): LimitOverrideView {
  return {
    metric: override.metricName,
    limit: override.limitValue,
    reason: override.reason,
    expires_at: override.expiresAt?.toISOString() ?? null,
    expired: override.expiresAt !== null && override.expiresAt <= now,
    plan_limit: planLimit,
    created_at: override.createdAt.toISOString(),
    updated_at: override.updatedAt.toISOString(),
  };
}
