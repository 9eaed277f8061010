import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { TenantId } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { uuidV7 } from '../../../platform/crypto';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { ScheduledChangeEntity } from './scheduled-change.entity';

export type NewScheduledChange = Pick<
  ScheduledChangeEntity,
  'billingId' | 'kind' | 'carriedBy' | 'planId' | 'quantity' | 'appliesAt' | 'stripeScheduleId'
>;

/** What waits for its day, and what became of it. */
@Injectable()
export class ScheduledChangesRepository extends TenantRepository<ScheduledChangeEntity> {
  constructor(
    database: Database,
    context: TenantContext,
    private readonly clock: Clock,
  ) {
    super(ScheduledChangeEntity, database, context);
  }

  /** The soonest first. */
  pending(): Promise<ScheduledChangeEntity[]> {
    return this.find({ state: 'pending' }, { appliesAt: 'ASC', id: 'ASC' });
  }

  pendingOf(kind: ScheduledChangeEntity['kind']): Promise<ScheduledChangeEntity | null> {
    return this.findOne({ state: 'pending', kind });
  }

  byId(id: string): Promise<ScheduledChangeEntity | null> {
    return this.findOne({ id });
  }

  /** False when one of its kind waits already. */
  schedule(change: NewScheduledChange): Promise<boolean> {
    const now = this.clock.now();
    return this.addOnce({
      ...change,
      id: uuidV7(this.clock.realNow().getTime()),
      state: 'pending',
      attempts: 0,
      error: null,
      createdAt: now,
      updatedAt: now,
      settledAt: null,
    });
  }

  /** Settles what still waits; the first to say so wins. */
  async settle(
    where: { id: string } | { kind: ScheduledChangeEntity['kind'] },
    state: 'applied' | 'canceled' | 'failed',
    error: string | null = null,
  ): Promise<boolean> {
    const now = this.clock.now();
    const settled = await this.update(
      { ...where, state: 'pending' },
      { state, error, updatedAt: now, settledAt: now },
    );
    return settled > 0;
  }

  /** The tenant's changes end with its subscription. */
  async cancelAll(): Promise<void> {
    const now = this.clock.now();
    await this.update(
      { state: 'pending', kind: In(['plan', 'resume']) },
      { state: 'canceled', updatedAt: now, settledAt: now },
    );
  }

  async noteFailure(id: string, error: string): Promise<void> {
    await this.sql(
      `update scheduled_changes set attempts = attempts + 1, error = $3, updated_at = $4
       where tenant_id = $1 and id = $2`,
      id,
      error,
      this.clock.now(),
    );
  }

  /** When the next that our job carries out is due; null when none waits. */
  async nextDueAcrossTenants(): Promise<Date | null> {
    return this.acrossTenants(async (manager) => {
      const [row] = await manager.query<{ next: Date | null }[]>(
        `select min(applies_at) as next from scheduled_changes where state = 'pending' and carried_by = 'job'`,
      );
      return row?.next ?? null;
    });
  }

  /** Those that our job has to carry out now, the oldest first. */
  async dueAcrossTenants(now: Date, limit: number): Promise<{ tenantId: TenantId; id: string }[]> {
    return this.acrossTenants(async (manager) => {
      const rows = await manager.query<{ tenant_id: TenantId; id: string }[]>(
        `select tenant_id, id from scheduled_changes
         where state = 'pending' and carried_by = 'job' and applies_at <= $1
         order by applies_at limit $2`,
        [now, limit],
      );
      return rows.map((row) => ({ tenantId: row.tenant_id, id: row.id }));
    });
  }
}
