/** One wish to buy. Its idempotency key lives as long as nobody knows what became of it. */
export interface CheckoutIntent {
  planId: string;
  coupon: string;
  idempotencyKey: string;
}

/**
 * The intent behind a click: the same one when the reader repeats a wish whose outcome is unknown (no answer, or
 * the service was busy), else a new one with a new key.
 */
export function intentFor(planId: string, coupon: string, unsettled: CheckoutIntent | null): CheckoutIntent {
  if (unsettled && unsettled.planId === planId && unsettled.coupon === coupon) return unsettled;
  return { planId, coupon, idempotencyKey: randomId() };
}

/** `crypto.randomUUID` exists on secure origins only; a self-hosted service may be reached by plain http. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
