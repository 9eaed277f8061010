/** An amount of minor units for people: 2900, "usd" → "$29.00". */
export function moneyText(amount: number, currency: string, locale = 'en-US'): string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency: currency.toUpperCase() });
  const exponent = minorUnits(currency);
  return format.format(amount / 10 ** exponent);
}

// Stripe counts these in hundredths although they are written without (https://docs.stripe.com/currencies).
const WRITTEN_WHOLE = new Set(['isk', 'ugx', 'huf', 'twd']);

function minorUnits(currency: string): number {
  if (WRITTEN_WHOLE.has(currency)) return 2;
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency: currency.toUpperCase() });
  return format.resolvedOptions().maximumFractionDigits ?? 2;
}

/** A decimal price of minor units for people, with all its places: "0.5", "usd" → "$0.005". */
export function decimalMoneyText(minor: string, currency: string): string {
  const format = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: currency.toUpperCase(),
    maximumFractionDigits: 14,
  });
  return format.format(Number(minor) / 10 ** minorUnits(currency));
}
