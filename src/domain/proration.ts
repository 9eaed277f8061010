import { Decimal, divideRounded, parseDecimal } from './decimal';
import { Currency, Money, money } from './money';
import { Period } from './period';

/** One step of a tiered price. `upTo` null is the last step; `flatAmount` in minor units, once per step reached. */
export interface PriceTier {
  readonly upTo: number | null;
  /** Minor units a piece, a decimal text. */
  readonly unitAmount: string;
  readonly flatAmount: number;
}

/** What a line costs per whole period, for any quantity. Amounts are minor units, as Stripe's `unit_amount_decimal`. */
export type LinePrice =
  | { readonly model: 'per_unit'; readonly unitAmount: string }
  | { readonly model: 'graduated' | 'volume'; readonly tiers: readonly PriceTier[] };

/** What is taken off a whole period's amount; the part of the period takes its part of it. */
export type LineDiscount = { readonly percentOff: number } | { readonly amountOff: number } | null;

/** A line as it is held from some moment on. */
export interface HeldLine {
  readonly price: LinePrice;
  readonly quantity: number;
  readonly discount: LineDiscount;
}

/** What was debited for a stretch of time: flexible billing gives back exactly this, in parts. */
export interface Debit {
  /** Minor units, as it stood on the invoice. */
  readonly amount: number;
  readonly period: Period;
}

/**
 * How credits are counted. flexible: each from what was debited (default of Stripe since 2025-09-30).
 * classic: from the price, quantity and discount of now (Stripe, "Billing mode: compare").
 */
export type CreditMode = 'flexible' | 'classic';

export interface ProrationLine {
  readonly kind: 'credit' | 'charge';
  /** Minor units; credits are negative. */
  readonly amount: number;
  readonly quantity: number;
  readonly period: Period;
}

export interface LineChange {
  readonly currency: Currency;
  /** The billing period that the change falls into. */
  readonly period: Period;
  /** The moment of the change, Stripe's `proration_date`. Only whole seconds count. */
  readonly at: Date;
  readonly mode: CreditMode;
  /** Null when the line is new, or cost nothing until now (a trial). */
  readonly from: HeldLine | null;
  /** What was debited for the line and is not given back yet; empty in classic mode and in a trial. */
  readonly debits: readonly Debit[];
  /** Null when the line goes. */
  readonly to: HeldLine | null;
  /**
   * Set when the change starts a new period: another interval, free to paid, or the end of a trial
   * (Stripe, "Prorations"). Then the new line is charged for all of it.
   */
  readonly newPeriod: Period | null;
}

/** Exact fraction of minor units; the denominator is positive. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const NOTHING: Fraction = { numerator: 0n, denominator: 1n };

/**
 * What a line costs for one whole period, exactly, after its discount and never below nothing.
 * @throws RangeError for a quantity that is not a whole number from 0, or a text that is no amount
 */
export function periodAmount(line: HeldLine): Fraction {
  if (!Number.isSafeInteger(line.quantity) || line.quantity < 0)
    throw new RangeError('a quantity is a whole number from 0');
  return discounted(grossAmount(line), line.discount);
}

/**
 * The lines of a change, as Stripe would write them: to the second, both directions, each rounded once,
 * halves away from zero, so that a credit mirrors its charge. Lines of nothing are left out.
 * @throws RangeError when `at` lies outside the period
 */
export function prorate(change: LineChange): ProrationLine[] {
  const at = wholeSecond(change.at);
  if (at < wholeSecond(change.period.start) || at > wholeSecond(change.period.end))
    throw new RangeError('a change happens within its period');
  return [...creditsOf(change), ...chargeOf(change)].filter((line) => line.amount !== 0);
}

/** What the lines come to. Throws RangeError when the sum is no longer exact. */
export function sumOfLines(lines: readonly ProrationLine[], currency: Currency): Money {
  return money(
    lines.reduce((sum, line) => sum + line.amount, 0),
    currency,
  );
}

/** What a line costs for a part of a period, exactly: for checks that rounding never drifts. */
export function exactPart(line: HeldLine, period: Period, from: Date, to: Date): Fraction {
  return part(periodAmount(line), period, { start: from, end: to });
}

/** The nearest whole minor unit, halves away from zero. */
export function rounded({ numerator, denominator }: Fraction): number {
  return Number(divideRounded(numerator, denominator));
}

function creditsOf({ period, at, mode, from, debits }: LineChange): ProrationLine[] {
  if (from === null) return [];
  const quantity = from.quantity;
  if (mode === 'classic') {
    const unused = { start: at, end: period.end };
    const amount = -rounded(part(periodAmount(from), period, unused));
    return [{ kind: 'credit', amount: amount || 0, quantity, period: unused }];
  }
  return debits
    .filter((debit) => wholeSecond(debit.period.end) > wholeSecond(at))
    .map((debit) => {
      const start = debit.period.start > at ? debit.period.start : at;
      const unused = { start, end: debit.period.end };
      const debited = { numerator: BigInt(debit.amount), denominator: 1n };
      const amount = -rounded(part(debited, debit.period, unused));
      return { kind: 'credit' as const, amount: amount || 0, quantity, period: unused };
    });
}

function chargeOf({ period, at, to, newPeriod }: LineChange): ProrationLine[] {
  if (to === null) return [];
  const whole = newPeriod ?? period;
  const charged = newPeriod ?? { start: at, end: period.end };
  return [
    {
      kind: 'charge',
      amount: rounded(part(periodAmount(to), whole, charged)),
      quantity: to.quantity,
      period: charged,
    },
  ];
}

function grossAmount({ price, quantity }: HeldLine): Fraction {
  if (price.model === 'per_unit') return times(parsed(price.unitAmount), BigInt(quantity));
  // Stripe bills nothing of a tiered price at quantity 0 but the flat amount of its first step.
  if (price.model === 'volume') {
    const tier = price.tiers.find(({ upTo }) => upTo === null || quantity <= upTo);
    if (!tier) throw new RangeError('the last tier has no end');
    return plus(times(parsed(tier.unitAmount), BigInt(quantity)), whole(tier.flatAmount));
  }
  let sum = NOTHING;
  let below = 0;
  for (const tier of price.tiers) {
    const inTier = Math.min(quantity, tier.upTo ?? quantity) - below;
    if (inTier < 0 || (inTier === 0 && below > 0)) break;
    sum = plus(sum, plus(times(parsed(tier.unitAmount), BigInt(inTier)), whole(tier.flatAmount)));
    below = tier.upTo ?? quantity;
  }
  return sum;
}

function discounted(gross: Fraction, discount: LineDiscount): Fraction {
  if (discount === null) return gross;
  if ('amountOff' in discount) {
    const left = plus(gross, whole(-discount.amountOff));
    return left.numerator < 0n ? NOTHING : left;
  }
  // Up to four decimals, as Stripe's `percent_off`.
  const percent = parseDecimal(String(discount.percentOff), 4);
  const hundred = 100n * 10n ** BigInt(percent.scale);
  if (percent.digits < 0n || percent.digits > hundred) throw new RangeError('percent is 0 to 100');
  // An invoice takes a discount off in whole minor units (`discount_amounts`), and so does its part of a period.
  const off = rounded({ numerator: BigInt(rounded(gross)) * percent.digits, denominator: hundred });
  return plus(gross, whole(-off));
}

/** The part of an amount that falls on a stretch of its period. */
function part(amount: Fraction, period: Period, stretch: Period): Fraction {
  const seconds = wholeSecond(period.end) - wholeSecond(period.start);
  if (seconds <= 0) throw new RangeError('a period lasts a second at least');
  const share = wholeSecond(stretch.end) - wholeSecond(stretch.start);
  return {
    numerator: amount.numerator * BigInt(share),
    denominator: amount.denominator * BigInt(seconds),
  };
}

function wholeSecond(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

function parsed(text: string): Fraction {
  const { digits, scale }: Decimal = parseDecimal(text, 12);
  return { numerator: digits, denominator: 10n ** BigInt(scale) };
}

function whole(amount: number): Fraction {
  return { numerator: BigInt(amount), denominator: 1n };
}

function times({ numerator, denominator }: Fraction, factor: bigint): Fraction {
  return { numerator: numerator * factor, denominator };
}

function plus(a: Fraction, b: Fraction): Fraction {
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}
