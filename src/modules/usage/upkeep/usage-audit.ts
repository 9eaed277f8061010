import { Injectable } from '@nestjs/common';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { OperatorMail } from '../../../platform/operator-mail';
import { MetersMemory } from '../../pricing/meters-memory';
import { CounterRow } from './usage-counter-pages.repository';
import { Recount, UsageRecountRepository } from './usage-recount.repository';
import { DriftingCounter, UsageRepair } from './usage-repair';

/** A counter that was not what the ledger says, before it was repaired. */
export interface Drift {
  readonly counter: DriftingCounter;
  readonly recount: Recount;
}

const MOST_LINES = 20;

/** Is every counter what the ledger says? A difference is an alarm, and is mended (F-45). */
@Injectable()
export class UsageAudit {
  private readonly logger = new Logger('usage');

  constructor(
    private readonly recounts: UsageRecountRepository,
    private readonly repairs: UsageRepair,
    private readonly meters: MetersMemory,
    private readonly metrics: Metrics,
    private readonly mail: OperatorMail,
  ) {}

  /**
   * Compares the counters with the ledger, without a lock, and repairs those that differ.
   * Counters of archived meters are passed over: how they count is no longer known here.
   */
  async examine(page: readonly CounterRow[]): Promise<Drift[]> {
    const meters = await this.meters.all();
    const known = page.flatMap((counter) => {
      const meter = meters.get(counter.metric);
      return meter ? [{ ...counter, rule: meter.aggregation }] : [];
    });
    const recounts = await this.recounts.recountAcrossTenants(known);
    const drifts: Drift[] = [];
    for (const [at, counter] of known.entries()) {
      if (recounts[at]?.agrees !== false) continue;
      const recount = await this.repairs.repair(counter);
      if (recount === null) continue;
      this.alarm(counter, recount);
      drifts.push({ counter, recount });
    }
    return drifts;
  }

  /** Tells the operators what a run has found, in one message. */
  async report(drifts: readonly Drift[]): Promise<void> {
    if (drifts.length === 0) return;
    const lines = drifts
      .slice(0, MOST_LINES)
      .map(
        ({ counter: { tenantId, metric, periodStart }, recount: { used, counted, reserved, held } }) =>
          `tenant ${tenantId}, ${metric} from ${periodStart.toISOString()}: ` +
          `used ${used}, counted ${counted}; reserved ${reserved}, held ${held}`,
      );
    if (drifts.length > MOST_LINES) lines.push(`and ${drifts.length - MOST_LINES} more`);
    await this.mail.tell(`${drifts.length} usage counter(s) differed from the ledger`, [
      'These counters were not what the ledger says. They have been repaired; find out why they differed.',
      '',
      ...lines,
    ]);
  }

  private alarm({ tenantId, metric }: DriftingCounter, { used, counted, reserved, held }: Recount): void {
    this.metrics.usageDrift.inc();
    this.metrics.alarms.inc({ kind: 'usage_drift' });
    this.logger.error('usage.drift', new Error('a counter differed from the ledger'), {
      ...{ tenant_id: tenantId, metric, used, counted, reserved, held },
    });
  }
}
