import { Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type { ErrorCode } from '../../../contracts/errors';
import { Clock } from '../../../platform/clock';
import { Lifecycle } from '../../../platform/lifecycle';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { CommittedBatch, LedgerStatus } from '../ledger/ledger-entry';
import { UsageLedger } from '../ledger/usage-ledger';
import { RefusedEvent, UsageRefusalLogRepository } from './usage-refusal-log.repository';

const EVERY_MS = 250;
const MOST_WAITING = 10_000;
/** Of one statement: at most 8,000 a second, so that a flood of refusals leaves the database to the events. */
const MOST_AT_ONCE = 2000;

/** What a refused caller was told. The other statuses are no refusals: such an event is placed anew. */
const CODES: Partial<Record<LedgerStatus, ErrorCode>> = {
  limit_exceeded: 'limit_exceeded',
  below_zero: 'state_conflict',
  conflict: 'event_id_conflict',
};

/**
 * Notes behind the ledger's back why events were not counted, at most one row for each. Best effort: nobody waits
 * for it, and what is too much is dropped and counted in the metrics.
 */
@Injectable()
export class UsageRefusalLog implements OnApplicationBootstrap {
  private readonly logger = new Logger('usage');
  private readonly waiting = new Map<string, RefusedEvent>();
  private flushing: Promise<void> | null = null;

  constructor(
    ledger: UsageLedger,
    private readonly refusals: UsageRefusalLogRepository,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    private readonly lifecycle: Lifecycle,
  ) {
    ledger.onCommitted(({ refused }) => this.take(refused));
  }

  onApplicationBootstrap(): void {
    const timer = setInterval(() => void this.flush(), EVERY_MS);
    timer.unref();
    // After the ledger, which drains in the stage before.
    this.lifecycle.onShutdown('queues', 'usage refusals', async () => {
      clearInterval(timer);
      await this.flush();
      await this.flush();
    });
  }

  private take(refused: CommittedBatch['refused']): void {
    if (refused.length === 0) return;
    const refusedAt = this.clock.now();
    for (const { entry, status } of refused) {
      const code = CODES[status];
      if (!code) continue;
      const { target, eventId, quantity } = entry;
      const key = `${target.tenantId}/${eventId}`;
      const known = this.waiting.get(key);
      if (!known && this.waiting.size >= MOST_WAITING) {
        this.metrics.usageRefusalsDropped.inc();
        continue;
      }
      this.waiting.set(key, {
        tenantId: target.tenantId,
        eventId,
        metric: target.metric,
        quantity: String(quantity),
        code,
        refusedAt,
        times: (known?.times ?? 0) + 1,
      });
    }
  }

  private flush(): Promise<void> {
    if (this.waiting.size === 0) return this.flushing ?? Promise.resolve();
    return (this.flushing ??= this.write().finally(() => (this.flushing = null)));
  }

  private async write(): Promise<void> {
    const refused: RefusedEvent[] = [];
    for (const [key, refusal] of this.waiting) {
      refused.push(refusal);
      this.waiting.delete(key);
      if (refused.length === MOST_AT_ONCE) break;
    }
    try {
      await this.refusals.noteAcrossTenants(refused);
    } catch (error) {
      this.metrics.usageRefusalsDropped.inc(refused.length);
      this.logger.debug('usage.refusals_dropped', { message: String(error) });
    }
  }
}
