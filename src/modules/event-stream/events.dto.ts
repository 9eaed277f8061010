import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { EVENT_API_VERSION, EVENT_TYPES } from '../../contracts/events';
import type { EventEnvelope, EventType } from '../../contracts/events';
import { PageQueryDto } from '../../platform/http/page.dto';
import type { Page } from '../../platform/http/page.dto';
import type { NumberedEvent } from './events.repository';

/** Query of GET /v1/billings/events. */
export class EventsQueryDto extends PageQueryDto {
  /** The last `sequence` the reader has; 0 begins at the beginning. A `cursor` goes before it. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value,
  )
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  after_sequence: number = 0;
}

/** An event as consumers of the queue get it too. */
export class EventView implements EventEnvelope {
  id: string;
  @ApiProperty({ enum: EVENT_TYPES })
  type: EventType;
  tenant_id: string;
  /** Counts per tenant from 1 without gaps. */
  sequence: number;
  /** Business time. */
  occurred_at: string;
  /** Changes only when the meaning of an existing field does. */
  api_version: string;
  /** The whole object after the fact. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  data: Record<string, unknown>;
  /** Only what changed, as it was before. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  previous: Record<string, unknown> | null;
}

export class EventPage implements Page<EventView> {
  data: EventView[];
  has_more: boolean;
  next_cursor: string | null;
}

/** The event as it travels everywhere else. */
export function toEnvelope(event: NumberedEvent): EventEnvelope {
  return {
    id: event.eventId,
    type: event.type,
    tenant_id: event.tenantId,
    sequence: event.sequence,
    occurred_at: event.occurredAt.toISOString(),
    api_version: EVENT_API_VERSION,
    data: event.data,
    previous: event.previous,
  };
}
