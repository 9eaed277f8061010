/** Money for people: whole minor units in, text out. The only place that knows how many decimals a currency has. */

/**
 * Stripe's own list of currencies without minor units (docs.stripe.com/currencies). Browsers follow ISO 4217,
 * which differs for some (UGX and ISK: ISO says none, Stripe says two), and the amounts come from Stripe.
 */
const NO_DECIMALS = new Set('BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '));
const THREE_DECIMALS = new Set('BHD JOD KWD OMR TND'.split(' '));

/** How many decimals the currency's minor unit stands for: 0 (JPY), 2 (USD) or 3 (KWD). */
export function currencyDecimals(currency: string): number {
  const code = currency.toUpperCase();
  if (NO_DECIMALS.has(code)) return 0;
  return THREE_DECIMALS.has(code) ? 3 : 2;
}

/**
 * Formats an amount in minor units, as `$29`, `$24.17`, `¥3,000` or `KWD 1.250`. Decimals are left out when
 * they are all zero: prices read faster so.
 */
export function formatMoney(amount: number, currency: string, locale?: string): string {
  const decimals = currencyDecimals(currency);
  const scale = 10 ** decimals;
  const shown = amount % scale === 0 ? 0 : decimals;
  return formatterOf(currency, shown, locale).format(amount / scale);
}

const formatters = new Map<string, Intl.NumberFormat>();

function formatterOf(currency: string, decimals: number, locale?: string): Intl.NumberFormat {
  const name = `${locale ?? ''}|${currency}|${decimals}`;
  const known = formatters.get(name);
  if (known) return known;
  const made = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: currency.toUpperCase(),
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  formatters.set(name, made);
  return made;
}

/** The words after a price: `month`, `year`, `3 months`. */
export function intervalWords(interval: 'month' | 'year', count: number): string {
  return count === 1 ? interval : `${count} ${interval}s`;
}
