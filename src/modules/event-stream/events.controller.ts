import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Access } from '../../platform/http/access';
import { Cursors } from '../../platform/http/cursor';
import { toPage } from '../../platform/http/page.dto';
import { EventPage, EventsQueryDto, toEnvelope } from './events.dto';
import { EventsService } from './events.service';

/** The tenant's own stream, for consumers that catch up or look for gaps. */
@ApiTags('Events')
@Controller('v1/billings/events')
export class EventsController {
  constructor(
    private readonly events: EventsService,
    private readonly cursors: Cursors,
  ) {}

  /** What happened to the tenant. Oldest first, so that a reader can simply go on with the `sequence` it saw last. */
  @Get()
  @Access('billing:read')
  async list(@Query() query: EventsQueryDto): Promise<EventPage> {
    const after = query.cursor
      ? Number(this.cursors.decode('events', query.cursor)[0])
      : query.after_sequence;
    return toPage(await this.events.after(after, query.limit + 1), query.limit, toEnvelope, (event) =>
      this.cursors.encode('events', [event.sequence]),
    );
  }
}
