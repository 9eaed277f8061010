import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, IsString, Matches, Max, Min, ValidateIf } from 'class-validator';
import { amountOf } from '../../../domain/usage-standing';
import { ALWAYS_START } from '../../../domain/usage-period';
import { PageQueryDto } from '../../../platform/http/page.dto';
import type { Page } from '../../../platform/http/page.dto';
import { LONGEST_SUBJECT, METRIC_KEY } from '../recording/usage-event-input';
import { IsQuantity, QUANTITY } from '../recording/usage-events.dto';
import { AMOUNT, IsSubject, NULLABLE_AMOUNT } from '../reading/usage-fields.dto';
import { RESERVATION_STATUSES } from './usage-reservation.entity';
import type { ReservationStatus } from './usage-reservation.entity';
import type { Reservation } from './usage-reservations.repository';
import { DEFAULT_TTL_SECONDS, ReservationResult, statusAt } from './usage-reservations.service';

const LONGEST_TTL_SECONDS = 86_400;

/** Body of POST /v1/billings/usage/reservations. */
export class ReserveDto {
  /** Key of a meter that adds up (sum or count). */
  @IsString()
  @Matches(METRIC_KEY)
  @ApiProperty({ pattern: METRIC_KEY.source, example: 'email_sends' })
  metric: string;

  /** How much to hold; of a counting meter, one. */
  @ValidateIf((body: ReserveDto) => body.quantity !== undefined)
  @IsQuantity()
  @ApiPropertyOptional({ ...QUANTITY, default: 1 })
  quantity?: number | string;

  /** Goes into the event that the commit counts. */
  @IsOptional()
  @IsSubject()
  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: LONGEST_SUBJECT, nullable: true })
  subject?: string | null;

  /** After so many seconds the capacity is given back by itself. */
  @ValidateIf((body: ReserveDto) => body.ttl_seconds !== undefined)
  @IsInt()
  @Min(1)
  @Max(LONGEST_TTL_SECONDS)
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: LONGEST_TTL_SECONDS,
    default: DEFAULT_TTL_SECONDS,
  })
  ttl_seconds?: number;
}

/** Body of POST /v1/billings/usage/reservations/:id/commit. */
export class CommitReservationDto {
  /** What the work took, at most what was reserved; all of it when left out. */
  @ValidateIf((body: CommitReservationDto) => body.quantity !== undefined)
  @IsQuantity()
  @ApiPropertyOptional(QUANTITY)
  quantity?: number | string;
}

/** Query of GET /v1/billings/usage/reservations. */
export class ReservationsQueryDto extends PageQueryDto {
  @IsOptional()
  @IsIn(RESERVATION_STATUSES)
  @ApiPropertyOptional({ enum: RESERVATION_STATUSES, description: 'Only those of this status.' })
  status?: ReservationStatus;

  @IsOptional()
  @Matches(METRIC_KEY)
  @ApiPropertyOptional({ pattern: METRIC_KEY.source, description: 'Only those of this meter.' })
  metric?: string;
}

/** Capacity that is kept for work under way. */
export class ReservationView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  /** A held one expires by its time, whether it was settled or not. */
  @ApiProperty({ enum: RESERVATION_STATUSES })
  status: ReservationStatus;

  metric: string;

  @ApiProperty(AMOUNT)
  quantity: number | string;

  @ApiProperty({ type: String, nullable: true })
  subject: string | null;

  /** What the commit counted; null before. */
  @ApiProperty(NULLABLE_AMOUNT)
  committed_quantity: number | string | null;

  /** The event that the commit counted. */
  @ApiProperty({ type: String, nullable: true })
  event_id: string | null;

  /** Start of the usage month it holds capacity of, and counts in; null for gauges. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  period_start: string | null;

  expires_at: string;
  created_at: string;

  /** When it was committed, released or found expired. */
  @ApiProperty({ type: String, nullable: true })
  settled_at: string | null;
}

/** A reservation, and where its counter stands. */
export class ReservationResultView extends ReservationView {
  /** Used of the metric now. */
  @ApiProperty(AMOUNT)
  current_usage: number | string;

  /** Held by all reservations together. */
  @ApiProperty(AMOUNT)
  reserved: number | string;

  /** null = unlimited. */
  @ApiProperty({ type: 'integer', nullable: true })
  limit: number | null;

  /** What may still be used or reserved; null = unlimited. */
  @ApiProperty(NULLABLE_AMOUNT)
  remaining: number | string | null;
}

export class ReservationPage implements Page<ReservationView> {
  data: ReservationView[];
  has_more: boolean;
  next_cursor: string | null;
}

export function toReservationView(reservation: Reservation, now: Date): ReservationView {
  const { id, metricName, quantity, subject, committedQuantity, eventId, periodStart } = reservation;
  return {
    id,
    status: statusAt(reservation, now),
    metric: metricName,
    quantity: amountOf(quantity),
    subject,
    committed_quantity: committedQuantity === null ? null : amountOf(committedQuantity),
    event_id: eventId,
    period_start: periodStart.getTime() === ALWAYS_START.getTime() ? null : periodStart.toISOString(),
    expires_at: reservation.expiresAt.toISOString(),
    created_at: reservation.createdAt.toISOString(),
    settled_at: reservation.settledAt?.toISOString() ?? null,
  };
}

export function toReservationResultView(
  { reservation, standing }: ReservationResult,
  now: Date,
): ReservationResultView {
  const { current_usage, reserved, limit, remaining } = standing;
  return { ...toReservationView(reservation, now), current_usage, reserved, limit, remaining };
}
