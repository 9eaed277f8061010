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
      const id = await this.attempt(turn.operation, wanted);
      if (id) return id;
    }
    throw new BillingError('stripe_unavailable', { retryAfter: 2 });
  }

  /** One try, whose outcome is written down; null when a new key is to be tried. */
  private async attempt<Request extends object>(
    operation: StripeOperationEntity,
    wanted: WantedObject<Request>,
  ): Promise<string | null> {
    const request = operation.request as Request;
    try {
      const id = await this.sendOrFind(operation, wanted, request);
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
  private async sendOrFind<Request extends object>(
    operation: StripeOperationEntity,
    wanted: WantedObject<Request>,
    request: Request,
  ): Promise<string | null> {
    try {
      return await wanted.send(request, `tb_${operation.id}`);
    } catch (error) {
      if (!isStoredFailure(error)) throw error;
      return wanted.find(request);
    }
  }
}
