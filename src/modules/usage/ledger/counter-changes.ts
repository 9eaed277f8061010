import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { TenantContext } from '../../../platform/database/tenant-context';
import { EntitlementsMemory, limitHeld } from '../../entitlements/entitlements-memory';
import { CommittedCounter } from './ledger-entry';
import { CounterNumbers } from '../cache/redis-usage.service';
import type { HeldCounter } from '../reservations/usage-holds.repository';
import { UsageLedger } from './usage-ledger';

/** A counter as a committed transaction left it. */
export interface ChangedCounter {
  readonly counter: HeldCounter;
  readonly numbers: CounterNumbers;
}

/**
 * Tells those who listen to the ledger (Redis, the watch over limits) of counters that were changed beside it, by
 * reservations and corrections of the tenant in the context.
 */
@Injectable()
export class CounterChanges {
  constructor(
    private readonly ledger: UsageLedger,
    private readonly entitlements: EntitlementsMemory,
    private readonly context: TenantContext,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * After the commit, and before the answer: what the caller is told, every replica can read.
   * @param generation as the transaction has joined it
   */
  async tell(changed: readonly ChangedCounter[], generation: string): Promise<void> {
    const { tenantId } = this.context;
    const held = await this.entitlements.of(tenantId);
    const now = this.clock.now();
    const counters = changed.map(({ counter, numbers: { used, reserved, version } }): CommittedCounter => {
      const { grace_limit } = limitHeld(held, counter.metric, now, this.config.usage.gracePercent);
      const target = {
        tenantId,
        ...counter,
        // Nobody who listens asks by which rule.
        rule: 'sum' as const,
        mostUsed: grace_limit,
        version: held.row.version,
      };
      return { target, used, reserved, version };
    });
    await this.ledger.tell({ counters, refused: [], generation });
  }
}
