import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { BillingError } from '../../../contracts/errors';
import { Clock } from '../../../platform/clock';
import { TenantContext } from '../../../platform/database/tenant-context';
import { isStoredFailure, StripeFailure } from '../../../stripe/stripe-failures';
import { StripeOperationEntity } from './stripe-operation.entity';
import { StripeOperationsRepository } from './stripe-operations.repository';

const PATIENCE_MS = 9000;

/** What is wanted of Stripe: one object per tenant and intent, whoever asks and however often. */
export interface WantedObject<Request extends object> {
  intent: string;
  kind: string;
  request: Request;
  /** Sends the request under the key; answers the id of the object. */
  send: (request: Request, idempotencyKey: string) => Promise<string>;
  /** Looks for the object when a key is spent on a failure; answers its id, or null. */
  find: (request: Request) => Promise<string | null>;
}

/**
 * Carries out what we want from Stripe exactly once (I14): the row first, the key derived from it, the same
 * request on every attempt. A process that dies in between leaves a row that the next caller resumes.
 */
@Injectable()
export class StripeOperations {
  private readonly inFlight = new Map<string, Promise<string>>();

  constructor(
    private readonly operations: StripeOperationsRepository,
    private readonly tenantContext: TenantContext,
    private readonly clock: Clock,
  ) {}

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

  private async carryOut<Request extends object>(wanted: WantedObject<Request>): Promise<string> {
    const started = this.clock.monotonicMs();
    while (this.clock.monotonicMs() - started < PATIENCE_MS) {
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
      try {
        const request = turn.operation.request as Request;
        const id = await wanted.send(request, `tb_${turn.operation.id}`);
        await this.operations.succeed(turn.operation, id);
        return id;
      } catch (error) {
        if (isStoredFailure(error)) {
          const found = await this.settle(turn.operation, wanted);
          if (found) return found;
          continue;
        }
        if (error instanceof StripeFailure) await this.operations.forget(turn.operation);
        else await this.operations.giveBack(turn.operation);
        throw error;
      }
    }
    throw new BillingError('stripe_unavailable', { retryAfter: 2 });
  }

  /** The key is spent: the object is looked for first, and only if there is none a new key is taken. */
  private async settle<Request extends object>(
    operation: StripeOperationEntity,
    wanted: WantedObject<Request>,
  ): Promise<string | null> {
    const found = await wanted.find(operation.request as Request);
    if (found) await this.operations.succeed(operation, found);
    else await this.operations.renew(operation);
    return found;
  }
}
