import { ApiProperty } from '@nestjs/swagger';
import { Matches } from 'class-validator';

const PERIOD = /^(?:current|previous|(?:19[7-9]\d|[2-9]\d{3})-(?:0[1-9]|1[0-2]))$/;

/** Query of GET /v1/billings/leaderboards/:metric. */
export class LeaderboardQueryDto {
  /** The usage month that runs, the one before, or the one that begins in a calendar month such as `2026-11`. */
  @Matches(PERIOD)
  @ApiProperty({ pattern: PERIOD.source, required: false, default: 'current' })
  period: string = 'current';
}

/** One place. */
export class LeaderboardEntryView {
  /** From 1; equal usage is an equal rank. */
  @ApiProperty({ type: 'integer' })
  rank: number;

  subject: string;

  /** An integer when that is safe, else a decimal text. */
  @ApiProperty({ oneOf: [{ type: 'integer' }, { type: 'string' }] })
  current_usage: number | string;
}

export class LeaderboardPeriodView {
  @ApiProperty({ format: 'date-time' })
  start: string;

  @ApiProperty({ format: 'date-time' })
  end: string;
}

/** Subjects of the tenant, ranked. */
export class LeaderboardView {
  metric: string;
  period: LeaderboardPeriodView;

  @ApiProperty({ type: [LeaderboardEntryView] })
  entries: LeaderboardEntryView[];

  /** How many have a rank, shown or not. */
  @ApiProperty({ type: 'integer' })
  total_subjects: number;

  /** How many the plan shows; null = all, of which an answer has at most 1,000. */
  @ApiProperty({ type: 'integer', nullable: true })
  limit: number | null;

  /** Says so when not all are shown. */
  @ApiProperty({ type: String, nullable: true, example: 'Showing top 10 of 25 (plan limit)' })
  note: string | null;
}
