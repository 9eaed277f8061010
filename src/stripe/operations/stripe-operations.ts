import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { BillingError } from '../../contracts/errors';
import { Clock } from '../../platform/clock';
import { TenantContext } from '../../platform/database/tenant-context';
import { RequestContext } from '../../platform/request-context';
import { isStoredFailure, StripeFailure } from '../stripe-failures';
import { StripeOperationEntity } from './stripe-operation.entity';
import { StripeOperationsRepository } from './stripe-operations.repository';

const PATIENCE_MS = 9000;
/** A key that is spent on a stored failure is followed by a new one; a second time the janitor comes again. */
const MOST_KEYS = 2;

/** How operations of one kind are carried out, whoever does it: the caller, the next caller, or the janitor. */
export interface OperationHandler<Request extends object> {
  /** Sends the request under the key; answers the id of the object. */
  send: (request: Request, idempotencyKey: string) => Promise<string>;
  /** Looks for the object when a key is spent on a failure; answers its id, or null. */
  find: (request: Request, idempotencyKey: string) => Promise<string | null>;
  /** What the caller would have done with the object, when the janitor got it; it may run twice. */
  settled?: (objectId: string) => Promise<unknown>;
}

/**
 * What is wanted of Stripe: one object per tenant and intent, whoever asks and however often. With `send` and
 * `find` of its own the janitor cannot settle it; a kind that is announced with `handle` needs neither.
 */
export interface WantedObject<Request extends object> extends Partial<OperationHandler<Request>> {
  intent: string;
  kind: string;
  request: Request;
}

/**
 * Carries out what we want from Stripe exactly once (I14): the row first, the key derived from it, the same
 * request on every attempt. A process that dies in between leaves a row that the next caller, or the janitor,
 * resumes. What belongs to no tenant (the catalog) is kept under the system's id.
 */
@Injectable()
export class StripeOperations {
  private readonly inFlight = new Map<string, Promise<string>>();
  private readonly handlers = new Map<string, OperationHandler<object>>();

  constructor(
    private readonly operations: StripeOperationsRepository,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
    private readonly clock: Clock,
  ) {}

  /** Announces a kind of operation, at start, so that the janitor can settle those that were left behind. */
  handle<Request extends object>(kind: string, handler: OperationHandler<Request>): void {
    if (this.handlers.has(kind)) throw new Error(`Two handlers for Stripe operations of kind ${kind}`);
    // A row's request has the shape that its kind's caller gave it.
    this.handlers.set(kind, handler as unknown as OperationHandler<object>);
  }

  /** The kinds that the janitor can settle. */
  get kinds(): string[] {
    return [...this.handlers.keys()];
  }

  /**
   * @returns the id of the one object in Stripe
   * @throws BillingError stripe_unavailable; StripeFailure when Stripe refuses the request
   */
  async once<Request extends object>(wanted: WantedObject<Request>): Promise<string> {
    const key = `${this.tenantContext.tenantId}:${wanted.intent}`;
    const running = this.inFlight.get(key);
    if (running) return running;
    const work = this.carryOut(wanted).finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, work);
    return work;
  }

  /**
   * Settles an operation of the tenant in context that its caller left behind.
   * @returns what became of it; null when somebody else has it, or it is settled already
   */
  async resume(
    intent: string,
  ): Promise<{ kind: string; result: 'succeeded' | 'refused' | 'unknown' } | null> {
    for (let keys = 1; ; keys += 1) {
      const operation = await this.operations.takeUp(intent);
      if (!operation) return null;
      const { kind } = operation;
      const handler = this.handlers.get(kind);
      if (!handler) throw new Error(`No handler for Stripe operations of kind ${kind}`);
      try {
        const id = await this.attempt(operation, handler);
        if (id) {
          await handler.settled?.(id);
          return { kind, result: 'succeeded' };
        }
        if (keys === MOST_KEYS) return { kind, result: 'unknown' };
      } catch (error) {
        if (error instanceof StripeFailure) return { kind, result: 'refused' };
        if (error instanceof BillingError && error.code === 'stripe_unavailable')
          return { kind, result: 'unknown' };
        throw error;
      }
    }
  }

  /** What was made is gone in Stripe: the next caller makes another. */
  forget(intent: string): Promise<void> {
    return this.operations.forgetIntent(intent);
  }

  private async carryOut<Request extends object>(wanted: WantedObject<Request>): Promise<string> {
    const handler = this.handlerOf(wanted);
    const giveUpAt = Math.min(this.clock.monotonicMs() + PATIENCE_MS, this.requestContext.answerBy);
    while (this.clock.monotonicMs() < giveUpAt) {
      const turn = await this.operations.takeTurn(
        wanted.intent,
        wanted.kind,
        wanted.request as Record<string, unknown>,
      );
      if (turn.kind === 'done') return turn.stripeObjectId;
      if (turn.kind === 'wait') {
        await pause(50 + Math.random() * 100);
        continue;
      }
      const id = await this.attempt(turn.operation, handler);
      if (id) return id;
    }
    throw new BillingError('stripe_unavailable', { retryAfter: 2 });
  }

  private handlerOf<Request extends object>(wanted: WantedObject<Request>): OperationHandler<object> {
    const { send, find, kind } = wanted;
    const handler = send && find ? { send, find } : this.handlers.get(kind);
    if (!handler) throw new Error(`Say how Stripe operations of kind ${kind} are carried out`);
    return handler as unknown as OperationHandler<object>;
  }

  /** One try, whose outcome is written down; null when a new key is to be tried. */
  private async attempt(
    operation: StripeOperationEntity,
    handler: OperationHandler<object>,
  ): Promise<string | null> {
    try {
      const id = await this.sendOrFind(operation, handler);
      if (id) await this.operations.succeed(operation, id);
      else await this.operations.renew(operation);
      return id;
    } catch (error) {
      if (error instanceof StripeFailure) await this.operations.forget(operation);
      else await this.operations.giveBack(operation);
      throw error;
    }
  }

  /** When the key is spent on a stored failure, the object is looked for before a new key is taken. */
  private async sendOrFind(
    operation: StripeOperationEntity,
    handler: OperationHandler<object>,
  ): Promise<string | null> {
    const key = `tb_${operation.id}`;
    try {
      return await handler.send(operation.request, key);
    } catch (error) {
      if (!isStoredFailure(error)) throw error;
      return handler.find(operation.request, key);
    }
  }
}
