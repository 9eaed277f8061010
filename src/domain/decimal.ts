/**
 * Exact decimal numbers: unit prices below a minor unit (`unit_amount_decimal`) and usage quantities.
 * Floats never carry them; a decimal is a whole number of its smallest digit.
 */
export interface Decimal {
  /** The number without its point: 12.5 is 125 with scale 1. */
  readonly digits: bigint;
  /** Digits behind the point; as few as the number needs, so that equal numbers are equal objects. */
  readonly scale: number;
}

const PLAIN_DECIMAL = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;

/** Longer than any quantity or price; keeps BigInt parsing (quadratic) away from hostile input. */
const LONGEST_TEXT = 64;

/**
 * Reads a plain decimal such as `12`, `-0.5` or `0.000000000001`. No exponent, no plus sign, no spaces, no
 * leading zeros: two texts of one number would be two fingerprints of one usage event.
 * Throws RangeError when the text is not one, or needs more than `maxScale` digits behind the point.
 */
export function parseDecimal(text: string, maxScale: number): Decimal {
  if (text.length > LONGEST_TEXT || !PLAIN_DECIMAL.test(text)) {
    throw new RangeError('not a plain decimal number');
  }
  const [whole = '0', fraction = ''] = text.split('.');
  const decimal = shortest(BigInt(whole + fraction), fraction.length);
  if (decimal.scale > maxScale) {
    throw new RangeError(`more than ${maxScale} digits behind the point`);
  }
  return decimal;
}

/** The canonical text: no trailing zeros, no negative zero. `parseDecimal` reads it back unchanged. */
export function formatDecimal(decimal: Decimal): string {
  const sign = decimal.digits < 0n ? '-' : '';
  const digits = magnitude(decimal.digits)
    .toString()
    .padStart(decimal.scale + 1, '0');
  const point = digits.length - decimal.scale;
  return decimal.scale === 0 ? sign + digits : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/**
 * A quantity as callers send it: a whole JSON number up to 2^53−1, or a decimal text (spec 00, Quantities).
 * A JSON number with a fraction is refused, since it may have been rounded before it reached us.
 */
export function quantityOf(value: number | string, maxScale: number): Decimal {
  if (typeof value === 'string') return parseDecimal(value, maxScale);
  if (!Number.isSafeInteger(value)) throw new RangeError('not a whole number up to 2^53-1');
  return { digits: BigInt(value), scale: 0 };
}

/** A quantity as it leaves: a JSON integer when that is safe, else the canonical text (decisions 9). */
export function quantityToJson(decimal: Decimal): number | string {
  const whole = decimal.scale === 0 ? Number(decimal.digits) : Number.NaN;
  return Number.isSafeInteger(whole) ? whole : formatDecimal(decimal);
}

/** The exact sum. */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return shortest(atScale(a, scale) + atScale(b, scale), scale);
}

/** The exact product. */
export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return shortest(a.digits * b.digits, a.scale + b.scale);
}

/** −1, 0 or 1, as sort wants it. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const difference = atScale(a, scale) - atScale(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The nearest whole number, halves away from zero, as Stripe rounds a line to minor units. */
export function roundToWhole(decimal: Decimal): bigint {
  return divideRounded(decimal.digits, 10n ** BigInt(decimal.scale));
}

/**
 * numerator / denominator to the nearest whole number. Halves go up; for negative numbers away from zero,
 * so that a credit is always the exact mirror of its charge. The denominator must be positive.
 */
export function divideRounded(numerator: bigint, denominator: bigint): bigint {
  if (denominator <= 0n) throw new RangeError('the denominator must be positive');
  const rounded = (2n * magnitude(numerator) + denominator) / (2n * denominator);
  return numerator < 0n ? -rounded : rounded;
}

function shortest(digits: bigint, scale: number): Decimal {
  while (scale > 0 && digits % 10n === 0n) {
    digits /= 10n;
    scale -= 1;
  }
  return { digits, scale };
}

function atScale(decimal: Decimal, scale: number): bigint {
  return decimal.digits * 10n ** BigInt(scale - decimal.scale);
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
