import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import {
  CheckoutSessionRowId,
  PlanId,
  StripeSessionId,
  StripeSubscriptionId,
  TenantId,
} from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { CheckoutRequest } from '../../../stripe/billing-gateway';
import { CheckoutSessionEntity } from './checkout-session.entity';

/** One call to Stripe with its retries, and a little more. */
const LEASE_MS = 15_000;

/** The checkout sessions of the tenant in context. */
@Injectable()
export class CheckoutSessionsRepository extends TenantRepository<CheckoutSessionEntity> {
  constructor(
    database: Database,
    context: TenantContext,
    private readonly clock: Clock,
  ) {
    super(CheckoutSessionEntity, database, context);
  }

  /** The session that is being made or open, if any. */
  lockUnfinished(): Promise<CheckoutSessionEntity | null> {
    return this.lockOne({ state: In(['creating', 'open']) });
  }

  byStripeId(stripeSessionId: StripeSessionId): Promise<CheckoutSessionEntity | null> {
    return this.findOne({ stripeSessionId });
  }

  /** Tenants with a session whose maker gave up or died, those first that wait longest. */
  interruptedAcrossTenants(limit: number): Promise<TenantId[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ tenant_id: TenantId }[]>(
        `select tenant_id from checkout_sessions
          where state = 'creating' and locked_until < clock_timestamp() order by created_at limit $1`,
        [limit],
      );
      return rows.map((row) => row.tenant_id);
    });
  }

  lock(id: CheckoutSessionRowId): Promise<CheckoutSessionEntity | null> {
    return this.lockOne({ id });
  }

  async addCreating(draft: {
    id: CheckoutSessionRowId;
    planId: PlanId;
    fingerprint: string;
    request: CheckoutRequest;
    userId: string | null;
  }): Promise<CheckoutSessionEntity> {
    const now = this.clock.now();
    const row = {
      ...draft,
      state: 'creating' as const,
      stripeSessionId: null,
      stripeSubscriptionId: null,
      url: null,
      expiresAt: null,
      completedAt: null,
      attempt: 1,
      lockedUntil: this.leaseEnd(),
      createdAt: now,
      updatedAt: now,
    };
    await this.add(row);
    return { ...row, tenantId: this.context.tenantId };
  }

  /** Takes over a session whose maker seems to have died; it is made again under the same key. */
  async takeOver(session: CheckoutSessionEntity): Promise<CheckoutSessionEntity> {
    const taken = { attempt: session.attempt + 1, lockedUntil: this.leaseEnd() };
    await this.update({ id: session.id, attempt: session.attempt }, taken);
    return { ...session, ...taken };
  }

  /** @returns false when another maker has been faster */
  async markOpen(
    session: CheckoutSessionEntity,
    opened: { stripeSessionId: StripeSessionId; url: string | null; expiresAt: Date },
  ): Promise<boolean> {
    const changed = await this.update(
      { id: session.id, state: 'creating', attempt: session.attempt },
      { ...opened, state: 'open', updatedAt: this.clock.now() },
    );
    return changed === 1;
  }

  /** Lets the next caller try at once. */
  async giveBack(session: CheckoutSessionEntity): Promise<void> {
    await this.update(
      { id: session.id, state: 'creating', attempt: session.attempt },
      { lockedUntil: new Date(0) },
    );
  }

  async finish(
    session: CheckoutSessionEntity,
    state: 'complete' | 'expired' | 'failed',
    found: {
      stripeSessionId?: StripeSessionId;
      stripeSubscriptionId?: StripeSubscriptionId | null;
      completedAt?: Date;
    } = {},
  ): Promise<void> {
    await this.update({ id: session.id }, { ...found, state, updatedAt: this.clock.now() });
  }

  private leaseEnd(): Date {
    return new Date(this.clock.realNow().getTime() + LEASE_MS);
  }
}
