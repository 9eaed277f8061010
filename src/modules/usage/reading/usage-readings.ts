import { Inject, Injectable } from '@nestjs/common';
import type { EffectiveLimit } from '../../../domain/limit';
import type { Period } from '../../../domain/period';
import { ALWAYS_START, usageMonthOf } from '../../../domain/usage-period';
import type { DaySnapshot } from '../../../domain/usage-trend';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { TenantContext } from '../../../platform/database/tenant-context';
import { EntitlementsMemory, HeldEntitlements, limitHeld } from '../../entitlements/entitlements-memory';
import { MetersMemory } from '../../pricing/meters-memory';
import type { Meter } from '../../pricing/meters.service';
import { CounterReading, UsageReadingsRepository } from './usage-readings.repository';

const DAY_MS = 86_400_000;
/** Far enough back for the same moment of the month before. */
const SNAPSHOT_DAYS = 65;

/** One metric, as it stands and as it was. Numbers are decimal texts. */
export interface MetricReading {
  readonly meter: Meter;
  readonly limit: EffectiveLimit;
  readonly used: string;
  readonly reserved: string;
  /** What the month before came to; null when nothing was counted in it, and for gauges. */
  readonly before: string | null;
  readonly days: readonly DaySnapshot[];
}

/** What is known about a tenant's usage at one moment. */
export interface Readings {
  readonly now: Date;
  readonly period: Period;
  readonly previous: Period;
  readonly held: HeldEntitlements;
  /** Of all meters that the limits name or that have usage. */
  readonly metrics: readonly MetricReading[];
}

/** Reads counters, limits and snapshots of the tenant in the context together. */
@Injectable()
export class UsageReadings {
  constructor(
    private readonly readings: UsageReadingsRepository,
    private readonly entitlements: EntitlementsMemory,
    private readonly meters: MetersMemory,
    private readonly context: TenantContext,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async read(): Promise<Readings> {
    const held = await this.entitlements.of(this.context.tenantId);
    const now = this.clock.now();
    const { period, anchor } = held.current;
    const previous = usageMonthOf(anchor, new Date(period.start.getTime() - 1));
    const counters = await this.readings.counters([period.start, previous.start, ALWAYS_START]);
    const days = await this.readings.days(new Date(now.getTime() - SNAPSHOT_DAYS * DAY_MS));
    const meters = [...(await this.meters.all()).values()];
    const metrics = meters.flatMap((meter) => {
      const find = (start: Date): CounterReading | undefined => counterOf(counters, meter.key, start);
      const isFlow = meter.kind === 'flow';
      const counter = find(isFlow ? period.start : ALWAYS_START);
      const limit = limitHeld(held, meter.key, now, this.config.usage.gracePercent);
      if (!counter && !isNamed(held, meter.key)) return [];
      return {
        meter,
        limit,
        used: counter?.used ?? '0',
        reserved: counter?.reserved ?? '0',
        before: isFlow ? (find(previous.start)?.used ?? null) : null,
        days: days.get(meter.key) ?? [],
      };
    });
    return { now, period, previous, held, metrics };
  }
}

function counterOf(
  counters: readonly CounterReading[],
  metric: string,
  start: Date,
): CounterReading | undefined {
  return counters.find((one) => one.metric === metric && one.period_start.getTime() === start.getTime());
}

/** Own properties only: a meter may be called `constructor`. */
function isNamed({ current, row }: HeldEntitlements, metric: string): boolean {
  return Object.hasOwn(current.limits, metric) || Object.hasOwn(row.overrides, metric);
}
