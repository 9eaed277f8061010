import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import type { TenantId } from '../../contracts/ids';
import { addDecimals, parseDecimal, quantityToJson } from '../../domain/decimal';
import { EffectiveLimit, remainingOf } from '../../domain/limit';
import { placeUsage } from '../../domain/usage-period';
import { Clock } from '../../platform/clock';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { Metrics } from '../../platform/metrics';
import { EntitlementsMemory, HeldEntitlements, limitHeld } from '../entitlements/entitlements-memory';
import { MetersMemory } from '../pricing/meters-memory';
import { Meter } from '../pricing/meters.service';
import { CounterTarget, LedgerEntry, LedgerOutcome } from './ledger-entry';
import { RedisUsageService } from './redis-usage.service';
import { UsageEventInput } from './usage-event-input';
import { RecordedEvent, UsageEventsRepository } from './usage-events.repository';
import { UsageLedger } from './usage-ledger';

/** What became of one event, for the caller. */
export interface UsageResult {
  readonly event_id: string;
  readonly status: 'recorded' | 'duplicate' | 'conflict' | 'limit_exceeded' | 'below_zero' | 'invalid';
  readonly metric: string;
  /** Of the counter, right after this event; null for what was not placed anywhere. */
  readonly current_usage: number | string | null;
  readonly reserved: number | string | null;
  readonly limit: number | null;
  readonly grace_limit: number | null;
  readonly remaining: number | string | null;
  /** Start of the usage month it was counted in; null for gauges. */
  readonly period_start: Date | null;
  readonly resets_at: Date | null;
  /** Its own period was closed, and it went to the open one. */
  readonly is_late: boolean;
  /** Why it is invalid or refused; null when it was counted. */
  readonly problem: UsageProblem | null;
}

export type UsageProblem =
  | 'unknown_meter'
  | 'late_usage'
  | 'timestamp_in_future'
  | 'timestamp_too_old'
  | 'subject_required'
  | 'too_many_decimals'
  | 'read_only_metric'
  | 'not_a_gauge'
  | 'payment_required'
  | 'limit_exceeded'
  | 'event_id_conflict'
  | 'below_zero';

/** An event to record: as sent, or a decrement of a gauge. */
export interface UsageToRecord extends UsageEventInput {
  readonly isDecrement?: boolean;
}

/** Entitlements that change at each of these are changed by somebody's loop. */
const MOST_ATTEMPTS = 5;

type DecidedOutcome = LedgerOutcome & { status: Exclude<LedgerOutcome['status'], 'stale' | 'closed'> };

/** Where an event goes, found out once for all events of a request that go there. */
interface Place {
  readonly target: CounterTarget;
  readonly limit: EffectiveLimit;
  readonly isLate: boolean;
}

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

const PROBLEM_OF: Partial<Record<LedgerOutcome['status'], UsageProblem>> = {
  conflict: 'event_id_conflict',
  limit_exceeded: 'limit_exceeded',
  below_zero: 'below_zero',
};

function resultOf(
  event: UsageToRecord,
  { target, limit, isLate }: Place,
  { status, used, reserved }: DecidedOutcome,
  held: HeldEntitlements,
): UsageResult {
  const isUnpaid = status === 'limit_exceeded' && limit.source === 'none' && held.current.source === 'none';
  return {
    event_id: event.event_id,
    status,
    metric: target.metric,
    current_usage: toJson(used),
    reserved: toJson(reserved),
    limit: limit.limit,
    grace_limit: limit.grace_limit,
    remaining: limit.limit === null ? null : toJson(remaining(limit.limit, used, reserved)),
    period_start: target.periodEnd === null ? null : target.periodStart,
    resets_at: target.periodEnd,
    is_late: isLate,
    problem: isUnpaid ? 'payment_required' : (PROBLEM_OF[status] ?? null),
  };
}

/** What a retry of a recorded event is told when its time can no longer be placed: the counter it is in. */
function repeated(event: UsageToRecord, original: RecordedEvent, limit: EffectiveLimit): UsageResult {
  if (!isRetry(event, original)) return { ...invalid(event, 'event_id_conflict'), status: 'conflict' };
  const { used, reserved, period_start, period_end, timestamp } = original;
  return {
    event_id: event.event_id,
    status: 'duplicate',
    metric: event.metric,
    current_usage: toJson(used),
    reserved: toJson(reserved),
    limit: limit.limit,
    grace_limit: limit.grace_limit,
    remaining: limit.limit === null ? null : toJson(remaining(limit.limit, used, reserved)),
    period_start: period_end === null ? null : period_start,
    resets_at: period_end,
    is_late: timestamp < period_start,
    problem: null,
  };
}

/** The fingerprint of record_usage: metric, quantity, subject, and the time if it was sent (decisions 9). */
function isRetry(event: UsageToRecord, original: RecordedEvent): boolean {
  return (
    event.metric === original.metric &&
    `${event.isDecrement ? '-' : ''}${event.quantity}` === trimmed(original.increment) &&
    event.subject === original.subject &&
    original.is_same_time
  );
}

function invalid(event: UsageToRecord, problem: UsageProblem): UsageResult {
  return {
    event_id: event.event_id,
    status: 'invalid',
    metric: event.metric,
    current_usage: null,
    reserved: null,
    limit: null,
    grace_limit: null,
    remaining: null,
    period_start: null,
    resets_at: null,
    is_late: false,
    problem,
  };
}

/** A decimal text as JSON: an integer when that is safe, else the text (decisions 9). */
export function toJson(text: string): number | string {
  const number = Number(text);
  return Number.isSafeInteger(number) && !text.includes('.')
    ? number
    : quantityToJson(parseDecimal(trimmed(text), 38));
}

/** Postgres keeps the decimals of the longest number that was added: 5.50. */
function trimmed(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function remaining(limit: number, used: string, reserved: string): string {
  const [a, b] = [Number(used), Number(reserved)];
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b)) return String(Math.max(0, limit - a - b));
  return remainingOf(
    limit,
    addDecimals(parseDecimal(trimmed(used), 38), parseDecimal(trimmed(reserved), 38)),
  );
}
