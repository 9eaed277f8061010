import { Injectable } from '@nestjs/common';
import { EventsRepository, NumberedEvent } from './events.repository';

/** What was told about the tenant of the context, and in which order. */
@Injectable()
export class EventsService {
  constructor(private readonly events: EventsRepository) {}

  /** The events after a place in the tenant's stream, in order. */
  after(sequence: number, limit: number): Promise<NumberedEvent[]> {
    return this.events.after(sequence, limit);
  }
}
