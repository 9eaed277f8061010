import { BillingError } from '../../../contracts/errors';

/**
 * Where Stripe may send the payer back to: only to origins on the configured list, so that our checkout
 * cannot be used to lead people elsewhere. `{CHECKOUT_SESSION_ID}` inside is Stripe's own placeholder.
 * @throws BillingError redirect_not_allowed
 */
export function allowedRedirect(
  url: string | undefined,
  fallback: string,
  origins: readonly string[],
): string {
  if (url === undefined) return fallback;
  if (!URL.canParse(url)) throw refused();
  const parsed = new URL(url);
  const isWeb = parsed.protocol === 'https:' || parsed.protocol === 'http:';
  if (!isWeb || parsed.username || parsed.password || !origins.includes(parsed.origin)) throw refused();
  return url;
}

function refused(): BillingError {
  return new BillingError('redirect_not_allowed');
}
