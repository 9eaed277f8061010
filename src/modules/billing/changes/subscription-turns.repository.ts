import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { BillingError } from '../../../contracts/errors';
import { Clock } from '../../../platform/clock';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { SubscriptionTurnEntity } from './subscription-turn.entity';

/** Longer than all calls of one change together; after it the holder is taken for dead. */
const LEASE_MS = 45_000;
const PATIENCE_MS = 8000;

/**
 * One change of a tenant's subscription at a time, over all replicas: what is asked for is decided on what is
 * true, and no change is lost to another (Stripe has no atomic increment of a quantity). No transaction is held
 * meanwhile, since Stripe is called inside.
 */
@Injectable()
export class SubscriptionTurns extends TenantRepository<SubscriptionTurnEntity> {
  constructor(
    database: Database,
    context: TenantContext,
    private readonly clock: Clock,
  ) {
    super(SubscriptionTurnEntity, database, context);
  }

  /** @throws BillingError overloaded when the turn does not come in time; whatever the work throws */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const token = randomUUID();
    await this.waitFor(token);
    try {
      return await work();
    } finally {
      await this.remove({ token });
    }
  }

  private async waitFor(token: string): Promise<void> {
    const started = this.clock.monotonicMs();
    while (!(await this.tryTake(token))) {
      if (this.clock.monotonicMs() - started > PATIENCE_MS)
        throw new BillingError('overloaded', { retryAfter: 2 });
      await pause(20 + Math.random() * 60);
    }
  }

  private async tryTake(token: string): Promise<boolean> {
    const now = this.clock.realNow();
    const rows = await this.sql<{ token: string }>(
      `insert into subscription_turns (tenant_id, token, locked_until) values ($1, $2, $3)
       on conflict (tenant_id) do update set token = excluded.token, locked_until = excluded.locked_until
         where subscription_turns.locked_until <= $4
       returning token`,
      token,
      new Date(now.getTime() + LEASE_MS),
      now,
    );
    return rows.length > 0;
  }
}
