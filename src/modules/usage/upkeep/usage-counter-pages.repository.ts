import { Injectable } from '@nestjs/common';
import type { TenantId } from '../../../contracts/ids';
import { Database } from '../../../platform/database/database';
import { CounterName } from '../cache/redis-usage.service';

/** A counter as jobs see it. */
export interface CounterRow extends CounterName {
  readonly periodEnd: Date | null;
  /** A decimal text. */
  readonly used: string;
  readonly updatedAt: Date;
}

const PAGE = 500;
const COLUMNS = `tenant_id as "tenantId", metric_name as metric, period_start as "periodStart",
  period_end as "periodEnd", used::text, updated_at as "updatedAt"`;
const AFTER = `($2::uuid is null or (tenant_id, metric_name, period_start) > ($2::uuid, $3::text, $4::timestamptz))
  order by tenant_id, metric_name, period_start limit ${PAGE}`;

/** Counters that were changed, or all. Those whose events are gone cannot be recounted. */
const CHANGED = `select ${COLUMNS} from usage_counters
  where events_kept = 'all' and ($1::timestamptz is null or updated_at >= $1) and ${AFTER}`;

/** Open counters whose usage, limit or alert rules were changed, or all open ones. */
const TO_EVALUATE = `select ${COLUMNS} from usage_counters
  where closed_at is null and (used > 0 or period_end is null) and ($1::timestamptz is null or updated_at >= $1 or tenant_id in (
    select tenant_id from tenant_entitlements where updated_at >= $1
    union all select tenant_id from alert_rules where updated_at >= $1)) and ${AFTER}`;

/** Counters of the periods that a moment is the end of, or lies in. */
const COUNTED_AT = `select ${COLUMNS} from usage_counters
  where events_kept = 'all' and period_start < $1 and (period_end is null or period_end >= $1) and ${AFTER}`;

/** All tenants' counters in pages, in the order of their keys: any number of them in constant memory. */
@Injectable()
export class UsageCounterPagesRepository {
  constructor(private readonly database: Database) {}

  /** Changed since then by the clock of business, closed ones too; null = all. */
  changedAcrossTenants(since: Date | null): AsyncGenerator<CounterRow[]> {
    return this.pages((after) => this.readAcrossTenants(CHANGED, since, after));
  }

  /** Which levels of limits could have been reached since then; null = all open ones. */
  toEvaluateAcrossTenants(since: Date | null): AsyncGenerator<CounterRow[]> {
    return this.pages((after) => this.readAcrossTenants(TO_EVALUATE, since, after));
  }

  /** Which counters held right before this moment. */
  countedAtAcrossTenants(moment: Date): AsyncGenerator<CounterRow[]> {
    return this.pages((after) => this.readAcrossTenants(COUNTED_AT, moment, after));
  }

  private async *pages(
    read: (after: CounterRow | null) => Promise<CounterRow[]>,
  ): AsyncGenerator<CounterRow[]> {
    for (let after: CounterRow | null = null; ;) {
      const page = await read(after);
      if (page.length > 0) yield page;
      if (page.length < PAGE) return;
      after = page.at(-1)!;
    }
  }

  private readAcrossTenants(
    query: string,
    moment: Date | null,
    after: CounterRow | null,
  ): Promise<CounterRow[]> {
    return this.database.acrossTenants((manager) =>
      manager.query<CounterRow[]>(query, [
        moment,
        after?.tenantId ?? null,
        after?.metric ?? null,
        after?.periodStart ?? null,
      ]),
    );
  }
}

/** The tenants of a page, each once. */
export function tenantsOf(page: readonly CounterName[]): TenantId[] {
  return [...new Set(page.map(({ tenantId }) => tenantId))];
}
