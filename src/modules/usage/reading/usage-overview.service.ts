import { Injectable } from '@nestjs/common';
import type { Period } from '../../../domain/period';
import { Amount, amountOf, usageStanding, UsageStanding } from '../../../domain/usage-standing';
import { flowUsedAt, gaugeAt, sameMomentBefore, UsageTrend, usageTrend } from '../../../domain/usage-trend';
import type { Meter } from '../../pricing/meters.service';
import { MetricReading, Readings, UsageReadings } from './usage-readings';

const DAY_MS = 86_400_000;
const HISTORY_DAYS = 30;

/** One metric of a tenant, for people. */
export interface MetricOverview extends UsageStanding {
  readonly meter: Meter;
  /** Null for what is never reset. */
  readonly resetsAt: Date | null;
  /** Against the same moment of the month before; null when that is not known. */
  readonly trend: UsageTrend | null;
  /** What the counter showed at the end of each day, and shows now. */
  readonly history: readonly { readonly date: string; readonly value: Amount }[];
}

/** How does the tenant of the context stand? All metrics on one page. */
@Injectable()
export class UsageOverview {
  constructor(private readonly readings: UsageReadings) {}

  async read(): Promise<{ period: Period; metrics: MetricOverview[] }> {
    const readings = await this.readings.read();
    const { period, metrics } = readings;
    return { period, metrics: metrics.map((metric) => overviewOf(metric, readings)) };
  }
}

function overviewOf(metric: MetricReading, readings: Readings): MetricOverview {
  const { meter, limit, used, reserved } = metric;
  return {
    ...usageStanding(limit, used, reserved),
    meter,
    resetsAt: meter.kind === 'flow' ? readings.period.end : null,
    trend: trendOf(metric, readings),
    history: historyOf(metric, readings.now),
  };
}

function trendOf(
  { meter, used, before, days }: MetricReading,
  { period, previous, now }: Readings,
): UsageTrend | null {
  if (meter.kind === 'cap') return null;
  const moment = sameMomentBefore(period, previous, now);
  const then =
    meter.kind === 'gauge' ? gaugeAt(moment, days) : before && flowUsedAt(moment, previous, days, before);
  return then === null ? null : usageTrend(used, then);
}

function historyOf({ meter, used, days }: MetricReading, now: Date): MetricOverview['history'] {
  if (meter.kind === 'cap') return [];
  const today = now.toISOString().slice(0, 10);
  const first = new Date(now.getTime() - (HISTORY_DAYS - 1) * DAY_MS).toISOString().slice(0, 10);
  const past = days.filter(({ date }) => date >= first && date < today);
  return [...past, { date: today, used }].map((day) => ({ date: day.date, value: amountOf(day.used) }));
}
