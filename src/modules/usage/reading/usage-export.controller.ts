import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access } from '../../../platform/http/access';
import { UsageExportQueryDto } from './usage-export.dto';
import { ExportRequest, UsageExport } from './usage-export';
import { refuseBackwards } from './usage-span';

/** The ledger as a file. */
@ApiTags('Usage')
@Controller('v1/billings/usage/export')
export class UsageExportController {
  constructor(private readonly exports: UsageExport) {}

  /**
   * The events of the ledger as CSV (RFC 4180, UTF-8, a header, the oldest first), of any size. A text that a
   * spreadsheet would take for a formula has an apostrophe before it. An export that breaks off ends without
   * the end of its chunks, so that clients notice.
   */
  @Get()
  @Access('usage:read')
  @ApiProduces('text/csv')
  @ApiOkResponse({
    description:
      'event_id, event_type, metric, quantity, subject, timestamp, received_at, period_start, corrects, reason, metadata',
    content: { 'text/csv': { schema: { type: 'string' } } },
  })
  async export(
    @Query() query: UsageExportQueryDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const wanted = { from: query.from ?? null, to: query.to ?? null, metric: query.metric ?? null };
    refuseBackwards(wanted.from, wanted.to);
    // Who only asks for the head is not to make the database work.
    const rows = request.method === 'HEAD' ? '' : await this.exports.open(wanted);
    void reply
      .header('content-type', 'text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="${fileName(wanted)}"`)
      .send(rows);
  }
}

/** Made of checked parts only: digits, and the key of a meter. */
function fileName({ from, to, metric }: ExportRequest): string {
  const parts = [metric, from?.slice(0, 10), to?.slice(0, 10)].filter((part) => part);
  return `${['usage', ...parts].join('_')}.csv`;
}
