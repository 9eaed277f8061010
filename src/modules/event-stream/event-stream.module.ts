import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { EventPublisher } from '../../platform/outbox/event-publisher';
import { OutboxRelay } from '../../platform/outbox/outbox-relay';
import { EventsController } from './events.controller';
import { EventsRepository } from './events.repository';
import { EventsService } from './events.service';
import { SnsPublisher } from './sns-publisher';

/** The facts on their way to machines: relayed to SNS, and read again by who missed some. */
@Module({
  imports: [DiscoveryModule],
  controllers: [EventsController],
  providers: [
    EventsRepository,
    EventsService,
    SnsPublisher,
    { provide: EventPublisher, useExisting: SnsPublisher },
    OutboxRelay,
  ],
  exports: [OutboxRelay],
})
export class EventStreamModule {}
