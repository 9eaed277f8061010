import { compareDecimals, Decimal, addDecimals, quantityOf, quantityToJson } from './decimal';
import { currencyOf } from './money';
import { addInterval, intervalMonths, Period } from './period';
import { familyOf } from './plan-comparison';
import { PlanFacts, PlanPrice } from './plan-facts';
import { compareLimits, LimitDifference, limitOf } from './plan-limits';
import {
  CreditMode,
  Debit,
  HeldLine,
  LineDiscount,
  periodAmount,
  prorate,
  ProrationLine,
  rounded,
  sumOfLines,
} from './proration';
import { monthlyRevenue, revenueEffect, RevenueEffect } from './recurring-revenue';

/** Which way a change goes, by what is paid per month. The monthly and yearly form of one plan are level. */
export type ChangeDirection = 'upgrade' | 'downgrade' | 'sidegrade' | 'none';

/** What is held, or wanted: a plan and how many of it. */
export interface Holding<P extends PlanPrice = PlanFacts> {
  readonly plan: P;
  readonly quantity: number;
}

/** Two currencies do not compare: such a change is a sidegrade here, and refused where money is moved. */
export function directionOf(from: Holding<PlanPrice> | null, to: Holding<PlanPrice>): ChangeDirection {
  if (from === null) return 'upgrade';
  if (from.plan.id === to.plan.id) return stepOf(to.quantity - from.quantity, 'none');
  if (from.plan.currency !== to.plan.currency) return 'sidegrade';
  if (familyOf(from.plan) === familyOf(to.plan) && from.quantity === to.quantity) return 'sidegrade';
  return stepOf(monthlyRevenue(to).amount - monthlyRevenue(from).amount, 'sidegrade');
}

function stepOf(difference: number, level: 'sidegrade' | 'none'): ChangeDirection {
  return difference > 0 ? 'upgrade' : difference < 0 ? 'downgrade' : level;
}

/** What the change wins and loses. */
export interface Difference {
  readonly limits: LimitDifference[];
  readonly features_won: string[];
  readonly features_lost: string[];
}

/** @param from null when the tenant had nothing */
export function differenceOf(from: PlanFacts | null, to: PlanFacts): Difference {
  const had = from?.features ?? [];
  return {
    limits: compareLimits(from?.limits ?? {}, to.limits),
    features_won: to.features.filter((feature) => !had.includes(feature)),
    features_lost: had.filter((feature) => !to.features.includes(feature)),
  };
}

/** One metric that is used more than the new plan allows. */
export interface Excess {
  readonly metric: string;
  readonly used: number | string;
  readonly limit: number;
  readonly excess: number | string;
}

/** Digits behind the point that usage may have (decisions 9). */
const MOST_SCALE = 9;

/**
 * What is used above the new limits, in the order given; a metric that the new plan does not name has limit 0.
 * The plan's grace does not help: a downgrade should not begin above its limit.
 */
export function excessOf(
  usage: readonly { readonly metric: string; readonly used: number | string }[],
  limits: PlanFacts['limits'],
): Excess[] {
  return usage.flatMap(({ metric, used }) => {
    const limit = limitOf(limits, metric);
    if (limit === null) return [];
    const counted = quantityOf(used, MOST_SCALE);
    const allowed: Decimal = { digits: BigInt(limit), scale: 0 };
    if (compareDecimals(counted, allowed) <= 0) return [];
    const excess = addDecimals(counted, { digits: -allowed.digits, scale: 0 });
    return [{ metric, used: quantityToJson(counted), limit, excess: quantityToJson(excess) }];
  });
}

/** When a change takes hold. */
export type Effective = 'now' | 'period_end';

/** Everything the quote of a change needs to know; previewing and carrying out ask with the same facts. */
export interface ChangeFacts {
  readonly from: Holding | null;
  readonly to: Holding;
  /** The running period; null when nothing runs. */
  readonly period: Period | null;
  /** Nothing was charged for the running period: it is a trial, so nothing is given back either. */
  readonly isTrial: boolean;
  readonly discount: LineDiscount;
  readonly mode: CreditMode;
  /** Null = one debit for all of the period at the present price, which is so unless it changed meanwhile. */
  readonly debits: readonly Debit[] | null;
  readonly effective: Effective;
  readonly now: Date;
}

/** What a change costs and does. Amounts are minor units of `currency`, without tax. */
export interface ChangeQuote {
  readonly direction: ChangeDirection;
  readonly currency: string;
  /** ISO 8601; to charge what was quoted, send it back (Stripe, `proration_date`). */
  readonly prorationDate: Date;
  readonly effectiveAt: Date;
  /** Charged now; 0 when the credit is larger. */
  readonly amountDue: number;
  /** Given back for unused time, as a number above 0. */
  readonly credit: number;
  /** What of the credit is left over and lowers later invoices. */
  readonly creditLeft: number;
  readonly lines: ProrationLine[];
  /** The flat amount of the next invoice, and when it comes. */
  readonly nextInvoice: { readonly amount: number; readonly at: Date };
  readonly difference: Difference;
  readonly revenue: RevenueEffect | null;
}

/**
 * The one calculation behind preview and execution of a change of plan or quantity.
 * @throws RangeError for two currencies (a subscription has one), or a moment outside the period
 */
export function quoteChange(facts: ChangeFacts): ChangeQuote {
  const { from, to, effective } = facts;
  if (from !== null && from.plan.currency !== to.plan.currency)
    throw new RangeError('a subscription has one currency');
  const at = new Date(Math.floor(facts.now.getTime() / 1000) * 1000);
  const currency = currencyOf(to.plan.currency);
  const lines = effective === 'now' ? linesNow(facts, at) : [];
  const total = sumOfLines(lines, currency).amount;
  const newPeriod = newPeriodOf(facts, at);
  const periodEnd = facts.period?.end ?? at;
  const nextAt = effective === 'now' ? (newPeriod?.end ?? periodEnd) : periodEnd;
  return {
    direction: directionOf(from, to),
    currency,
    prorationDate: at,
    effectiveAt: effective === 'now' ? at : periodEnd,
    amountDue: Math.max(total, 0),
    credit: 0 - lines.filter(({ kind }) => kind === 'credit').reduce((sum, { amount }) => sum + amount, 0),
    creditLeft: Math.max(-total, 0),
    lines,
    nextInvoice: { amount: to.plan.amount * to.quantity, at: nextAt },
    difference: differenceOf(from?.plan ?? null, to.plan),
    revenue: revenueEffect(from, to),
  };
}

/** Whether the change starts the billing period anew (Stripe, "Prorations"). */
export function startsNewPeriod({
  from,
  to,
  isTrial,
  period,
}: Pick<ChangeFacts, 'from' | 'to' | 'isTrial' | 'period'>): boolean {
  if (from === null || period === null || isTrial) return true;
  if (from.plan.amount === 0 && to.plan.amount > 0) return true;
  return (
    intervalMonths(from.plan.interval, from.plan.intervalCount) !==
    intervalMonths(to.plan.interval, to.plan.intervalCount)
  );
}

function newPeriodOf(facts: ChangeFacts, at: Date): Period | null {
  if (!startsNewPeriod(facts)) return null;
  const { interval, intervalCount } = facts.to.plan;
  return { start: at, end: addInterval(at, interval, intervalCount) };
}

function linesNow(facts: ChangeFacts, at: Date): ProrationLine[] {
  const { from, to, period, isTrial, discount, mode } = facts;
  const newPeriod = newPeriodOf(facts, at);
  const running = period ?? newPeriod!;
  const isPaid = from !== null && period !== null && !isTrial;
  const debits = isPaid
    ? (facts.debits ?? [{ amount: rounded(periodAmount(lineOf(from, discount))), period: running }])
    : [];
  return prorate({
    currency: currencyOf(to.plan.currency),
    // Our clock and Stripe's differ by moments; a period that has just ended counts as used up.
    period: running,
    at: at > running.end ? running.end : at < running.start ? running.start : at,
    mode,
    from: isPaid ? lineOf(from, discount) : null,
    debits,
    to: lineOf(to, discount),
    newPeriod,
  });
}

function lineOf({ plan, quantity }: Holding, discount: LineDiscount): HeldLine {
  return { price: { model: 'per_unit', unitAmount: String(plan.amount) }, quantity, discount };
}
