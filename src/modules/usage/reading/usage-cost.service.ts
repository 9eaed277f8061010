import { Injectable } from '@nestjs/common';
import { add, Currency, currencyOf, Money, money, multiply } from '../../../domain/money';
import type { Period } from '../../../domain/period';
import { monthlyPriceOf } from '../../../domain/plan-facts';
import { forecastUsage, UsageForecast } from '../../../domain/usage-forecast';
import { Amount, amountOf } from '../../../domain/usage-standing';
import type { Plan } from '../../plans/plan';
import { PlansService } from '../../plans/plans.service';
import type { Meter } from '../../pricing/meters.service';
import { Billed, BilledLine, BilledLines } from './billed-lines';
import { MetricReading, Readings, UsageReadings } from './usage-readings';

/** What something costs by now, and what it may come to at the end of the usage month. */
export interface Cost {
  /** Null when nobody here knows: a price made by hand, or one that Stripe counts by itself. */
  readonly toDate: Money | null;
  readonly projected: Money | null;
  readonly low: Money | null;
  readonly high: Money | null;
}

/** A flat line of the subscription. */
export interface Charge extends Cost {
  readonly plan: Plan | null;
  readonly quantity: number;
  readonly isMetered: boolean;
}

/** A metric's share of the cost, which follows from what is used of it. */
export interface MetricCost extends Cost {
  readonly meter: Meter;
  readonly used: Amount;
  readonly forecast: UsageForecast;
  /** The model that prices it; null: nothing is charged per unit. */
  readonly pricingModel: string | null;
}

export interface CostReport {
  readonly period: Period;
  readonly asOf: Date;
  readonly currency: Currency | null;
  /** False when something is charged that has no price here. */
  readonly isComplete: boolean;
  readonly total: Cost;
  readonly charges: readonly Charge[];
  readonly metrics: readonly MetricCost[];
  readonly models: readonly (Cost & { readonly pricingModel: string | null })[];
}

const DAY_MS = 86_400_000;
const RECENT_DAYS = 7;

/**
 * What the tenant of the context has to pay for its usage month. Plans are paid in advance, so a flat fee counts
 * whole from the first moment, and a yearly one by the month. No model prices usage by the unit yet: metrics cost
 * nothing of their own, and their forecast says what they may come to.
 */
@Injectable()
export class UsageCost {
  constructor(
    private readonly readings: UsageReadings,
    private readonly billed: BilledLines,
    private readonly plans: PlansService,
  ) {}

  async read(): Promise<CostReport> {
    const readings = await this.readings.read();
    const billed = await this.billed.ofTenant();
    const currency = await this.currencyOf(billed, readings);
    const charges = (billed?.lines ?? []).map((line) => chargeOf(line, billed!, currency));
    const none = costOf(currency && money(0, currency));
    const metrics = readings.metrics
      .filter(({ meter }) => meter.kind !== 'cap')
      .map((metric) => ({ ...none, ...usageOf(metric, readings), pricingModel: null }));
    const flat = charges.reduce<Cost>(sumOf, none);
    const total = metrics.reduce<Cost>(sumOf, flat);
    return {
      period: readings.period,
      asOf: readings.now,
      currency,
      isComplete: charges.every(({ toDate }) => toDate !== null),
      total,
      charges,
      metrics,
      models: currency === null ? [] : [{ ...flat, pricingModel: null }],
    };
  }

  /** The subscription's; without one, that of the plan which the tenant is on. */
  private async currencyOf(billed: Billed | null, { held }: Readings): Promise<Currency | null> {
    const { plan_id } = held.current;
    const plan = plan_id === null ? null : await this.plans.find(plan_id);
    const code = billed?.currency ?? plan?.currency;
    return code ? currencyOf(code) : null;
  }
}

function chargeOf(line: BilledLine, { isCharged }: Billed, currency: Currency | null): Charge {
  return { ...line, ...costOf(isCharged ? priceOfLine(line) : currency && money(0, currency)) };
}

function priceOfLine({ plan, quantity, isMetered }: BilledLine): Money | null {
  return plan === null || isMetered ? null : multiply(monthlyPriceOf(plan), quantity);
}

/** A cost that does not change until the month is over. */
function costOf(amount: Money | null): Cost {
  return { toDate: amount, projected: amount, low: amount, high: amount };
}

/** What is not known is left out. */
function sumOf(a: Cost, b: Cost): Cost {
  const plus = (x: Money | null, y: Money | null): Money | null => (x && y ? add(x, y) : (x ?? y));
  return {
    toDate: plus(a.toDate, b.toDate),
    projected: plus(a.projected, b.projected),
    low: plus(a.low, b.low),
    high: plus(a.high, b.high),
  };
}

function usageOf(
  { meter, used, before, days }: MetricReading,
  { period, now }: Readings,
): Pick<MetricCost, 'meter' | 'used' | 'forecast'> {
  const midnight = Math.floor(now.getTime() / DAY_MS) * DAY_MS - RECENT_DAYS * DAY_MS;
  const date = new Date(midnight - DAY_MS).toISOString().slice(0, 10);
  const snapshot = days.find(
    (day) => day.date === date && day.periodStart.getTime() === period.start.getTime(),
  );
  const forecast = forecastUsage({
    used: Number(used),
    kind: meter.kind,
    period,
    now,
    recently: snapshot ? { at: new Date(midnight), used: Number(snapshot.used) } : null,
    before: before === null ? null : Number(before),
  });
  return { meter, used: amountOf(used), forecast };
}
