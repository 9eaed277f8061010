import { invalidRequest } from '../errors';

const KNOWN = new Set(Intl.supportedValuesOf('currency'));

/**
 * A currency in Stripe's lower-case form.
 * @throws StripeApiError 400 for a code no currency has.
 */
export function currencyOf(text: string, param = 'currency'): string {
  if (!/^[A-Za-z]{3}$/.test(text) || !KNOWN.has(text.toUpperCase())) {
    throw invalidRequest(`Invalid currency: ${text}.`, param);
  }
  return text.toLowerCase();
}
