import { Injectable } from '@nestjs/common';
import { OperationId } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { uuidV7 } from '../../../platform/crypto';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { StripeOperationEntity } from './stripe-operation.entity';

/** Long enough for one call with its retries; after it another process may take over. */
const LEASE_MS = 15_000;

export type OperationTurn =
  | { kind: 'done'; stripeObjectId: string }
  | { kind: 'yours'; operation: StripeOperationEntity }
  | { kind: 'wait' };

/** The operations of the tenant in context. */
@Injectable()
export class StripeOperationsRepository extends TenantRepository<StripeOperationEntity> {
  constructor(
    database: Database,
    context: TenantContext,
    private readonly clock: Clock,
  ) {
    super(StripeOperationEntity, database, context);
  }

  /** Whose turn it is: the first to write the row carries it out, the others wait for its outcome. */
  takeTurn(intent: string, kind: string, request: Record<string, unknown>): Promise<OperationTurn> {
    return this.database.inNewTransaction(async () => {
      const now = this.clock.realNow();
      const lockedUntil = new Date(now.getTime() + LEASE_MS);
      await this.addOnce({
        id: uuidV7(now.getTime()) as OperationId,
        intent,
        kind,
        // A jsonb column takes any object; TypeORM's partial type does not see that.
        request: request as object,
        state: 'pending',
        attempts: 0,
        lockedUntil: new Date(0),
        createdAt: this.clock.now(),
        updatedAt: this.clock.now(),
      });
      const operation = await this.lockOne({ intent });
      if (!operation) throw new Error(`operation ${intent} is not visible`);
      if (operation.state === 'succeeded' && operation.stripeObjectId)
        return { kind: 'done', stripeObjectId: operation.stripeObjectId };
      if (operation.lockedUntil > now) return { kind: 'wait' };
      const attempts = operation.attempts + 1;
      await this.update({ intent }, { lockedUntil, attempts, state: 'pending', updatedAt: this.clock.now() });
      return { kind: 'yours', operation: { ...operation, attempts, lockedUntil } };
    });
  }

  async succeed(operation: StripeOperationEntity, stripeObjectId: string): Promise<void> {
    await this.update(
      { intent: operation.intent },
      { state: 'succeeded', stripeObjectId, errorCode: null, updatedAt: this.clock.now() },
    );
  }

  /** Gives the turn back: the next attempt asks again with the same key and request. */
  async giveBack(operation: StripeOperationEntity): Promise<void> {
    await this.update(
      { intent: operation.intent, attempts: operation.attempts, state: 'pending' },
      { state: 'unknown', lockedUntil: new Date(0), updatedAt: this.clock.now() },
    );
  }

  /** Takes a new id, and so a new key, for the same request; free for the next attempt at once. */
  async renew(operation: StripeOperationEntity): Promise<void> {
    const id = uuidV7(this.clock.realNow().getTime()) as OperationId;
    await this.update({ intent: operation.intent, id: operation.id }, { id, lockedUntil: new Date(0) });
  }

  /** What was made is gone in Stripe: the next caller makes another. */
  async forgetIntent(intent: string): Promise<void> {
    await this.remove({ intent });
  }

  /** Stripe said no: the next attempt may ask for something else, under a new key. */
  async forget(operation: StripeOperationEntity): Promise<void> {
    await this.remove({ intent: operation.intent, id: operation.id });
  }
}
