import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import type { TenantId } from '../../../contracts/ids';
import { placeUsage } from '../../../domain/usage-period';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { Metrics } from '../../../platform/metrics';
import { EntitlementsMemory, HeldEntitlements, limitHeld } from '../../entitlements/entitlements-memory';
import { MetersMemory } from '../../pricing/meters-memory';
import { Meter } from '../../pricing/meters.service';
import { CounterTarget, LedgerEntry } from '../ledger/ledger-entry';
import { RedisUsageService } from '../cache/redis-usage.service';
import {
  DecidedOutcome,
  invalid,
  Place,
  repeated,
  resultOf,
  UsageProblem,
  UsageResult,
  UsageToRecord,
} from './usage-result';
import { UsageEventsRepository } from '../ledger/usage-events.repository';
import { UsageLedger } from '../ledger/usage-ledger';

/** Entitlements that change at each of these are changed by somebody's loop. */
const MOST_ATTEMPTS = 5;

/**
 * Records usage: finds each event's meter, period and limit, and hands it to the ledger, which decides. The one
 * door for HTTP, queues and guards.
 */
@Injectable()
export class UsageTracker {
  constructor(
    private readonly ledger: UsageLedger,
    private readonly entitlements: EntitlementsMemory,
    private readonly meters: MetersMemory,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    private readonly events: UsageEventsRepository,
    redisUsage: RedisUsageService,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    // Before the requests are answered: what a caller was told, every replica can read.
    ledger.onCommitted(({ counters, generation }) => redisUsage.write(counters, generation));
  }

  /**
   * Records the events of one tenant and tells what became of each, in their order. One that cannot be recorded
   * keeps none of the others from it.
   * @param keyId the key that sent them
   * @throws BillingError overloaded, dependency_unavailable: sending the same events again is safe
   */
  async record(
    tenantId: TenantId,
    events: readonly UsageToRecord[],
    keyId: string | null,
  ): Promise<UsageResult[]> {
    const results = new Array<UsageResult>(events.length);
    let open = events.map((_, at) => at);
    for (let attempt = 1; open.length > 0; attempt++) {
      const held = this.entitlements.recall(tenantId) ?? (await this.entitlements.of(tenantId));
      const meters = await this.metersOf(events);
      const placed = this.place(tenantId, held, meters, events, open, keyId, results);
      const outcomes = await this.ledger.record(placed.map(({ entry }) => entry));
      const again: number[] = [];
      placed.forEach(({ at, place }, index) => {
        const outcome = outcomes[index]!;
        const isOutdated = outcome.status === 'stale' || outcome.status === 'closed';
        if (isOutdated) again.push(at);
        else results[at] = resultOf(events[at]!, place, outcome as DecidedOutcome, held);
      });
      if (again.length > 0) this.entitlements.forget(tenantId);
      if (again.length > 0 && attempt === MOST_ATTEMPTS)
        throw new BillingError('overloaded', { retryAfter: 1 });
      open = again;
    }
    await this.recognise(tenantId, events, results);
    this.count(results);
    return results;
  }

  /**
   * A retry is a retry however late it comes: an event whose time can no longer be placed may have been recorded
   * when it still could.
   */
  private async recognise(
    tenantId: TenantId,
    events: readonly UsageToRecord[],
    results: UsageResult[],
  ): Promise<void> {
    if (!results.some(isMisplaced)) return;
    const misplaced = results.flatMap((result, at) => (isMisplaced(result) ? [at] : []));
    const found = await this.events.recorded(misplaced.map((at) => events[at]!));
    if (found.length === 0) return;
    const held = this.entitlements.recall(tenantId) ?? (await this.entitlements.of(tenantId));
    for (const original of found) {
      const at = misplaced[original.place - 1]!;
      // What comes later in the same request was not there yet.
      const isLater = (result: UsageResult, place: number): boolean =>
        place > at && result.status === 'recorded' && result.event_id === events[at]!.event_id;
      if (results.some(isLater)) continue;
      const limit = limitHeld(held, original.metric, this.clock.now(), this.config.usage.gracePercent);
      results[at] = repeated(events[at]!, original, limit);
    }
  }

  /** One look-up of the metric per status, not per event. */
  private count(results: readonly UsageResult[]): void {
    const tally = new Map<UsageResult['status'], number>();
    for (const { status } of results) tally.set(status, (tally.get(status) ?? 0) + 1);
    for (const [status, times] of tally) this.metrics.usageEvents.inc({ status }, times);
  }

  /** All meters; read again when an event names one that is not remembered. */
  private async metersOf(events: readonly UsageToRecord[]): Promise<ReadonlyMap<string, Meter>> {
    const meters = this.meters.recall() ?? (await this.meters.all());
    const unknown = events.find(({ metric }) => !meters.has(metric));
    return unknown && (await this.meters.find(unknown.metric)) ? this.meters.all() : meters;
  }

  /** The entries of those events that can be counted; the others get their result at once. */
  private place(
    tenantId: TenantId,
    held: HeldEntitlements,
    meters: ReadonlyMap<string, Meter>,
    events: readonly UsageToRecord[],
    open: readonly number[],
    keyId: string | null,
    results: UsageResult[],
  ): { at: number; place: Place; entry: LedgerEntry }[] {
    const now = this.clock.now();
    const places = new Map<string, Place>();
    const placed: { at: number; place: Place; entry: LedgerEntry }[] = [];
    for (const at of open) {
      const event = events[at]!;
      const meter = meters.get(event.metric);
      const problem = meter && problemWith(event, meter);
      if (!meter || problem) {
        results[at] = invalid(event, problem ?? 'unknown_meter');
        continue;
      }
      const place = this.placeOf(tenantId, held, meter, event, now, places);
      if (typeof place === 'string') {
        results[at] = invalid(event, place);
        continue;
      }
      placed.push({ at, place, entry: entryOf(event, place.target, keyId) });
    }
    return placed;
  }

  private placeOf(
    tenantId: TenantId,
    held: HeldEntitlements,
    meter: Meter,
    event: UsageToRecord,
    now: Date,
    places: Map<string, Place>,
  ): Place | UsageProblem {
    // Events without a time of their own all happen now.
    const known = event.timestamp === null ? places.get(meter.key) : undefined;
    if (known) return known;
    const at = event.timestamp === null ? null : new Date(event.timestamp);
    const { period, anchor } = held.current;
    const placement = placeUsage(at, now, period, anchor, meter);
    if (placement.kind !== 'counts') return NOWHERE[placement.kind];
    const key = `${meter.key} ${placement.periodStart.getTime()} ${placement.isLate}`;
    let place = places.get(key);
    if (!place) {
      const limit = limitHeld(held, meter.key, now, this.config.usage.gracePercent);
      const target: CounterTarget = {
        tenantId,
        metric: meter.key,
        rule: meter.aggregation,
        periodStart: placement.periodStart,
        periodEnd: placement.periodEnd,
        mostUsed: limit.grace_limit,
        version: held.row.version,
      };
      place = { target, limit, isLate: placement.isLate };
      places.set(key, place);
    }
    if (event.timestamp === null) places.set(meter.key, place);
    return place;
  }
}

const NOWHERE = {
  in_future: 'timestamp_in_future',
  too_old: 'timestamp_too_old',
  late_refused: 'late_usage',
} as const;

const MISPLACED: ReadonlySet<UsageProblem> = new Set(Object.values(NOWHERE));

function isMisplaced({ problem }: UsageResult): boolean {
  return problem !== null && MISPLACED.has(problem);
}

function problemWith(event: UsageToRecord, meter: Meter): UsageProblem | null {
  if (meter.kind === 'cap') return 'read_only_metric';
  if (event.isDecrement && (meter.kind !== 'gauge' || meter.aggregation !== 'sum')) return 'not_a_gauge';
  if (meter.aggregation === 'unique' && event.subject === null) return 'subject_required';
  if (typeof event.quantity === 'string' && decimalsOf(event.quantity) > meter.scale)
    return 'too_many_decimals';
  return null;
}

function decimalsOf(quantity: string): number {
  const point = quantity.indexOf('.');
  return point === -1 ? 0 : quantity.length - point - 1;
}

function entryOf(event: UsageToRecord, target: CounterTarget, keyId: string | null): LedgerEntry {
  const quantity = !event.isDecrement
    ? event.quantity
    : typeof event.quantity === 'number'
      ? -event.quantity
      : `-${event.quantity}`;
  return {
    target,
    eventId: event.event_id,
    quantity,
    at: event.timestamp,
    subject: event.subject,
    metadata: event.metadata === null ? null : JSON.stringify(event.metadata),
    keyId,
  };
}
