import { Injectable } from '@nestjs/common';
import { EventType } from '../../contracts/events';
import { SYSTEM_TENANT, TenantId } from '../../contracts/ids';
import { Clock } from '../clock';
import { uuidV7 } from '../crypto';
import { Database } from '../database/database';
import { TenantContext } from '../database/tenant-context';
import { OutboxRelaySignal } from './outbox-relay-signal';

/** A fact worth telling: what changed, as a full snapshot, and what it was before where it changed. */
export interface RecordedFact {
  type: EventType;
  aggregateType: string;
  aggregateId: string;
  data: Record<string, unknown>;
  previous?: Record<string, unknown> | null;
}

/** Records facts in the transaction that makes them true; the relay tells them after the commit. */
@Injectable()
export class Outbox {
  constructor(
    private readonly database: Database,
    private readonly context: TenantContext,
    private readonly clock: Clock,
    private readonly signal: OutboxRelaySignal,
  ) {}

  /**
   * Records a fact of the tenant in the context; without a tenant it joins the system stream (decisions 6).
   * Lock the aggregate first, so that the order of ids is the order of its commits (decisions 19).
   * @throws Error outside a transaction: a fact without its transaction could be told although it never was
   */
  async record(fact: RecordedFact): Promise<void> {
    if (!this.database.isInTransaction) throw new Error(`${fact.type} recorded outside a transaction`);
    const tenantId: TenantId = this.context.tenantIdOrNull ?? SYSTEM_TENANT;
    await this.database.inTransaction((manager) =>
      manager.query(
        `insert into outbox (event_id, tenant_id, type, aggregate_type, aggregate_id, data, previous, occurred_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          uuidV7(this.clock.realNow().getTime()),
          tenantId,
          fact.type,
          fact.aggregateType,
          fact.aggregateId,
          fact.data,
          fact.previous ?? null,
          this.clock.now(),
        ],
      ),
    );
    this.signal.wake();
  }
}
