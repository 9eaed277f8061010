import { Inject, Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { TenantId } from '../../../contracts/ids';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Outbox } from '../../../platform/outbox/outbox';
import { EntitlementsMemory, limitHeld } from '../../entitlements/entitlements-memory';
import { MetersMemory } from '../../pricing/meters-memory';
import { Meter } from '../../pricing/meters.service';
import { UsageArchiveRepository } from './usage-archive.repository';
import type { ArchivedUsage, TenantPeriod } from './usage-archive.repository';
import { toJson } from '../recording/usage-result';

/** Makes sure that a run may still write, within the transaction that does; throws when it may not. */
export type Hold = () => Promise<void>;

/**
 * Ends a tenant's usage month: its numbers are kept, nothing more is counted in it, and the tenant is told, once.
 * The next month's counters begin at 0 by themselves, since they are others.
 */
@Injectable()
export class UsageClosing {
  constructor(
    private readonly archive: UsageArchiveRepository,
    private readonly entitlements: EntitlementsMemory,
    private readonly meters: MetersMemory,
    private readonly context: TenantContext,
    private readonly outbox: Outbox,
    private readonly audit: AuditRecorder,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** False when there was nothing to close, or a reservation is held in the period again. */
  async close(period: TenantPeriod, hold: Hold): Promise<boolean> {
    const limitOf = await this.limitsOf(period.tenantId);
    const meters = await this.meters.all();
    return this.context.run(period.tenantId, () => this.closeLocked(period, limitOf, meters, hold));
  }

  @Transactional()
  protected async closeLocked(
    { tenantId, periodStart, periodEnd }: TenantPeriod,
    limitOf: (metric: string) => number | null,
    meters: ReadonlyMap<string, Meter>,
    hold: Hold,
  ): Promise<boolean> {
    await hold();
    const open = await this.archive.lockOpen(periodStart);
    if (open.length === 0 || open.some(({ reserved }) => Number(reserved) !== 0)) return false;
    // An event that was on its way at the end may have made another counter of a period that was told already.
    const wasTold = await this.archive.isClosed(periodStart);
    const counters = open.map((counter) => ({ ...counter, limit: limitOf(counter.metric) }));
    const now = this.clock.now();
    await this.archive.close(periodStart, counters, now);
    if (wasTold || counters.every(({ used }) => Number(used) === 0)) return true;
    const gauges = (await this.archive.gauges()).map((gauge) => ({ ...gauge, limit: limitOf(gauge.metric) }));
    const summary = {
      period: { start: periodStart.toISOString(), end: periodEnd.toISOString() },
      closed_at: now.toISOString(),
      metrics: [...counters, ...gauges].map((one) => lineOf(one, meters)),
    };
    await this.outbox.record({
      type: 'usage.period_closed',
      aggregateType: 'usage_period',
      aggregateId: `${tenantId}:${periodStart.toISOString()}`,
      data: summary,
    });
    await this.audit.record({
      action: 'USAGE_PERIOD_CLOSED',
      targetType: 'usage_period',
      targetId: periodStart.toISOString(),
      after: summary,
    });
    return true;
  }

  private async limitsOf(tenantId: TenantId): Promise<(metric: string) => number | null> {
    const held = await this.entitlements.of(tenantId);
    const now = this.clock.now();
    return (metric) => limitHeld(held, metric, now, this.config.usage.gracePercent).limit;
  }
}

function lineOf(
  { metric, used, limit }: Pick<ArchivedUsage, 'metric' | 'used' | 'limit'>,
  meters: ReadonlyMap<string, Meter>,
): Record<string, unknown> {
  const meter = meters.get(metric);
  return {
    metric,
    name: meter?.name ?? metric,
    unit: meter?.unit ?? '',
    kind: meter?.kind ?? 'flow',
    current_usage: toJson(used),
    limit,
  };
}
