import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BillingError } from '../../../contracts/errors';
import { Access } from '../../../platform/http/access';
import { Cursors } from '../../../platform/http/cursor';
import { toPage } from '../../../platform/http/page.dto';
import { ANY_EVENT_ID } from '../corrections/usage-corrections.dto';
import { toUsageEventView, UsageEventPage, UsageEventsQueryDto, UsageEventView } from './usage-event-log.dto';
import { UsageEventLog } from './usage-event-log.service';

/** What happened to events. */
@ApiTags('Usage')
@Controller('v1/billings/usage/events')
export class UsageEventLogController {
  constructor(
    private readonly log: UsageEventLog,
    private readonly cursors: Cursors,
  ) {}

  /** The events of the ledger, newest first: when they happened, not when they came. */
  @Get()
  @Access('usage:read')
  async list(@Query() query: UsageEventsQueryDto): Promise<UsageEventPage> {
    const { limit, cursor, metric, subject, from, to } = query;
    const list = `usage-events?${JSON.stringify([metric ?? null, subject ?? null, from ?? null, to ?? null])}`;
    const position = cursor === undefined ? null : this.cursors.decode(list, cursor);
    const after = position && { timestamp: String(position[0]), eventId: String(position[1]) };
    const filter = {
      metric,
      subject,
      from: from === undefined ? undefined : new Date(from),
      to: to === undefined ? undefined : new Date(to),
    };
    return toPage(await this.log.page(filter, after, limit + 1), limit, toUsageEventView, ({ event }) =>
      this.cursors.encode(list, [event.timestamp, event.event_id]),
    );
  }

  /** One event: where it was counted and as what, by what it was corrected, or why it was refused. */
  @Get(':id')
  @Access('usage:read')
  async get(@Param('id') id: string): Promise<UsageEventView> {
    if (!ANY_EVENT_ID.test(id)) throw new BillingError('not_found');
    return toUsageEventView(await this.log.find(id));
  }
}
