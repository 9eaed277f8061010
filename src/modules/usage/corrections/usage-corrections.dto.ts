import { ApiProperty } from '@nestjs/swagger';
import { IsString, Matches } from 'class-validator';
import { ALWAYS_START } from '../../../domain/usage-period';
import { amountOf } from '../../../domain/usage-standing';
import { IsDisplayName } from '../../../platform/http/field-rules';
import type { CorrectionResult } from './usage-corrections.service';
import { AMOUNT } from '../reading/usage-fields.dto';

/** Ids of callers, and ours, which have a tilde (usage-event.entity.ts). */
export const ANY_EVENT_ID = /^[A-Za-z0-9._:~-]{1,200}$/;
const LONGEST_REASON = 500;

/** Body of POST /v1/billings/usage/corrections. */
export class CorrectUsageDto {
  /** The event that was recorded by mistake. */
  @IsString()
  @Matches(ANY_EVENT_ID)
  @ApiProperty({ pattern: ANY_EVENT_ID.source, example: 'signup-8f14e45f' })
  event_id: string;

  /** Why, for whoever reads the ledger later. */
  @IsDisplayName(LONGEST_REASON)
  @ApiProperty({ minLength: 1, maxLength: LONGEST_REASON, example: 'Imported twice' })
  reason: string;
}

/** An event that takes another back. */
export class CorrectionView {
  /** Of the correction itself. */
  event_id: string;

  /** The event that no longer counts. */
  corrects: string;

  metric: string;

  /** What it adds to the ledger: the original's quantity with the other sign. */
  @ApiProperty(AMOUNT)
  quantity: number | string;

  reason: string;

  /** Start of the usage month that the event was counted in; null for gauges. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  period_start: string | null;

  corrected_at: string;

  /** Used of the metric in that period now. */
  @ApiProperty(AMOUNT)
  current_usage: number | string;
}

export function toCorrectionView({ correction, currentUsage }: CorrectionResult): CorrectionView {
  const isGauge = correction.period.getTime() === ALWAYS_START.getTime();
  return {
    event_id: correction.event_id,
    corrects: correction.reverses!,
    metric: correction.metric,
    quantity: amountOf(correction.increment),
    reason: correction.reason!,
    period_start: isGauge ? null : correction.period.toISOString(),
    corrected_at: correction.received_at.toISOString(),
    current_usage: currentUsage,
  };
}
