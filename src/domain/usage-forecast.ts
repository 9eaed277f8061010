import { projectUsage, UsageSoFar } from './usage-projection';

/** What usage of a metric may come to at the end of its period, in whole units, rounded up. */
export interface UsageForecast {
  /** pace: as fast as in the period so far. level: gauges and caps stay as they are. */
  readonly method: 'pace' | 'level';
  readonly value: number;
  /** The least and the most of: the pace of the period, that of the last days, and the period before. */
  readonly low: number;
  readonly high: number;
}

export interface ForecastFacts extends UsageSoFar {
  /** What was used of the period some days ago; null when that is not known. */
  readonly recently: { readonly at: Date; readonly used: number } | null;
  /** What the period before came to; null when there was none. */
  readonly before: number | null;
}

/** An estimate, so floats will do: nobody is charged for it. */
export function forecastUsage(facts: ForecastFacts): UsageForecast {
  const { used, kind, period, now, recently, before } = facts;
  const value = Math.ceil(projectUsage(facts));
  if (kind !== 'flow') return { method: 'level', value, low: value, high: value };
  const left = Math.max(0, period.end.getTime() - now.getTime());
  const others: number[] = [];
  if (recently !== null && recently.at < now) {
    const pace = (used - recently.used) / (now.getTime() - recently.at.getTime());
    others.push(used + pace * left);
  }
  if (before !== null && left > 0) others.push(before);
  // What was used already stays used.
  const all = [value, ...others.map((other) => Math.max(Math.ceil(other), Math.ceil(used)))];
  return { method: 'pace', value, low: Math.min(...all), high: Math.min(Math.max(...all), MOST) };
}

const MOST = Number.MAX_SAFE_INTEGER;
