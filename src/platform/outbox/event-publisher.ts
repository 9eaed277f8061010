import { EventEnvelope } from '../../contracts/events';

/** Port to the outside stream (SNS); implemented by modules/event-stream. */
export abstract class EventPublisher {
  /** False when nothing is configured: the outbox then keeps events for catch-up only. */
  abstract get isConfigured(): boolean;

  /**
   * Publishes at most ten events in order.
   * @returns ids of the events that were accepted; the others are tried again
   */
  abstract publish(events: EventEnvelope[]): Promise<Set<string>>;
}
