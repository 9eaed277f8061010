import type Stripe from 'stripe';

/** Decimal texts of the API have at most twelve places; amounts are computed exactly in that unit. */
const PLACES = 12;
/** One minor unit, in the unit of exact amounts. */
export const ONE = 10n ** BigInt(PLACES);

/** A decimal text as Stripe sends it. The types call it `Decimal`, on the wire it is a text. */
export function decimalText(text: string): Stripe.Decimal {
  // The SDK turns the text into its Decimal class; an HTTP double only ever handles the text.
  return text as unknown as Stripe.Decimal;
}

/** The text of a decimal that came in or was stored. */
export function textOf(decimal: Stripe.Decimal): string {
  return String(decimal);
}

function scaled(text: string): bigint {
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  const value = BigInt(whole) * ONE + BigInt(fraction.padEnd(PLACES, '0'));
  return text.startsWith('-') ? -value : value;
}

/** Whole minor units of an exact amount, half away from zero. */
export function rounded(value: bigint): number {
  const half = ONE / 2n;
  return Number(value >= 0n ? (value + half) / ONE : -((-value + half) / ONE));
}

/** `unit_amount` of a decimal price: the whole number, or null when it has a fraction. */
export function wholeAmount(text: string): number | null {
  const value = scaled(text);
  return value % ONE === 0n ? Number(value / ONE) : null;
}

/** A decimal text without needless zeros: "2000.50" → "2000.5". */
export function plainDecimal(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/**
 * What `quantity` units cost, in whole minor units of the price's currency.
 * Covers per-unit, packages (`transform_quantity`), graduated and volume tiers.
 */
export function amountFor(price: Stripe.Price, quantity: number): number {
  return rounded(exactAmountFor(price, quantity));
}

/** The same before rounding, in trillionths of a minor unit: prorations round only once, at their end. */
export function exactAmountFor(price: Stripe.Price, quantity: number): bigint {
  if (price.billing_scheme === 'tiered') {
    return price.tiers_mode === 'volume' ? volume(price, quantity) : graduated(price, quantity);
  }
  const unit = scaled(price.unit_amount_decimal === null ? '0' : textOf(price.unit_amount_decimal));
  return unit * BigInt(billedUnits(price, quantity));
}

function billedUnits(price: Stripe.Price, quantity: number): number {
  const transform = price.transform_quantity;
  if (!transform) return quantity;
  const packages = quantity / transform.divide_by;
  return transform.round === 'up' ? Math.ceil(packages) : Math.floor(packages);
}

function graduated(price: Stripe.Price, quantity: number): bigint {
  let total = 0n;
  let from = 0;
  for (const tier of price.tiers ?? []) {
    const to = tier.up_to ?? Infinity;
    const units = Math.min(quantity, to) - from;
    // The first tier's flat amount is due even without usage, as at Stripe.
    if (units <= 0 && from > 0) break;
    total += tierAmount(tier, Math.max(units, 0));
    from = to;
    if (quantity <= to) break;
  }
  return total;
}

function volume(price: Stripe.Price, quantity: number): bigint {
  const tier = (price.tiers ?? []).find(({ up_to: upTo }) => upTo === null || quantity <= upTo);
  return tier ? tierAmount(tier, quantity) : 0n;
}

function tierAmount(tier: Stripe.Price.Tier, units: number): bigint {
  const unit = tier.unit_amount_decimal === null ? 0n : scaled(textOf(tier.unit_amount_decimal));
  const flat = tier.flat_amount_decimal === null ? 0n : scaled(textOf(tier.flat_amount_decimal));
  return unit * BigInt(units) + flat;
}

/** `percent` of an amount, half up to the minor unit. `percent` has at most a few decimal places. */
export function percentOf(amount: number, percent: number): number {
  return rounded((BigInt(amount) * scaled(String(percent))) / 100n);
}

/** Splits an amount over weights so that the parts add up (largest remainder). */
export function split(amount: number, weights: number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n);
  if (total === 0n) return weights.map(() => 0);
  const shares = weights.map((weight, index) => {
    const product = BigInt(amount) * BigInt(weight);
    return { index, part: Number(product / total), rest: product % total };
  });
  let left = amount - shares.reduce((sum, share) => sum + share.part, 0);
  for (const share of [...shares].sort((a, b) =>
    a.rest === b.rest ? a.index - b.index : a.rest > b.rest ? -1 : 1,
  )) {
    if (left <= 0) break;
    share.part++;
    left--;
  }
  return shares.map((share) => share.part);
}
