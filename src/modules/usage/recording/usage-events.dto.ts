import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsOptional,
  IsString,
  Matches,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import {
  EVENT_ID,
  isEventMetadata,
  isMoment,
  isSubject,
  LONGEST_SUBJECT,
  METRIC_KEY,
  MOST_EVENTS,
  readQuantity,
} from './usage-event-input';

/** An amount above 0, as the document shows it. */
export const QUANTITY = {
  oneOf: [
    { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    { type: 'string', pattern: '^(?:0|[1-9][0-9]*)(?:\\.[0-9]{1,9})?$', maxLength: 39 },
  ],
};

/** A field that the hand-written check reads; the same function decides, so that both agree. */
export const Checked = (name: string, validate: (value: unknown) => boolean): PropertyDecorator =>
  ValidateBy({ name, validator: { validate } }, { message: '$property is not valid' });

/** An amount above 0: a whole number up to 2^53-1, or a decimal text. */
export const IsQuantity = (): PropertyDecorator =>
  Checked('quantity', (value) => readQuantity(value) !== null);

/** One immutable fact: so much of a metric was used. Checked by hand in usage-event-input.ts. */
export class UsageEventDto {
  /** Chosen by the caller, once per fact and before the first attempt: the same id counts once, for ever. */
  @IsString()
  @Matches(EVENT_ID)
  @ApiProperty({ pattern: EVENT_ID.source, example: 'signup-8f14e45f' })
  event_id: string;

  /** Key of a meter. */
  @IsString()
  @Matches(METRIC_KEY)
  @ApiProperty({ pattern: METRIC_KEY.source, example: 'referred_users' })
  metric: string;

  /** How much; with at most as many decimals as the meter counts. */
  @ValidateIf((event: UsageEventDto) => event.quantity !== undefined)
  @IsQuantity()
  @ApiPropertyOptional({ ...QUANTITY, default: 1 })
  quantity?: number | string;

  /** When it happened: at most 35 days ago and 5 minutes ahead. Now when left out. */
  @IsOptional()
  @Checked('timestamp', isMoment)
  @ApiPropertyOptional({ type: String, format: 'date-time', nullable: true })
  timestamp?: string | null;

  /** Who or what was counted, for instance a referrer; the unit of unique meters and leaderboards. */
  @IsOptional()
  @Checked('subject', isSubject)
  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: LONGEST_SUBJECT, nullable: true })
  subject?: string | null;

  @IsOptional()
  @Checked('metadata', isEventMetadata)
  @ApiPropertyOptional({ type: Object, additionalProperties: { type: 'string' }, nullable: true })
  metadata?: Record<string, string> | null;
}

/** Up to 1,000 events of one tenant. */
export class UsageBatchDto {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_EVENTS)
  @ValidateNested({ each: true })
  @Type(() => UsageEventDto)
  events: UsageEventDto[];
}

/** The schema of a body that is one event or a batch of them. */
export const EVENT_OR_BATCH = {
  oneOf: [{ $ref: getSchemaPath(UsageEventDto) }, { $ref: getSchemaPath(UsageBatchDto) }],
};

const AMOUNT = { oneOf: [{ type: 'integer' }, { type: 'string' }], nullable: true };

/** Why an event of a batch was not counted. */
export class UsageEventErrorView {
  code: string;
  detail: string;
  @ApiProperty({ type: [Object] })
  errors: object[];
}

/** What became of an event. */
export class UsageResultView {
  @ApiProperty({ type: String, nullable: true })
  event_id: string | null;

  /** An event of a status other than recorded and duplicate has used nothing. */
  @ApiProperty({ enum: ['recorded', 'duplicate', 'conflict', 'limit_exceeded', 'invalid'] })
  status: string;

  @ApiProperty({ type: String, nullable: true })
  metric: string | null;

  /** Used of the metric right after this event. */
  @ApiProperty(AMOUNT)
  current_usage: number | string | null;

  /** null = unlimited. */
  @ApiProperty({ type: 'integer', nullable: true })
  limit: number | null;

  /** What may still be used, reservations counted; null = unlimited. */
  @ApiProperty(AMOUNT)
  remaining: number | string | null;

  /** Start of the usage month it was counted in; null for gauges. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  period_start: string | null;

  /** Its own period was closed, and it was counted in the open one. */
  is_late: boolean;

  @ApiProperty({ type: UsageEventErrorView, nullable: true })
  error: UsageEventErrorView | null;
}

/** How many events of a batch became what. */
export class UsageBatchSummaryView {
  recorded: number;
  duplicate: number;
  conflict: number;
  limit_exceeded: number;
  invalid: number;
}

/** The results of a batch, in the order of its events. */
@ApiExtraModels(UsageEventDto, UsageBatchDto)
export class UsageBatchView {
  @ApiProperty({ type: [UsageResultView] })
  results: UsageResultView[];

  summary: UsageBatchSummaryView;
}

/** Body of increment and decrement: the simple form for "a campaign was created" or "deleted". */
export class CountDto {
  @IsString()
  @Matches(METRIC_KEY)
  @ApiProperty({ pattern: METRIC_KEY.source, example: 'campaigns' })
  metric: string;

  @ValidateIf((body: CountDto) => body.count !== undefined)
  @IsQuantity()
  @ApiPropertyOptional({ ...QUANTITY, default: 1 })
  count?: number | string;

  /** Makes the call repeatable; an Idempotency-Key does, too. */
  @IsOptional()
  @Matches(EVENT_ID)
  @ApiPropertyOptional({ type: String, pattern: EVENT_ID.source })
  event_id?: string;

  @IsOptional()
  @Checked('subject', isSubject)
  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: LONGEST_SUBJECT, nullable: true })
  subject?: string | null;
}
