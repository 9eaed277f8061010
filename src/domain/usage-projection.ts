import { Period } from './period';
import { MetricKind } from './plan-limits';

/** Usage of one metric so far, in whole units or decimals, and the period it counts in. */
export interface UsageSoFar {
  readonly used: number;
  readonly kind: MetricKind;
  readonly period: Period;
  readonly now: Date;
}

/**
 * What usage comes to at the end of its period, in whole units, rounded up. A flow goes on at the pace so
 * far; gauges and caps stay as they are. In the first instant of a period, and once it is over, what is
 * used is all there is to say.
 */
export function projectUsage({ used, kind, period, now }: UsageSoFar): number {
  if (kind !== 'flow') return used;
  const whole = period.end.getTime() - period.start.getTime();
  const elapsed = now.getTime() - period.start.getTime();
  if (elapsed <= 0 || elapsed >= whole) return used;
  // Multiplied first: while the product is a safe integer, an exact projection stays exact.
  return Math.min(Math.ceil((used * whole) / elapsed), Number.MAX_SAFE_INTEGER);
}
