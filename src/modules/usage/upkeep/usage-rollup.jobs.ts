import { Inject, Injectable } from '@nestjs/common';
import type { JobPayloads } from '../../../contracts/jobs';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { Logger } from '../../../platform/logger';
import { JobFence } from '../../../platform/queue/job-fence';
import { OnJob } from '../../../platform/queue/on-job';
import type { JobRun } from '../../../platform/queue/on-job';
import { EntitlementsMemory, limitHeld } from '../../entitlements/entitlements-memory';
import { MetersMemory } from '../../pricing/meters-memory';
import { counterKey } from '../ledger/ledger-entry';
import { UsageArchiveRepository } from './usage-archive.repository';
import { Drift, UsageAudit } from './usage-audit';
import { UsageCacheKeeper } from '../cache/usage-cache-keeper';
import { CounterRow, tenantsOf, UsageCounterPagesRepository } from './usage-counter-pages.repository';
import { UsageRecountRepository } from './usage-recount.repository';
import { UsageThresholds } from '../alerts/usage-thresholds';

const DAY_MS = 86_400_000;

/**
 * After midnight in UTC: keeps what every counter showed at the end of the day, compares all of them with the
 * ledger, and looks for missed alerts. A page at a time, each written whole: a run that dies is begun again and
 * writes the same.
 */
@Injectable()
export class UsageRollupJobs {
  private readonly logger = new Logger('usage');

  constructor(
    private readonly pages: UsageCounterPagesRepository,
    private readonly archive: UsageArchiveRepository,
    private readonly recounts: UsageRecountRepository,
    private readonly audit: UsageAudit,
    private readonly thresholds: UsageThresholds,
    private readonly entitlements: EntitlementsMemory,
    private readonly meters: MetersMemory,
    private readonly cache: UsageCacheKeeper,
    private readonly fence: JobFence,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @OnJob('usage.rollup')
  async run(_payload: JobPayloads['usage.rollup'], run: JobRun): Promise<void> {
    const midnight = run.slot ?? startOfDay(this.clock.now());
    const day = new Date(midnight.getTime() - DAY_MS).toISOString().slice(0, 10);
    const drifts: Drift[] = [];
    let counters = 0;
    for await (const page of this.pages.countedAtAcrossTenants(midnight)) {
      const wrong = await this.audit.examine(page);
      drifts.push(...wrong);
      const used = await this.usedBefore(
        midnight,
        page,
        new Set(wrong.map(({ counter }) => counterKey(counter))),
      );
      await this.keep(day, page, used, run);
      await this.thresholds.catchUp(page);
      counters += page.length;
    }
    // Who wrote a wrong number to Postgres may have written it to Redis as well.
    if (drifts.length > 0) await this.cache.renew();
    await this.audit.report(drifts);
    this.logger.info('usage.rolled_up', { day, counters, drifts: drifts.length });
  }

  private async keep(
    day: string,
    page: readonly CounterRow[],
    used: readonly string[],
    run: JobRun,
  ): Promise<void> {
    const limits = await this.limitsOf(page);
    const rows = page.map((counter, at) => ({ ...counter, used: used[at]!, limit: limits[at]! }));
    await this.archive.writeDayAcrossTenants(day, rows, () => this.fence.hold('usage.rollup', run));
  }

  /** What the counters showed at midnight: found from the ledger where they were changed since, or were wrong. */
  private async usedBefore(
    midnight: Date,
    page: readonly CounterRow[],
    wrong: ReadonlySet<string>,
  ): Promise<string[]> {
    const meters = await this.meters.all();
    const changed = page.flatMap((counter, at) => {
      const rule = meters.get(counter.metric)?.aggregation;
      const isOther = counter.updatedAt >= midnight || wrong.has(counterKey(counter));
      return rule && isOther ? [{ ...counter, at, rule }] : [];
    });
    const recounts = await this.recounts.recountAcrossTenants(changed, midnight);
    const used = page.map((counter) => counter.used);
    for (const [index, { at }] of changed.entries()) used[at] = recounts[index]?.counted ?? used[at]!;
    return used;
  }

  private async limitsOf(page: readonly CounterRow[]): Promise<(number | null)[]> {
    const now = this.clock.now();
    const tenants = tenantsOf(page);
    const held = await Promise.all(tenants.map((tenantId) => this.entitlements.of(tenantId)));
    const heldBy = new Map(tenants.map((tenantId, at) => [tenantId, held[at]!]));
    return page.map(
      ({ tenantId, metric }) =>
        limitHeld(heldBy.get(tenantId)!, metric, now, this.config.usage.gracePercent).limit,
    );
  }
}

function startOfDay(moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / DAY_MS) * DAY_MS);
}
