import { Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { addDecimals, formatDecimal, parseDecimal } from '../../../domain/decimal';
import { Amount, amountOf } from '../../../domain/usage-standing';
import { AuditRecorder } from '../../../platform/audit/audit-recorder';
import { Clock } from '../../../platform/clock';
import { Database } from '../../../platform/database/database';
import { MetersService } from '../../pricing/meters.service';
import { ChangedCounter, CounterChanges } from '../ledger/counter-changes';
import { UsageCountersRepository } from '../ledger/usage-counters.repository';
import { LockedCounter, Recounted, UsageCorrectionsRepository } from './usage-corrections.repository';
import { correctionEventId } from '../ledger/usage-event.entity';
import { UsageEvent, UsageEventsRepository } from '../ledger/usage-events.repository';
import { UsageHoldsRepository } from '../reservations/usage-holds.repository';

/** What a correction came to. */
export interface CorrectionResult {
  readonly correction: UsageEvent;
  /** Of the counter now. */
  readonly currentUsage: Amount;
  /** False when the event had been corrected before. */
  readonly isNew: boolean;
}

/**
 * Reverses an earlier event. The original stays; a second fact names it and takes it back where it was counted,
 * in a closed period too. Locks are taken in the order of the ledger: event, generation, counter.
 */
@Injectable()
export class UsageCorrections {
  constructor(
    private readonly corrections: UsageCorrectionsRepository,
    private readonly events: UsageEventsRepository,
    private readonly counters: UsageCountersRepository,
    private readonly meters: MetersService,
    private readonly holds: UsageHoldsRepository,
    private readonly changes: CounterChanges,
    private readonly audit: AuditRecorder,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes an event of the tenant in the context back. The second correction of one event answers the first.
   * @param keyId the key that says so
   * @throws BillingError event_not_found, unprocessable (it is a correction), state_conflict (a gauge would go
   *   below 0, or too little of the ledger is left to count anew)
   */
  async correct(eventId: string, reason: string, keyId: string | null): Promise<CorrectionResult> {
    const { result, changed, generation } = await this.database.inNewTransaction(async () => {
      const original = await this.events.get(eventId);
      if (!original) throw new BillingError('event_not_found');
      if (original.event_type === 'correction')
        throw new BillingError('unprocessable', { detail: 'A correction cannot be corrected.' });
      const id = correctionEventId(eventId);
      const now = this.clock.now();
      const isNew = await this.corrections.addIfFirst(id, original, reason, now, keyId);
      const correction = (await this.events.get(id))!;
      if (!isNew) return { result: await this.before(correction), changed: null, generation: '' };
      const generation = await this.counters.joinGeneration();
      const changed = await this.uncount(original, now);
      const result = { correction, currentUsage: amountOf(changed.numbers.used), isNew };
      await this.record(original, result, reason);
      return { result, changed, generation };
    });
    if (changed) await this.changes.tell([changed], generation);
    return result;
  }

  private async before(correction: UsageEvent): Promise<CorrectionResult> {
    const { metric, period } = correction;
    const { used } = await this.holds.read({ metric, periodStart: period });
    return { correction, currentUsage: amountOf(used), isNew: false };
  }

  private async uncount(original: UsageEvent, now: Date): Promise<ChangedCounter> {
    const counter = await this.corrections.lockCounter(original.metric, original.period);
    const recounted = await this.without(original, counter);
    const numbers = await this.corrections.write(counter, recounted, now);
    if (counter.is_closed) await this.corrections.followInArchive(counter, numbers.used);
    const { metric, period_start, period_end } = counter;
    return { counter: { metric, periodStart: period_start, periodEnd: period_end }, numbers };
  }

  private async without(original: UsageEvent, counter: LockedCounter): Promise<Recounted> {
    // A meter that was archived meanwhile still says how it counted.
    const rule = (await this.meters.find(original.metric))!.aggregation;
    if (rule === 'sum' || rule === 'count') {
      const change = rule === 'sum' ? negated(original.increment) : '-1';
      const after = addDecimals(decimal(counter.used), decimal(change));
      if (after.digits < 0n)
        throw new BillingError('state_conflict', { detail: 'A gauge cannot go below 0.' });
      return { used: formatDecimal(after), latest_at: null };
    }
    if (!counter.is_countable)
      throw new BillingError('state_conflict', {
        detail: 'Events of this period were deleted by age: what is left cannot be counted anew.',
      });
    return this.corrections.recount(rule, counter, original);
  }

  private async record(
    { event_id, metric, increment, subject, period }: UsageEvent,
    { correction, currentUsage }: CorrectionResult,
    reason: string,
  ): Promise<void> {
    await this.audit.record({
      action: 'USAGE_CORRECTED',
      targetType: 'usage_event',
      targetId: event_id,
      before: { metric, quantity: amountOf(increment), subject, period_start: period },
      after: { corrected_by: correction.event_id, reason, current_usage: currentUsage },
    });
  }
}

function decimal(text: string): ReturnType<typeof parseDecimal> {
  return parseDecimal(text, 38);
}

function negated(text: string): string {
  return text.startsWith('-') ? text.slice(1) : `-${text}`;
}
