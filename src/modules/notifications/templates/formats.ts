import { currencyOf, formatMoney, money } from '../../../domain/money';

/** A day for people, in their customs; in UTC, as all our periods are. */
export function formatDay(iso: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(iso));
}

/** `€29.00 per month`, `€290.00 every 2 years`. */
export function formatPrice(
  amount: number,
  currency: string,
  interval: string | null,
  intervalCount: number | null,
  locale: string,
): string {
  const price = formatMoney(money(amount, currencyOf(currency)), locale);
  if (interval === null) return price;
  return intervalCount !== null && intervalCount > 1
    ? `${price} every ${intervalCount} ${interval}s`
    : `${price} per ${interval}`;
}

/** A quantity in a reader's customs; exact, however long. */
export function formatQuantity(quantity: number | string, locale: string): string {
  // Of the texts only decimals get here; the type wants that said.
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 9 }).format(quantity as `${number}`);
}
