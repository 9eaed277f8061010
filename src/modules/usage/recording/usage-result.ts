import { addDecimals, parseDecimal, quantityToJson } from '../../../domain/decimal';
import { EffectiveLimit, remainingOf } from '../../../domain/limit';
import { HeldEntitlements } from '../../entitlements/entitlements-memory';
import { CounterTarget, LedgerOutcome } from '../ledger/ledger-entry';
import { RecordedEvent } from '../ledger/usage-events.repository';
import { UsageEventInput } from './usage-event-input';

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

/** What becomes of an event once its entitlements and its period are those of now. */
export type DecidedOutcome = LedgerOutcome & { status: Exclude<LedgerOutcome['status'], 'stale' | 'closed'> };

/** Where an event goes, found out once for all events of a request that go there. */
export interface Place {
  readonly target: CounterTarget;
  readonly limit: EffectiveLimit;
  readonly isLate: boolean;
}

const PROBLEM_OF: Partial<Record<LedgerOutcome['status'], UsageProblem>> = {
  conflict: 'event_id_conflict',
  limit_exceeded: 'limit_exceeded',
  below_zero: 'below_zero',
};

/** What the ledger's answer means for the caller. */
export function resultOf(
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
export function repeated(event: UsageToRecord, original: RecordedEvent, limit: EffectiveLimit): UsageResult {
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

/** Of an event that is counted nowhere. */
export function invalid(event: UsageToRecord, problem: UsageProblem): UsageResult {
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
