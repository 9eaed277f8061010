import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { METRIC_KEY } from '../recording/usage-event-input';
import { IsMoment } from './usage-fields.dto';

/** Query of GET /v1/billings/usage/export. */
export class UsageExportQueryDto {
  /** The first moment that is asked for; the beginning when left out. */
  @IsOptional()
  @IsMoment()
  @ApiPropertyOptional({ type: String, format: 'date-time' })
  from?: string;

  /** The first moment that is no longer asked for; everything until now when left out. */
  @IsOptional()
  @IsMoment()
  @ApiPropertyOptional({ type: String, format: 'date-time' })
  to?: string;

  /** Only events of this meter. */
  @IsOptional()
  @Matches(METRIC_KEY)
  @ApiPropertyOptional({ pattern: METRIC_KEY.source })
  metric?: string;
}
