import { ApiProperty } from '@nestjs/swagger';
import type { Money } from '../../../domain/money';
import type { MetricKind } from '../../../domain/plan-limits';
import type { Charge, Cost, CostReport, MetricCost } from './usage-cost.service';
import { AMOUNT } from './usage-fields.dto';
import { toMonthView, UsageMonthView } from './usage-overview.dto';

/** Money in whole minor units. */
export class MoneyView {
  amount: number;
  /** Lower-case ISO 4217. */
  currency: string;
}

/** What a cost may come to at the end of the usage month. */
export class ProjectedCostView {
  /** flat_fees: what is charged does not follow from usage. pace: usage goes on as so far. */
  @ApiProperty({ enum: ['flat_fees', 'pace'] })
  method: 'flat_fees' | 'pace';

  @ApiProperty({ type: MoneyView, nullable: true })
  cost: MoneyView | null;

  /** The least and the most that the estimates differ by. */
  @ApiProperty({ type: MoneyView, nullable: true })
  low: MoneyView | null;

  @ApiProperty({ type: MoneyView, nullable: true })
  high: MoneyView | null;
}

/** Something that is charged; null where nobody here knows its price. */
export class CostView {
  /** In the usage month until now. Flat fees are paid in advance and count whole; yearly ones by the month. */
  @ApiProperty({ type: MoneyView, nullable: true })
  cost_to_date: MoneyView | null;

  projected: ProjectedCostView;
}

/** A line of the subscription. */
export class ChargeView extends CostView {
  /** Null for a price that was made by hand in Stripe. */
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  plan_id: string | null;

  @ApiProperty({ type: String, nullable: true })
  name: string | null;

  quantity: number;

  /** Counted and priced by Stripe: its cost is not known here. */
  is_metered: boolean;
}

/** What usage may come to at the end of the usage month, in whole units. */
export class ForecastView {
  /** pace: as fast as in the month so far. level: gauges stay as they are. */
  @ApiProperty({ enum: ['pace', 'level'] })
  method: 'pace' | 'level';

  value: number;

  /** The least and the most of: the pace of the month, that of the last seven days, and the month before. */
  low: number;
  high: number;
}

/** What a metric costs. */
export class MetricCostView extends CostView {
  metric: string;

  @ApiProperty({ enum: ['flow', 'gauge'] })
  kind: MetricKind;

  unit: string;

  @ApiProperty(AMOUNT)
  current_usage: number | string;

  projected_usage: ForecastView;

  /** The model that prices it; null: nothing is charged per unit. */
  @ApiProperty({ type: String, nullable: true })
  pricing_model: string | null;
}

/** What is charged by one pricing model. */
export class ModelCostView extends CostView {
  /** Null: by the prices of the plans. */
  @ApiProperty({ type: String, nullable: true })
  pricing_model: string | null;
}

/** What the usage month costs: an estimate, before discounts and tax. */
export class UsageCostView extends CostView {
  period: UsageMonthView;

  @ApiProperty({ format: 'date-time' })
  as_of: string;

  /** Null when nothing was ever to be paid. */
  @ApiProperty({ type: String, nullable: true })
  currency: string | null;

  /** False when something is charged that has no price here: the sums are without it. */
  is_complete: boolean;

  @ApiProperty({ type: [ChargeView] })
  charges: ChargeView[];

  @ApiProperty({ type: [MetricCostView] })
  metrics: MetricCostView[];

  @ApiProperty({ type: [ModelCostView] })
  pricing_models: ModelCostView[];
}

export function toCostView(report: CostReport): UsageCostView {
  return {
    period: toMonthView(report.period),
    as_of: report.asOf.toISOString(),
    currency: report.currency,
    is_complete: report.isComplete,
    ...costs(report.total, 'flat_fees'),
    charges: report.charges.map(toChargeView),
    metrics: report.metrics.map(toMetricCostView),
    pricing_models: report.models.map((model) => ({
      pricing_model: model.pricingModel,
      ...costs(model, 'flat_fees'),
    })),
  };
}

function toChargeView(charge: Charge): ChargeView {
  return {
    plan_id: charge.plan?.id ?? null,
    name: charge.plan?.name ?? null,
    quantity: charge.quantity,
    is_metered: charge.isMetered,
    ...costs(charge, 'flat_fees'),
  };
}

function toMetricCostView(cost: MetricCost): MetricCostView {
  const { meter, forecast } = cost;
  return {
    metric: meter.key,
    kind: meter.kind,
    unit: meter.unit,
    current_usage: cost.used,
    projected_usage: { ...forecast },
    pricing_model: cost.pricingModel,
    ...costs(cost, 'pace'),
  };
}

function costs({ toDate, projected, low, high }: Cost, method: ProjectedCostView['method']): CostView {
  return {
    cost_to_date: plain(toDate),
    projected: { method, cost: plain(projected), low: plain(low), high: plain(high) },
  };
}

function plain(money: Money | null): MoneyView | null {
  return money && { amount: money.amount, currency: money.currency };
}
