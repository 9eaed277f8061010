import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { Aggregation } from '../../../domain/plan-limits';
import { ALWAYS_START } from '../../../domain/usage-period';
import { amountOf } from '../../../domain/usage-standing';
import { PageQueryDto } from '../../../platform/http/page.dto';
import type { Page } from '../../../platform/http/page.dto';
import type { EventFate } from './usage-event-log.service';
import { EVENT_TYPES_COUNTED } from '../ledger/usage-event.entity';
import type { CountedEventType } from '../ledger/usage-event.entity';
import { LONGEST_SUBJECT, METRIC_KEY } from '../recording/usage-event-input';
import type { UsageEvent } from '../ledger/usage-events.repository';
import { AMOUNT, IsMoment, IsSubject, NULLABLE_AMOUNT } from '../reading/usage-fields.dto';
import type { Refusal } from './usage-refusal-log.repository';

/** Query of GET /v1/billings/usage/events. */
export class UsageEventsQueryDto extends PageQueryDto {
  @IsOptional()
  @Matches(METRIC_KEY)
  @ApiPropertyOptional({ pattern: METRIC_KEY.source, description: 'Only those of this meter.' })
  metric?: string;

  @IsOptional()
  @IsSubject()
  @ApiPropertyOptional({
    minLength: 1,
    maxLength: LONGEST_SUBJECT,
    description: 'Only those of this subject.',
  })
  subject?: string;

  /** The first moment that is asked for. */
  @IsOptional()
  @IsMoment()
  @ApiPropertyOptional({ type: String, format: 'date-time' })
  from?: string;

  /** The first moment that is no longer asked for. */
  @IsOptional()
  @IsMoment()
  @ApiPropertyOptional({ type: String, format: 'date-time' })
  to?: string;
}

/** Why an event was not counted, when it was tried last. */
export class UsageRefusalView {
  /** As the caller was told: limit_exceeded, state_conflict (below 0) or event_id_conflict. */
  code: string;
  @ApiProperty(AMOUNT)
  quantity: number | string;
  refused_at: string;
  times: number;
}

/** What happened to an event. */
export class UsageEventView {
  event_id: string;

  /** recorded: it counts. corrected: it was counted and taken back. refused: it never counted. */
  @ApiProperty({ enum: ['recorded', 'corrected', 'refused'] })
  status: 'recorded' | 'corrected' | 'refused';

  @ApiProperty({ enum: EVENT_TYPES_COUNTED })
  event_type: CountedEventType;

  metric: string;

  /** As it was sent; below 0 for a decrement, and for the correction of what was added. */
  @ApiProperty(AMOUNT)
  quantity: number | string;

  /**
   * By how much it moved its counter: the quantity where the meter sums, one where it counts, 0 when it was
   * refused; null where that depends on the other events (max, latest, unique).
   */
  @ApiProperty(NULLABLE_AMOUNT)
  counted_as: number | string | null;

  @ApiProperty({ type: String, nullable: true })
  subject: string | null;

  /** When it happened; null when it was refused. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  timestamp: string | null;

  /** When it was recorded; null when it was refused. */
  @ApiProperty({ type: String, nullable: true })
  received_at: string | null;

  /** Start of the usage month it was counted in; null for gauges, and when it was refused. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  period_start: string | null;

  /** Its own month was closed, and it was counted in the open one. */
  is_late: boolean;

  @ApiProperty({ type: Object, additionalProperties: { type: 'string' }, nullable: true })
  metadata: Record<string, string> | null;

  /** Of a correction: the event that it takes back. */
  @ApiProperty({ type: String, nullable: true })
  corrects: string | null;

  /** The correction that takes it back. */
  @ApiProperty({ type: String, nullable: true })
  corrected_by: string | null;

  /** Of a correction. */
  @ApiProperty({ type: String, nullable: true })
  reason: string | null;

  /** Kept for 30 days, best effort. An event that was recorded later keeps what was said before. */
  @ApiProperty({ type: UsageRefusalView, nullable: true })
  refusal: UsageRefusalView | null;
}

export class UsageEventPage implements Page<UsageEventView> {
  data: UsageEventView[];
  has_more: boolean;
  next_cursor: string | null;
}

export function toUsageEventView(fate: EventFate): UsageEventView {
  const refusal = fate.refusal && toRefusalView(fate.refusal);
  return fate.event
    ? recorded(fate.event, fate.rule, refusal)
    : refused(fate.eventId, fate.refusal!, refusal!);
}

function recorded(
  event: UsageEvent,
  rule: Aggregation | null,
  refusal: UsageRefusalView | null,
): UsageEventView {
  const isGauge = event.period.getTime() === ALWAYS_START.getTime();
  const quantity = amountOf(event.increment);
  return {
    event_id: event.event_id,
    status: event.corrected_by === null ? 'recorded' : 'corrected',
    event_type: event.event_type,
    metric: event.metric,
    quantity,
    counted_as: countedAs(event, rule),
    subject: event.subject,
    timestamp: shortest(event.timestamp),
    received_at: event.received_at.toISOString(),
    period_start: isGauge ? null : event.period.toISOString(),
    is_late: !isGauge && Date.parse(event.timestamp) < event.period.getTime(),
    metadata: event.metadata,
    corrects: event.reverses,
    corrected_by: event.corrected_by,
    reason: event.reason,
    refusal,
  };
}

function refused(event_id: string, { metric, quantity }: Refusal, refusal: UsageRefusalView): UsageEventView {
  return {
    event_id,
    status: 'refused',
    event_type: quantity.startsWith('-') ? 'decrement' : 'usage',
    metric,
    quantity: amountOf(quantity),
    counted_as: 0,
    subject: null,
    timestamp: null,
    received_at: null,
    period_start: null,
    is_late: false,
    metadata: null,
    corrects: null,
    corrected_by: null,
    reason: null,
    refusal,
  };
}

function countedAs({ event_type, increment }: UsageEvent, rule: Aggregation | null): number | string | null {
  if (rule === 'sum') return amountOf(increment);
  if (rule === 'count') return event_type === 'correction' ? -1 : 1;
  return null;
}

function toRefusalView({ code, quantity, refused_at, times }: Refusal): UsageRefusalView {
  return { code, quantity: amountOf(quantity), refused_at: refused_at.toISOString(), times };
}

/** Milliseconds, as everywhere; microseconds only where the caller sent some. */
function shortest(timestamp: string): string {
  return timestamp.replace(/000Z$/, 'Z');
}
