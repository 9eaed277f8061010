import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import type { TenantId } from '../../../contracts/ids';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { CopyOut } from '../../../platform/database/copy-out';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Lifecycle } from '../../../platform/lifecycle';
import { MetersService } from '../../pricing/meters.service';

/** Which events; everything is optional. Moments as ISO 8601: the first that belongs to it, the first that no longer does. */
export interface ExportRequest {
  readonly from: string | null;
  readonly to: string | null;
  readonly metric: string | null;
}

/** Each has a connection and a snapshot of the database for as long as it lasts. */
const MOST_AT_ONCE = 4;
const MOST_OF_TENANT = 2;
const TRY_AGAIN_SECONDS = 10;

/**
 * Tab, line feed, carriage return, + - = @ and their full-width forms: a spreadsheet takes a cell that begins with
 * one of these for a formula (S-44; OWASP, "CSV Injection"). Plain numbers may begin with a minus.
 */
const FORMULA_STARTS = '9, 10, 13, 43, 45, 61, 64, 65291, 65293, 65309, 65312';
const safe = (column: string): string =>
  `case when ascii(${column}) in (${FORMULA_STARTS}) and ${column} !~ '^-?[0-9]+([.][0-9]+)?$'
     then '''' || ${column} else ${column} end`;
/** Cheaper than to_char by half, and with as many digits as there are. */
const iso = (column: string): string => `replace((${column} at time zone 'UTC')::text, ' ', 'T') || 'Z'`;

/** Formatted by Postgres: in Node it would be the service's work, a row at a time. */
const ROWS = `
  select ${safe('event_id')} as event_id, event_type, metric_name as metric, trim_scale(increment) as quantity,
         ${safe('subject')} as subject, ${iso('timestamp')} as timestamp, ${iso('received_at')} as received_at,
         case when period > 'epoch' then ${iso('period')} end as period_start,
         ${safe('reverses')} as corrects, ${safe('reason')} as reason, metadata
    from billing_events
   where tenant_id = $1::uuid and timestamp >= coalesce($2::timestamptz, '-infinity')
     and timestamp < coalesce($3::timestamptz, 'infinity') and ($4::text is null or metric_name = $4)
   order by timestamp, event_id`;

/** The usage ledger as CSV, of any size: streamed row by row, in the order in which things happened. */
@Injectable()
export class UsageExport {
  private readonly running = new Set<{ readonly tenantId: TenantId; copy: CopyOut | null }>();

  constructor(
    private readonly meters: MetersService,
    private readonly context: TenantContext,
    private readonly lifecycle: Lifecycle,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.lifecycle.onShutdown('consumers', 'usage exports', async () => {
      for (const { copy } of this.running) copy?.destroy(new Error('the service is stopping'));
    });
  }

  /**
   * Events of the tenant in the context.
   * @throws BillingError unknown_meter, rate_limited (the tenant has enough exports running), overloaded
   */
  async open({ from, to, metric }: ExportRequest): Promise<CopyOut> {
    const { tenantId } = this.context;
    if (metric !== null && !(await this.meters.find(metric))) throw new BillingError('unknown_meter');
    this.refuseTooMany(tenantId);
    const own: { readonly tenantId: TenantId; copy: CopyOut | null } = { tenantId, copy: null };
    this.running.add(own);
    try {
      own.copy = await CopyOut.open({
        url: this.config.database.url,
        name: 'tenant-billing-export',
        tenantId,
        select: ROWS,
        parameters: [tenantId, from, to, metric],
      });
      own.copy.once('close', () => this.running.delete(own));
      return own.copy;
    } catch (error) {
      this.running.delete(own);
      throw error;
    }
  }

  private refuseTooMany(tenantId: TenantId): void {
    const ofTenant = [...this.running].filter((one) => one.tenantId === tenantId).length;
    if (ofTenant >= MOST_OF_TENANT)
      throw new BillingError('rate_limited', {
        detail: `At most ${MOST_OF_TENANT} exports of a tenant run at once.`,
        retryAfter: TRY_AGAIN_SECONDS,
      });
    if (this.running.size >= MOST_AT_ONCE)
      throw new BillingError('overloaded', { retryAfter: TRY_AGAIN_SECONDS });
  }
}
