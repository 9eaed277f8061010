import { addDecimals, compareDecimals, Decimal, divideRounded, formatDecimal, parseDecimal } from './decimal';
import { Period } from './period';

const DAY_MS = 86_400_000;

/** How a number changed against the same moment of the period before. */
export interface UsageTrend {
  readonly direction: 'up' | 'down' | 'flat';
  /** To one decimal, rounded towards 0; null when there was nothing to be a part of. */
  readonly percent: number | null;
}

/** The change from `before` to `now`, both decimal texts. */
export function usageTrend(now: string, before: string): UsageTrend {
  const [after, earlier] = [decimal(now), decimal(before)];
  const order = compareDecimals(after, earlier);
  const direction = order > 0 ? 'up' : order < 0 ? 'down' : 'flat';
  if (earlier.digits <= 0n) return { direction, percent: null };
  const change = addDecimals(after, { digits: -earlier.digits, scale: earlier.scale });
  const scale = Math.max(change.scale, earlier.scale);
  const tenths = (1000n * digitsAt(change, scale)) / digitsAt(earlier, scale);
  return { direction, percent: Number(tenths) / 10 };
}

/** What a counter showed at the end of a day. */
export interface DaySnapshot {
  /** The day that had ended, in UTC: `2026-11-30`. */
  readonly date: string;
  /** Start of the period that the number belongs to. */
  readonly periodStart: Date;
  /** A decimal text. */
  readonly used: string;
}

/** The moment of the period before that is as far from its start as `now` is from this one's. */
export function sameMomentBefore(period: Period, previous: Period, now: Date): Date {
  const moment = previous.start.getTime() + now.getTime() - period.start.getTime();
  return new Date(Math.min(moment, previous.end.getTime()));
}

/**
 * What a flow had used of a period by a moment of it: between two snapshots as if evenly. Null when the snapshots
 * around the moment were not made.
 * @param end what it had used when the period was over
 */
export function flowUsedAt(
  moment: Date,
  period: Period,
  snapshots: readonly DaySnapshot[],
  end: string,
): string | null {
  const midnight = Math.floor(moment.getTime() / DAY_MS) * DAY_MS;
  const [since, until] = [midnight, midnight + DAY_MS];
  const before = since <= period.start.getTime() ? '0' : usedAtEnd(since, period, snapshots);
  const after = until >= period.end.getTime() ? end : usedAtEnd(until, period, snapshots);
  if (before === null || after === null) return null;
  const from = Math.max(since, period.start.getTime());
  const to = Math.min(until, period.end.getTime());
  return between(before, after, moment.getTime() - from, to - from);
}

/** What a gauge showed at the last midnight before a moment; null when that was not noted. */
export function gaugeAt(moment: Date, snapshots: readonly DaySnapshot[]): string | null {
  const day = dayEndingAt(Math.floor(moment.getTime() / DAY_MS) * DAY_MS);
  return snapshots.find(({ date }) => date === day)?.used ?? null;
}

function usedAtEnd(midnight: number, period: Period, snapshots: readonly DaySnapshot[]): string | null {
  const day = dayEndingAt(midnight);
  const found = snapshots.find(
    ({ date, periodStart }) => date === day && periodStart.getTime() === period.start.getTime(),
  );
  return found?.used ?? null;
}

function dayEndingAt(midnight: number): string {
  return new Date(midnight - DAY_MS).toISOString().slice(0, 10);
}

function between(before: string, after: string, elapsed: number, whole: number): string {
  const [from, to] = [decimal(before), decimal(after)];
  const scale = Math.max(from.scale, to.scale);
  const [a, b] = [digitsAt(from, scale), digitsAt(to, scale)];
  const digits = whole === 0 ? b : a + divideRounded((b - a) * BigInt(elapsed), BigInt(whole));
  return formatDecimal({ digits, scale });
}

function decimal(text: string): Decimal {
  return parseDecimal(text, 38);
}

function digitsAt(decimal: Decimal, scale: number): bigint {
  return decimal.digits * 10n ** BigInt(scale - decimal.scale);
}
