import { createHmac } from 'node:crypto';

/**
 * Stripe's signature of a delivery: `t=<seconds>,v1=<HMAC-SHA256 of "t.payload">`.
 * @param timestampSeconds Real time, never the sandbox's: receivers compare it with their own clock.
 */
export function stripeSignature(payload: string, secret: string, timestampSeconds: number): string {
  const digest = createHmac('sha256', secret).update(`${timestampSeconds}.${payload}`, 'utf8').digest('hex');
  return `t=${timestampSeconds},v1=${digest}`;
}
