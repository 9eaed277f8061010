import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, IsUUID, Length } from 'class-validator';
import { Page, PageQueryDto } from '../../../platform/http/page.dto';
import { IsMoment } from '../../usage/reading/usage-fields.dto';
import { EventReport, StripeReconciliationEntity } from '../reconciliation/stripe-reconciliation.entity';
import { StripeEventEntity, StripeEventStatus } from './stripe-event.entity';

/** What became of a delivery; Stripe reads the 200 only, people read this. */
export class InboxReceipt {
  @ApiProperty({ type: Boolean, enum: [true] })
  received: true;
  /** duplicate: this event was here before. ignored: it is of a kind that changes nothing here. */
  result: 'stored' | 'duplicate' | 'ignored';
}

const STATUSES = ['pending', 'processed', 'ignored', 'dead'] as const;

export class ListStripeEventsQueryDto extends PageQueryDto {
  /** What became of them. */
  @IsOptional()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];

  /** As Stripe names it, for instance `customer.subscription.updated`. */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  type?: string;

  /** Events that were applied to this tenant. */
  @IsOptional()
  @IsUUID()
  tenant_id?: string;

  /** The first moment of arrival that is asked for. */
  @IsOptional()
  @IsMoment()
  @ApiPropertyOptional({ type: String, format: 'date-time' })
  from?: string;

  /** The first moment of arrival that is no longer asked for. */
  @IsOptional()
  @IsMoment()
  @ApiPropertyOptional({ type: String, format: 'date-time' })
  to?: string;
}

/** An event of Stripe's and what became of it. */
export class StripeEventView {
  id: string;
  type: string;
  /** pending waits for its worker; dead failed for good and can be tried again. */
  status: StripeEventStatus;
  /** Whom it was applied to. */
  tenant_id: string | null;
  object_id: string | null;
  object_type: string | null;
  customer_id: string | null;
  api_version: string | null;
  livemode: boolean | null;
  /** healed: no delivery came, it was found in Stripe's list of events. */
  source: 'delivery' | 'healed';
  /** Stripe's time of the event. */
  created_at: string;
  received_at: string;
  processed_at: string | null;
  retry_count: number;
  /** When it is tried again; null when it is not. */
  next_retry_at: string | null;
  /** Why it was ignored, is dead, or has to be tried again. */
  error: string | null;
}

export class StripeEventDetailView extends StripeEventView {
  /** What Stripe sent; null when it cannot be read. */
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  payload: Record<string, unknown> | null;
}

export class StripeEventPage implements Page<StripeEventView> {
  data: StripeEventView[];
  has_more: boolean;
  next_cursor: string | null;
}

/** What a walk over all subscriptions found. */
export class StripeListingReportView {
  listed: number;
  missing: number;
  stale: number;
  absent: number;
  foreign: number;
  failed: number;
}

export class StripeHealReportView {
  /** The time that was looked through. */
  from: string;
  to: string;
  listed: number;
  /** Events that never arrived; they are taken in now. */
  missed: number;
  /** Set when Stripe's list of events did not reach back far enough. */
  full_listing: StripeListingReportView | null;
}

/** One search for missed events. */
export class StripeHealRunView {
  id: string;
  status: 'queued' | 'running' | 'succeeded' | 'failed';
  trigger: 'manual' | 'scheduled';
  requested_at: string;
  started_at: string | null;
  finished_at: string | null;
  error: string | null;
  report: StripeHealReportView | null;
}

export function toStripeEventView(event: StripeEventEntity): StripeEventView {
  return {
    id: event.eventId,
    type: event.type,
    status: event.status,
    tenant_id: event.tenantId,
    object_id: event.objectId,
    object_type: event.objectType,
    customer_id: event.customerId,
    api_version: event.apiVersion,
    livemode: event.livemode,
    source: event.source,
    created_at: event.createdAt.toISOString(),
    received_at: event.receivedAt.toISOString(),
    processed_at: event.processedAt?.toISOString() ?? null,
    retry_count: event.retryCount,
    next_retry_at: event.status === 'pending' ? event.nextRetryAt.toISOString() : null,
    error: event.error,
  };
}

export function toStripeEventDetailView(event: StripeEventEntity): StripeEventDetailView {
  return { ...toStripeEventView(event), payload: readPayload(event.payload) };
}

export function toStripeHealRunView(run: StripeReconciliationEntity): StripeHealRunView {
  return {
    id: run.id,
    status: run.status,
    trigger: run.trigger,
    requested_at: run.requestedAt.toISOString(),
    started_at: run.startedAt?.toISOString() ?? null,
    finished_at: run.finishedAt?.toISOString() ?? null,
    error: run.error,
    // Runs over events have reports of events.
    report: run.report as EventReport | null,
  };
}

function readPayload(bytes: Buffer): Record<string, unknown> | null {
  try {
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
}
