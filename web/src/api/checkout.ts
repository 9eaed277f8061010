import { request } from './api';

/** What to buy, and where Stripe sends the reader afterwards. */
export interface CheckoutOrder {
  plan_id: string;
  success_url: string;
  cancel_url: string;
  coupon?: string;
}

/** A checkout to pay on (`url`), or, for a free plan, one that is done already (`url` null). */
export interface OpenedCheckout {
  id: string | null;
  url: string | null;
  expires_at: string | null;
  status?: string;
}

/** A checkout as the service knows it. */
export interface CheckoutState {
  id: string;
  status: 'open' | 'complete' | 'expired';
  plan_id: string;
  url: string | null;
  expires_at: string | null;
}

/** Opens a checkout; the same idempotency key never opens a second one. */
export function openCheckout(
  key: string,
  idempotencyKey: string,
  order: CheckoutOrder,
): Promise<OpenedCheckout> {
  return request('/v1/billings/subscription/checkout', { method: 'POST', body: order, key, idempotencyKey });
}

/** Reads one checkout of the signed-in tenant. */
export function fetchCheckout(key: string, id: string, signal?: AbortSignal): Promise<CheckoutState> {
  return request(`/v1/billings/subscription/checkout/${encodeURIComponent(id)}`, { key, signal });
}
