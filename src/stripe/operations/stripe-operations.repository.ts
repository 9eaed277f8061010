import { Injectable } from '@nestjs/common';
import { OperationId, TenantId } from '../../contracts/ids';
import { Clock } from '../../platform/clock';
import { uuidV7 } from '../../platform/crypto';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';
import { TenantRepository } from '../../platform/database/tenant-repository';
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
        startedAt: now,
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

  /** Takes up an operation whose outcome nobody waits for any more; null when there is nothing to do. */
  takeUp(intent: string): Promise<StripeOperationEntity | null> {
    return this.database.inNewTransaction(async () => {
      const now = this.clock.realNow();
      const operation = await this.lockOne({ intent });
      if (!operation || operation.state === 'succeeded' || operation.lockedUntil > now) return null;
      const lockedUntil = new Date(now.getTime() + LEASE_MS);
      const attempts = operation.attempts + 1;
      await this.update({ intent }, { lockedUntil, attempts, state: 'pending' });
      return { ...operation, attempts, lockedUntil };
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

  /** Operations of these kinds whose holder gave up or died, those first that waited longest. */
  unsettledAcrossTenants(
    kinds: readonly string[],
    limit: number,
  ): Promise<{ tenantId: TenantId; intent: string }[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ tenant_id: TenantId; intent: string }[]>(
        `select tenant_id, intent from stripe_operations
          where state in ('pending', 'unknown') and kind = any($1) and locked_until < clock_timestamp()
          order by updated_at limit $2`,
        [kinds, limit],
      );
      return rows.map((row) => ({ tenantId: row.tenant_id, intent: row.intent }));
    });
  }

  /** How many operations have no outcome yet, and since when the oldest. */
  waitingAcrossTenants(): Promise<{ count: number; oldestSeconds: number }> {
    return this.acrossTenants(async (manager) => {
      const [row] = await manager.query<{ count: string; age: string | null }[]>(
        `select count(*) as count, extract(epoch from clock_timestamp() - min(started_at)) as age
           from stripe_operations where state in ('pending', 'unknown')`,
      );
      return { count: Number(row?.count ?? 0), oldestSeconds: Math.max(0, Number(row?.age ?? 0)) };
    });
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
