import { Injectable } from '@nestjs/common';
import type { TenantId } from '../../../contracts/ids';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';

/** An event that was not counted. */
export interface RefusedEvent {
  readonly tenantId: TenantId;
  readonly eventId: string;
  readonly metric: string;
  /** A decimal text; below 0 for a decrement. */
  readonly quantity: string;
  readonly code: string;
  readonly refusedAt: Date;
  readonly times: number;
}

/** Why an event was not counted, as it is read back. */
export interface Refusal {
  readonly metric: string;
  readonly quantity: string;
  readonly code: string;
  readonly refused_at: Date;
  readonly times: number;
}

/** Why events were not counted: one row for each, for whoever asks later. Nothing is decided on these. */
@Injectable()
export class UsageRefusalLogRepository {
  constructor(
    private readonly database: Database,
    private readonly context: TenantContext,
  ) {}

  /** The last refusal of an event of the tenant in the context. */
  async find(eventId: string): Promise<Refusal | null> {
    const [refusal] = await this.database.inTenant((manager) =>
      manager.query<Refusal[]>(
        `select metric_name as metric, quantity::text, code, refused_at, times
           from usage_refusals where tenant_id = $1 and event_id = $2`,
        [this.context.tenantId, eventId],
      ),
    );
    return refusal ?? null;
  }

  /** Notes refusals of many tenants, no event twice. Tenants that are gone are left out. */
  async noteAcrossTenants(refused: readonly RefusedEvent[]): Promise<void> {
    await this.database.acrossTenants((manager) =>
      manager.query(
        // In one order, so that two processes never wait for each other in a circle.
        `insert into usage_refusals as r (tenant_id, event_id, metric_name, quantity, code, refused_at, times)
         select tenant, event, metric, quantity, code, at, times
           from unnest($1::uuid[], $2::text[], $3::text[], $4::numeric[], $5::text[], $6::timestamptz[], $7::int[])
             as n (tenant, event, metric, quantity, code, at, times)
           join tenants t on t.id = tenant
          order by tenant, event
         on conflict (tenant_id, event_id) do update
           set metric_name = excluded.metric_name, quantity = excluded.quantity, code = excluded.code,
               refused_at = excluded.refused_at, times = r.times + excluded.times`,
        [
          refused.map(({ tenantId }) => tenantId),
          refused.map(({ eventId }) => eventId),
          refused.map(({ metric }) => metric),
          refused.map(({ quantity }) => quantity),
          refused.map(({ code }) => code),
          refused.map(({ refusedAt }) => refusedAt),
          refused.map(({ times }) => times),
        ],
      ),
    );
  }
}
