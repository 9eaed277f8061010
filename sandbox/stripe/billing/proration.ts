import { rounded } from '../amounts';

/**
 * Arithmetic of prorations, in integers only.
 *
 * To the second: a stretch of time costs its part of the whole period (https://docs.stripe.com/billing/subscriptions/prorations).
 * Each line is rounded once, half away from zero, like all amounts here. No page of Stripe was found that names the
 * way of rounding: to be confirmed against real test mode.
 */

/**
 * The part of an exact amount (trillionths of a minor unit) that falls on `part` of `whole` seconds.
 * @returns Whole minor units.
 */
export function proratedExact(exact: bigint, part: number, whole: number): number {
  if (part <= 0 || whole <= 0) return 0;
  if (part >= whole) return rounded(exact);
  return roundedQuotient(exact * BigInt(part), BigInt(whole));
}

/** The same for an amount of whole minor units, e.g. what is given back of a debit. */
export function prorated(amount: number, part: number, whole: number): number {
  if (part <= 0 || whole <= 0) return 0;
  if (part >= whole) return amount;
  return divided(BigInt(amount) * BigInt(part), BigInt(whole));
}

/** `numerator / denominator` of exact amounts in whole minor units: one division, one rounding. */
function roundedQuotient(numerator: bigint, denominator: bigint): number {
  return divided(numerator, denominator * 10n ** 12n);
}

/** A quotient rounded half away from zero. `denominator` is positive. */
function divided(numerator: bigint, denominator: bigint): number {
  const twice = 2n * (numerator < 0n ? -numerator : numerator) + denominator;
  const size = twice / (2n * denominator);
  return Number(numerator < 0n ? -size : size);
}
