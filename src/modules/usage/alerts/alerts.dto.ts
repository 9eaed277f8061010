import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsString,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { ALERT_CHANNELS, ALL_METRICS, AlertChannel } from '../../../domain/usage-alerts';

const MOST_RULES = 100;
const MOST_LEVELS = 10;
const MOST_PERCENT = 1000;
const METRIC_OR_ALL = /^(?:\*|[a-z][a-z0-9_]{0,62})$/;

/** A part of a limit to tell about. */
export class AlertLevelDto {
  /** Of the limit. Above 100 for limits with a grace. */
  @IsInt()
  @Min(1)
  @Max(MOST_PERCENT)
  @ApiProperty({ type: 'integer', minimum: 1, maximum: MOST_PERCENT })
  percent: number;

  /** `email`: to the owner and the billing contacts. `in_app`: for the portal to show. None: only machines are told. */
  @IsArray()
  @ArrayUnique()
  @IsIn(ALERT_CHANNELS, { each: true })
  @ApiProperty({ enum: ALERT_CHANNELS, isArray: true, uniqueItems: true })
  channels: AlertChannel[];
}

/** The levels of one metric. */
export class AlertRuleDto {
  /** Key of a meter, or `*` for all that have no rule of their own. */
  @IsString()
  @Matches(METRIC_OR_ALL)
  @ApiProperty({ pattern: METRIC_OR_ALL.source, example: ALL_METRICS })
  metric: string;

  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_LEVELS)
  @ArrayUnique((level: AlertLevelDto | null) => level?.percent)
  @ValidateNested({ each: true })
  @Type(() => AlertLevelDto)
  @ApiProperty({ type: [AlertLevelDto], minItems: 1, maxItems: MOST_LEVELS })
  levels: AlertLevelDto[];
}

/** Body of PUT /v1/billings/alerts: all of the tenant's rules. */
export class AlertRulesDto {
  /** None: the defaults hold again. */
  @IsArray()
  @ArrayMaxSize(MOST_RULES)
  @ArrayUnique((rule: AlertRuleDto | null) => rule?.metric)
  @ValidateNested({ each: true })
  @Type(() => AlertRuleDto)
  @ApiProperty({ type: [AlertRuleDto], maxItems: MOST_RULES })
  rules: AlertRuleDto[];
}

export class AlertLevelView {
  @ApiProperty({ type: 'integer' })
  percent: number;

  @ApiProperty({ enum: ALERT_CHANNELS, isArray: true })
  channels: AlertChannel[];
}

export class AlertRuleView {
  metric: string;
  levels: AlertLevelView[];

  /** Null for the defaults. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  updated_at: string | null;
}

export class AlertPeriodView {
  @ApiProperty({ format: 'date-time' })
  start: string;

  @ApiProperty({ format: 'date-time' })
  end: string;
}

const AMOUNT = { oneOf: [{ type: 'integer' }, { type: 'string' }] };

/** A level that was reached, in the open usage month or by a gauge. */
export class ReachedAlertView {
  metric: string;

  @ApiProperty({ type: 'integer' })
  percent: number;

  @ApiProperty({ enum: ['info', 'warning', 'urgent', 'limit'] })
  severity: string;

  /** When it was reached. */
  @ApiProperty(AMOUNT)
  current_usage: number | string;

  /** When it was reached. */
  @ApiProperty(AMOUNT)
  limit: number | string;

  @ApiProperty({ format: 'date-time' })
  reached_at: string;

  /** Null for gauges. */
  @ApiProperty({ type: AlertPeriodView, nullable: true })
  period: AlertPeriodView | null;

  @ApiProperty({ enum: ALERT_CHANNELS, isArray: true })
  channels: AlertChannel[];

  /** Usage is at this level now, too: a higher limit or a correction may have lifted it. */
  is_current: boolean;
}

/** What the tenant is told about its usage, and what it has reached. */
export class AlertsView {
  /** The rules in force; for `*` the defaults while the tenant has chosen none. */
  rules: AlertRuleView[];
  reached: ReachedAlertView[];
}
