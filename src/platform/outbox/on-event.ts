import { SetMetadata } from '@nestjs/common';
import { EventEnvelope, EventType } from '../../contracts/events';

export const ON_EVENT = Symbol('ON_EVENT');

/** A leaf's reaction. It runs in the tenant's transaction and may only write rows of its own room. */
export type EventReaction = (event: EventEnvelope) => Promise<void>;

/**
 * Marks a method of a leaf module that reacts to recorded events: called once per event, in the transaction
 * that marks the event dispatched, after the fact's own commit. A throw delays and retries, never loses.
 */
export const OnEvent = (...types: EventType[]): MethodDecorator => SetMetadata(ON_EVENT, types);
