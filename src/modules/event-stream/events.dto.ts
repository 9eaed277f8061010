import { Transform } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { EVENT_API_VERSION } from '../../contracts/events';
import type { EventEnvelope } from '../../contracts/events';
import { PageQueryDto } from '../../platform/http/page.dto';
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
