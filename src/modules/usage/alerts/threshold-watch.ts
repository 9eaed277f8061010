import { Injectable } from '@nestjs/common';
import type { TenantId } from '../../../contracts/ids';
import { Announcements } from '../../../platform/database/announcements';
import { Lifecycle } from '../../../platform/lifecycle';
import { Logger } from '../../../platform/logger';
import { RequestContext } from '../../../platform/request-context';
import { CommittedCounter, CounterTarget } from '../ledger/ledger-entry';
import { UsageLedger } from '../ledger/usage-ledger';
import { QuietRange, UsageThresholds } from './usage-thresholds';

const MOST_TENANTS = 20_000;
/** More than these wait only when Postgres is away; the job finds what is dropped. */
const MOST_WAITING = 10_000;
const AT_ONCE = 4;

/** What is known of a counter: where it may be without anything to tell, under this version of its limit. */
interface Known extends QuietRange {
  readonly period: number;
  readonly version: number | null;
}

interface Waiting {
  readonly target: CounterTarget;
  readonly used: string;
}

/**
 * Sees levels of limits being reached right after the commit that does it. On the ledger's way it only compares
 * two numbers; what may be worth telling is evaluated in the background. A process that dies in between tells
 * nothing: the job `usage.alerts` looks again.
 */
@Injectable()
export class ThresholdWatch {
  private readonly logger = new Logger('usage');
  private readonly known = new Map<TenantId, Map<string, Known>>();
  private readonly waiting = new Map<string, Waiting>();
  private working = 0;
  /** Raised by each change of rules heard: what was being evaluated then may be from before it. */
  private changes = 0;

  constructor(
    private readonly thresholds: UsageThresholds,
    private readonly requestContext: RequestContext,
    private readonly lifecycle: Lifecycle,
    ledger: UsageLedger,
    announcements: Announcements,
  ) {
    ledger.onCommitted(({ counters }) => this.look(counters));
    // Rules were changed: what is known of the tenant's counters no longer holds.
    announcements.on('alert_rules', (tenantId) => {
      this.changes += 1;
      if (tenantId === null) this.known.clear();
      else this.known.delete(tenantId as TenantId);
    });
  }

  private look(counters: readonly CommittedCounter[]): void {
    for (const { target, used } of counters) {
      // Without a limit there are no parts of it.
      if (target.mostUsed === null) continue;
      const known = this.known.get(target.tenantId)?.get(target.metric);
      const holds = known?.version === target.version && known.period === target.periodStart.getTime();
      // Rounding is harmless here: the evaluation is exact, and looks again.
      const number = Number(used);
      if (known && holds && number < known.next && number >= known.rearm) continue;
      this.enqueue({ target, used });
    }
  }

  private enqueue(waiting: Waiting): void {
    const { tenantId, metric } = waiting.target;
    if (this.waiting.size >= MOST_WAITING) return;
    this.waiting.set(`${tenantId}/${metric}`, waiting);
    if (this.working >= AT_ONCE) return;
    this.working += 1;
    // Not on the ledger's way, and in the context of no request.
    setImmediate(() => void this.work());
  }

  private async work(): Promise<void> {
    for (const [key, next] of this.waiting) {
      if (this.lifecycle.isStopping) break;
      this.waiting.delete(key);
      await this.evaluate(next);
    }
    this.working -= 1;
  }

  private async evaluate({ target, used }: Waiting): Promise<void> {
    const before = this.changes;
    const actor = { kind: 'system' as const, id: 'usage.thresholds' };
    try {
      const quiet = await this.requestContext.run({ requestId: 'usage-thresholds', actor }, () =>
        this.thresholds.evaluate(target, used),
      );
      if (before === this.changes) this.remember(target, quiet);
    } catch (error) {
      this.logger.warn('usage.thresholds_failed', { message: String(error) });
    }
  }

  private remember({ tenantId, metric, periodStart, version }: CounterTarget, quiet: QuietRange): void {
    const ofTenant = this.known.get(tenantId) ?? new Map<string, Known>();
    ofTenant.set(metric, { ...quiet, period: periodStart.getTime(), version });
    this.known.set(tenantId, ofTenant);
    if (this.known.size > MOST_TENANTS) this.known.delete(this.known.keys().next().value!);
  }
}
