import { compareDecimals, multiplyDecimals, parseDecimal } from './decimal';

/** How a tenant hears of a level: a mail to its owner and billing contacts, or a line where the portal shows it. */
export const ALERT_CHANNELS = ['email', 'in_app'] as const;
export type AlertChannel = (typeof ALERT_CHANNELS)[number];

/** A part of a limit that is worth telling about. */
export interface AlertLevel {
  /** Of the limit; above 100 where a grace lets usage pass. */
  readonly percent: number;
  /** None: only machines are told. */
  readonly channels: readonly AlertChannel[];
}

/** The levels of one metric, or of all that have no rule of their own. */
export interface AlertRule {
  readonly metric: string;
  readonly levels: readonly AlertLevel[];
}

export const ALL_METRICS = '*';
/** Told to machines in any case: from here on usage is refused, or lives on the grace. */
export const LIMIT_PERCENT = 100;
const URGENT_PERCENT = 95;
/** A gauge must fall this far below a level before the level can be reached again: no alarm at each up and down. */
export const REARM_POINTS = 5;

/** What a level means to people; it decides how the message is worded. */
export type AlertSeverity = 'info' | 'warning' | 'urgent' | 'limit';

/**
 * The levels of tenants that chose none: 50 in the application, the warning and 95 by mail too, 100 likewise.
 * @param warningPercent as configured, 1 to 100
 */
export function defaultLevels(warningPercent: number): AlertLevel[] {
  const levels = new Map<number, AlertLevel>([[50, { percent: 50, channels: ['in_app'] }]]);
  for (const percent of [warningPercent, URGENT_PERCENT, LIMIT_PERCENT])
    levels.set(percent, { percent, channels: ['email', 'in_app'] });
  return [...levels.values()].sort((a, b) => a.percent - b.percent);
}

/** The levels that hold for a metric, lowest first: its own rule's, else those for all metrics, else the defaults. */
export function levelsOf(
  rules: readonly AlertRule[],
  metric: string,
  warningPercent: number,
): readonly AlertLevel[] {
  const rule = rules.find((one) => one.metric === metric) ?? rules.find((one) => one.metric === ALL_METRICS);
  return rule?.levels.toSorted((a, b) => a.percent - b.percent) ?? defaultLevels(warningPercent);
}

/** The percents to look for: those of the levels, and the limit itself; lowest first. */
export function watchedPercents(levels: readonly AlertLevel[]): number[] {
  return [...new Set([...levels.map(({ percent }) => percent), LIMIT_PERCENT])].sort((a, b) => a - b);
}

/**
 * Whether usage has come to so many percent of a limit; exact.
 * @param used a decimal text, as Postgres gives it
 * @param limit above 0
 */
export function isReached(used: string, limit: number, percent: number): boolean {
  const hundredfold = multiplyDecimals(parseDecimal(used, 38), { digits: 100n, scale: 0 });
  return compareDecimals(hundredfold, { digits: BigInt(limit) * BigInt(percent), scale: 0 }) >= 0;
}

/** How serious a level is. */
export function severityOf(percent: number, warningPercent: number): AlertSeverity {
  if (percent >= LIMIT_PERCENT) return 'limit';
  if (percent >= URGENT_PERCENT) return 'urgent';
  return percent >= warningPercent ? 'warning' : 'info';
}
