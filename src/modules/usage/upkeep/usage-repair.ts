import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Clock } from '../../../platform/clock';
import { TenantContext } from '../../../platform/database/tenant-context';
import { CachedCounter, CounterName, RedisUsageService } from '../cache/redis-usage.service';
import { UsageCountersRepository } from '../ledger/usage-counters.repository';
import { CounterToRecount, Recount, UsageRecountRepository } from './usage-recount.repository';

/** A counter that was found wrong. */
export interface DriftingCounter extends CounterToRecount {
  readonly periodEnd: Date | null;
}

/** Makes a wrong counter what the ledger says. */
@Injectable()
export class UsageRepair {
  constructor(
    private readonly counters: UsageCountersRepository,
    private readonly recounts: UsageRecountRepository,
    private readonly redisUsage: RedisUsageService,
    private readonly context: TenantContext,
    private readonly audit: AuditRecorder,
    private readonly clock: Clock,
  ) {}

  /** Counts again with the counter locked: what was seen before may have been mended meanwhile. Null when it was. */
  async repair(counter: DriftingCounter): Promise<Recount | null> {
    const repaired = await this.context.run(counter.tenantId, () => this.repairLocked(counter));
    if (repaired === null) return null;
    await this.redisUsage.write([repaired.cached], repaired.generation);
    return repaired.recount;
  }

  @Transactional()
  protected async repairLocked(
    counter: DriftingCounter,
  ): Promise<{ recount: Recount; cached: CachedCounter; generation: string } | null> {
    const generation = await this.counters.joinGeneration();
    const locked = await this.counters.lock(counter);
    const [recount] = await this.recounts.recount([counter]);
    if (!recount || recount.agrees) return null;
    const numbers = await this.counters.change(
      locked,
      { used: recount.counted, reserved: recount.held },
      this.clock.now(),
    );
    if (counter.rule === 'unique') await this.recounts.alignSubjects(counter.metric, counter.periodStart);
    await this.audit.record({
      action: 'USAGE_COUNTER_REPAIRED',
      targetType: 'usage_counter',
      targetId: nameOf(counter),
      before: { used: recount.used, reserved: recount.reserved },
      after: { used: recount.counted, reserved: recount.held },
    });
    return { recount, cached: { target: counter, ...numbers }, generation };
  }
}

/** `campaigns 2026-11-01T00:00:00.000Z`: a counter of the tenant that the row belongs to. */
function nameOf({ metric, periodStart }: CounterName): string {
  return `${metric} ${periodStart.toISOString()}`;
}
