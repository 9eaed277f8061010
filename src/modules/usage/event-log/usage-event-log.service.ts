import { Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import type { Aggregation } from '../../../domain/plan-limits';
import { MetersMemory } from '../../pricing/meters-memory';
import { MetersService } from '../../pricing/meters.service';
import { EventFilter, UsageEvent, UsageEventsRepository } from '../ledger/usage-events.repository';
import { Refusal, UsageRefusalLogRepository } from './usage-refusal-log.repository';

/** What is known about an event id: what the ledger holds, and why it was refused last, if it was. */
export interface EventFate {
  readonly eventId: string;
  readonly event: UsageEvent | null;
  /** How the event's meter counts; null when nobody knows any more. */
  readonly rule: Aggregation | null;
  readonly refusal: Refusal | null;
}

/** What happened to events: counted where, or why not. */
@Injectable()
export class UsageEventLog {
  constructor(
    private readonly events: UsageEventsRepository,
    private readonly refusals: UsageRefusalLogRepository,
    private readonly meters: MetersMemory,
    private readonly allMeters: MetersService,
  ) {}

  /**
   * An event of the tenant in the context.
   * @throws BillingError not_found
   */
  async find(eventId: string): Promise<EventFate> {
    const event = await this.events.get(eventId);
    const refusal = await this.refusals.find(eventId);
    if (!event && !refusal) throw new BillingError('not_found');
    return { eventId, event, rule: event && (await this.ruleOf(event.metric)), refusal };
  }

  /** The events of the ledger, newest first. */
  async page(
    filter: EventFilter,
    after: { timestamp: string; eventId: string } | null,
    limit: number,
  ): Promise<(EventFate & { event: UsageEvent })[]> {
    const events = await this.events.page(filter, after, limit);
    const rules = new Map<string, Aggregation | null>();
    for (const { metric } of events) if (!rules.has(metric)) rules.set(metric, await this.ruleOf(metric));
    return events.map((event) => ({
      eventId: event.event_id,
      event,
      rule: rules.get(event.metric)!,
      refusal: null,
    }));
  }

  private async ruleOf(metric: string): Promise<Aggregation | null> {
    const inUse = (await this.meters.all()).get(metric);
    return (inUse ?? (await this.allMeters.find(metric)))?.aggregation ?? null;
  }
}
