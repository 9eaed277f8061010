import { divideRounded, formatDecimal, parseDecimal } from './decimal';
import { BillingInterval, intervalMonths } from './period';

declare const brand: unique symbol;

/** A lower-case ISO 4217 code that we know the minor unit of. Made by `currencyOf` alone. */
export type Currency = string & { readonly [brand]: 'Currency' };

/** An amount in whole minor units (cents, yen, fils), as Stripe counts them; always a safe integer. */
export interface Money {
  readonly amount: number;
  readonly currency: Currency;
}

/** ISO 4217 currencies that money is charged in (no metals, no test or fund codes). */
const CURRENCY_CODES = new Set(
  (
    'aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn bwp byn bzd ' +
    'cad cdf chf clp cny cop crc cup cve czk djf dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd ' +
    'gnf gtq gyd hkd hnl htg huf idr ils inr iqd irr isk jmd jod jpy kes kgs khr kmf kpw krw kwd kyd kzt ' +
    'lak lbp lkr lrd lsl lyd mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn myr mzn nad ngn nio nok npr ' +
    'nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sdg sek sgd shp sle sos srd ssp ' +
    'stn svc syp szl thb tjs tmt tnd top try ttd twd tzs uah ugx usd uyu uzs ves vnd vuv wst xaf xcd xcg ' +
    'xof xpf yer zar zmw zwg'
  ).split(' '),
);

/** Currencies whose amount is the number itself (Stripe, "Currencies": zero-decimal). */
const ZERO_DECIMAL = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));

/** Thousandths. ISO 4217 counts the Iraqi and Libyan dinar so too, and Stripe charges in neither. */
const THREE_DECIMAL = new Set('bhd iqd jod kwd lyd omr tnd'.split(' '));

/**
 * Zero-decimal in life, but Stripe keeps them at two decimals that must be 00: 5 ISK is 500
 * (Stripe, "Currencies": special cases). Other lists count UGX as zero-decimal; that charges a hundredth.
 */
const WHOLE_UNITS_IN_HUNDREDTHS = new Set(['isk', 'ugx']);

/** Checked money. Throws RangeError unless `amount` is a safe integer; negative amounts are credits. */
export function money(amount: number, currency: Currency): Money {
  if (!Number.isSafeInteger(amount)) throw new RangeError('an amount is whole minor units up to 2^53-1');
  return { amount: amount === 0 ? 0 : amount, currency }; // -0 is written as 0
}

/** The currency that `text` names, in any case. Throws RangeError for a code nobody charges in. */
export function currencyOf(text: string): Currency {
  const code = text.toLowerCase();
  if (!CURRENCY_CODES.has(code)) throw new RangeError('unknown currency');
  return code as Currency;
}

/** Decimals of the minor unit as Stripe treats it: 0 for yen, 3 for Kuwaiti dinar, 2 for most. */
export function minorUnitExponent(currency: Currency): 0 | 2 | 3 {
  if (ZERO_DECIMAL.has(currency)) return 0;
  return THREE_DECIMAL.has(currency) ? 3 : 2;
}

/**
 * The step a charged amount must be a multiple of: Stripe refuses 40.10 ISK (steps of 100) and wants the
 * last digit of three-decimal currencies to be 0 (steps of 10). 1 for all others.
 */
export function chargeStep(currency: Currency): 1 | 10 | 100 {
  if (WHOLE_UNITS_IN_HUNDREDTHS.has(currency)) return 100;
  return THREE_DECIMAL.has(currency) ? 10 : 1;
}

/** Throws RangeError for two currencies, or when the sum is no longer exact. */
export function add(a: Money, b: Money): Money {
  sameCurrency(a, b);
  return money(a.amount + b.amount, a.currency);
}

/** Throws RangeError for two currencies, or when the difference is no longer exact. */
export function subtract(a: Money, b: Money): Money {
  sameCurrency(a, b);
  return money(a.amount - b.amount, a.currency);
}

/** `m` so many times. Throws RangeError when `times` is not whole, or the product is no longer exact. */
export function multiply(m: Money, times: number): Money {
  if (!Number.isSafeInteger(times)) throw new RangeError('multiply by a whole number');
  return exact(BigInt(m.amount) * BigInt(times), m.currency);
}

/**
 * Splits `m` in the given ratios (whole numbers ≥ 0, not all 0) so that the parts add up to `m` exactly.
 * The minor units that do not divide go to the largest remainders, at a tie to the earlier part.
 */
export function allocate(m: Money, ratios: readonly number[]): Money[] {
  if (ratios.some((ratio) => !Number.isSafeInteger(ratio) || ratio < 0)) {
    throw new RangeError('ratios are whole numbers from 0');
  }
  const total = ratios.reduce((sum, ratio) => sum + BigInt(ratio), 0n);
  if (total === 0n) throw new RangeError('one ratio at least must be above 0');

  const sign = m.amount < 0 ? -1 : 1;
  const whole = BigInt(Math.abs(m.amount));
  const shares = ratios.map((ratio, index) => {
    const product = whole * BigInt(ratio);
    return { index, part: Number(product / total), remainder: product % total };
  });
  const left = Math.abs(m.amount) - shares.reduce((sum, share) => sum + share.part, 0);
  const byRemainder = [...shares].sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  );
  for (const share of byRemainder.slice(0, left)) share.part += 1;
  return shares.map((share) => money(sign * share.part, m.currency));
}

/**
 * What is left of `m` after a discount of `percent` (0 to 100, at most 4 decimals, as Stripe's `percent_off`).
 * The discount is rounded to the minor unit, halves up, and then taken off: 50 % of 999 takes 500, leaves 499.
 */
export function applyPercentOff(m: Money, percent: number): Money {
  const rate = parseDecimal(String(percent), 4);
  const hundred = 100n * 10n ** BigInt(rate.scale);
  if (rate.digits < 0n || rate.digits > hundred) throw new RangeError('percent is 0 to 100');
  const discount = divideRounded(BigInt(m.amount) * rate.digits, hundred);
  return exact(BigInt(m.amount) - discount, m.currency);
}

/**
 * Money for people, in the customs of a BCP 47 locale: `€1,234.50`, `¥1,235`. Decimals follow Stripe's minor
 * unit, not the platform's locale data, which shows no fillér for HUF. Throws RangeError for a bad locale.
 */
export function formatMoney(m: Money, locale: string): string {
  const exponent = minorUnitExponent(m.currency);
  const wholeUnits = WHOLE_UNITS_IN_HUNDREDTHS.has(m.currency) && m.amount % 100 === 0;
  const decimals = wholeUnits ? 0 : exponent;
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: m.currency.toUpperCase(),
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  // As text, because 2^53−1 minor units have no exact float in major units.
  return format.format(formatDecimal({ digits: BigInt(m.amount), scale: exponent }) as `${number}`);
}

/**
 * What a price paid every `intervalCount` months or years comes to per month, in minor units, halves up.
 * For showing and comparing only; nobody is charged it. Throws RangeError for a count below 1.
 */
export function monthlyEquivalent(m: Money, interval: BillingInterval, intervalCount: number): Money {
  const months = intervalMonths(interval, intervalCount);
  if (!Number.isSafeInteger(months) || months < 1) throw new RangeError('an interval lasts a month at least');
  return exact(divideRounded(BigInt(m.amount), BigInt(months)), m.currency);
}

function sameCurrency(a: Money, b: Money): void {
  if (a.currency !== b.currency) throw new RangeError('two currencies do not add');
}

function exact(amount: bigint, currency: Currency): Money {
  return money(Number(amount), currency);
}
