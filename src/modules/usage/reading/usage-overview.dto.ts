import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches } from 'class-validator';
import type { Period } from '../../../domain/period';
import type { Aggregation, MetricKind } from '../../../domain/plan-limits';
import { GRANULARITIES } from '../../../domain/usage-buckets';
import type { Granularity } from '../../../domain/usage-buckets';
import { METRIC_KEY } from '../recording/usage-event-input';
import { AMOUNT, IsMoment, NULLABLE_AMOUNT } from './usage-fields.dto';
import { History, MEASURES, MOST_SUBJECTS, Series } from './usage-history.service';
import type { Measure } from './usage-history.service';
import type { MetricOverview } from './usage-overview.service';

const KINDS = ['flow', 'gauge', 'cap'];
const AGGREGATIONS = ['count', 'sum', 'max', 'unique', 'latest'];

/** A span of time that holds its start and not its end. */
export class UsageMonthView {
  @ApiProperty({ format: 'date-time' })
  start: string;
  @ApiProperty({ format: 'date-time' })
  end: string;
}

/** The change against the same moment of the usage month before, from the counters' daily snapshots. */
export class UsageTrendView {
  @ApiProperty({ enum: ['up', 'down', 'flat'] })
  direction: 'up' | 'down' | 'flat';

  /** To one decimal, rounded towards 0; null when there was nothing then. */
  @ApiProperty({ type: Number, nullable: true })
  percent: number | null;
}

export class UsageDayView {
  @ApiProperty({ format: 'date', example: '2026-11-20' })
  date: string;

  /** What the counter showed at the end of the day in UTC, and shows now for today. */
  @ApiProperty(AMOUNT)
  value: number | string;
}

/** How one metric stands. */
export class UsageMetricView {
  metric: string;
  name: string;

  /** flow: begins at 0 each usage month. gauge: goes up and down, never reset. cap: a limit of which nothing is counted. */
  @ApiProperty({ enum: KINDS })
  kind: MetricKind;

  @ApiProperty({ enum: AGGREGATIONS })
  aggregation: Aggregation;

  unit: string;

  @ApiProperty(AMOUNT)
  current_usage: number | string;

  /** Held by reservations. */
  @ApiProperty(AMOUNT)
  reserved: number | string;

  /** null = unlimited. */
  @ApiProperty({ type: 'integer', nullable: true })
  limit: number | null;

  /** The most that passes, grace included; null = unlimited. */
  @ApiProperty({ type: 'integer', nullable: true })
  grace_limit: number | null;

  /** Of the limit, to one decimal, rounded down so that 100 means reached; null without a limit. */
  @ApiProperty({ type: Number, nullable: true })
  percent: number | null;

  /** What may still be used before the limit, reservations counted; null = unlimited. */
  @ApiProperty(NULLABLE_AMOUNT)
  remaining: number | string | null;

  over_limit: boolean;

  /** End of the usage month; null for what is never reset. */
  @ApiProperty({ type: String, nullable: true })
  resets_at: string | null;

  /** Null when the month before is not known. */
  @ApiProperty({ type: UsageTrendView, nullable: true })
  trend: UsageTrendView | null;

  /** The last 30 days as far as they were noted, today included. */
  @ApiProperty({ type: [UsageDayView] })
  history: UsageDayView[];
}

/** All metrics that the tenant's limits name, or that it has used. */
export class UsageOverviewView {
  period: UsageMonthView;
  @ApiProperty({ type: [UsageMetricView] })
  metrics: UsageMetricView[];
}

/** Query of GET /v1/billings/usage/history. */
export class UsageHistoryQueryDto {
  @IsString()
  @Matches(METRIC_KEY)
  @ApiProperty({ pattern: METRIC_KEY.source, description: 'The meter.', example: 'email_sends' })
  metric: string;

  /** 30 days, or 12 months, before the end when left out. */
  @IsOptional()
  @IsMoment()
  @ApiPropertyOptional({ type: String, format: 'date-time' })
  from?: string;

  /** The first moment that is no longer asked for; now when left out. */
  @IsOptional()
  @IsMoment()
  @ApiPropertyOptional({ type: String, format: 'date-time' })
  to?: string;

  /** Hours (at most 744), days (400) or calendar months (60), in UTC. */
  @IsOptional()
  @IsIn(GRANULARITIES)
  @ApiPropertyOptional({ enum: GRANULARITIES, default: 'day' })
  granularity: Granularity = 'day';

  /** A series for each subject. */
  @IsOptional()
  @IsIn(['subject'])
  @ApiPropertyOptional({ enum: ['subject'] })
  group_by?: 'subject';
}

export class UsagePointView {
  /** Of the bucket. */
  @ApiProperty({ format: 'date-time' })
  start: string;

  /** Null where there is nothing to show. */
  @ApiProperty(NULLABLE_AMOUNT)
  value: number | string | null;
}

export class UsageSeriesView {
  /** Null for events without one, for the others together, and where subjects are not told apart. */
  @ApiProperty({ type: String, nullable: true })
  subject: string | null;

  /** All subjects past the first 100 together. */
  is_other: boolean;

  @ApiProperty({ type: [UsagePointView] })
  points: UsagePointView[];
}

/** How a metric went over time, by when things happened. Corrected events do not show. */
export class UsageHistoryView {
  metric: string;

  @ApiProperty({ enum: KINDS })
  kind: MetricKind;

  unit: string;

  /**
   * What a value is. total: what the events of the bucket add up to. level: what a gauge showed at the end of
   * the bucket. maximum, latest: the largest and the last of the bucket. subjects: how many different ones.
   */
  @ApiProperty({ enum: MEASURES })
  measure: Measure;

  @ApiProperty({ enum: GRANULARITIES })
  granularity: Granularity;

  @ApiProperty({ type: String, enum: ['subject'], nullable: true })
  group_by: 'subject' | null;

  /** The span in whole buckets. */
  @ApiProperty({ format: 'date-time' })
  from: string;

  @ApiProperty({ format: 'date-time' })
  to: string;

  /** By subject the largest of the whole span first, then the others together. */
  @ApiProperty({ type: [UsageSeriesView], maxItems: MOST_SUBJECTS + 1 })
  series: UsageSeriesView[];
}

export function toOverviewView({
  period,
  metrics,
}: {
  period: Period;
  metrics: readonly MetricOverview[];
}): UsageOverviewView {
  return { period: toMonthView(period), metrics: metrics.map(toMetricView) };
}

export function toMonthView({ start, end }: Period): UsageMonthView {
  return { start: start.toISOString(), end: end.toISOString() };
}

export function toHistoryView(history: History, query: UsageHistoryQueryDto): UsageHistoryView {
  const { meter, measure, from, to, buckets, series } = history;
  const starts = buckets.map((start) => start.toISOString());
  return {
    metric: meter.key,
    kind: meter.kind,
    unit: meter.unit,
    measure,
    granularity: query.granularity,
    group_by: query.group_by ?? null,
    from: from.toISOString(),
    to: to.toISOString(),
    series: series.map((one) => toSeriesView(one, starts)),
  };
}

function toMetricView(overview: MetricOverview): UsageMetricView {
  const { meter, resetsAt, trend, history } = overview;
  return {
    metric: meter.key,
    name: meter.name,
    kind: meter.kind,
    aggregation: meter.aggregation,
    unit: meter.unit,
    current_usage: overview.current_usage,
    reserved: overview.reserved,
    limit: overview.limit,
    grace_limit: overview.grace_limit,
    percent: overview.percent,
    remaining: overview.remaining,
    over_limit: overview.over_limit,
    resets_at: resetsAt?.toISOString() ?? null,
    trend,
    history: [...history],
  };
}

function toSeriesView({ subject, isOther, values }: Series, starts: readonly string[]): UsageSeriesView {
  return {
    subject,
    is_other: isOther,
    points: values.map((value, at) => ({ start: starts[at]!, value })),
  };
}
