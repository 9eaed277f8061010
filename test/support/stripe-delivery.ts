import Stripe from 'stripe';

/** Signs a payload the way Stripe does, with the real package. */
export function signed(
  payload: string,
  secret: string,
  options: { timestamp?: number; header?: string } = {},
): Record<string, string> {
  const header =
    options.header ??
    Stripe.webhooks.generateTestHeaderString({
      payload,
      secret,
      timestamp: options.timestamp ?? Math.floor(Date.now() / 1000),
    });
  return { 'stripe-signature': header, 'content-type': 'application/json' };
}

/** Delivers bytes to a service's webhook route; answers status and body. */
export async function deliver(
  url: string,
  payload: string | Buffer,
  headers: Record<string, string>,
  path = '/v1/webhooks/stripe',
): Promise<{ status: number; body: { result?: string; code?: string } }> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers,
    body: payload as string,
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : {} };
}

/** A made-up event notification (thin event); everything in it can be replaced. */
export function madeUpNotification(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: `evt_test_${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`,
    object: 'v2.core.event',
    type: 'v1.billing.meter.error_report_triggered',
    created: new Date().toISOString(),
    livemode: false,
    context: null,
    reason: null,
    related_object: { id: 'mtr_1', type: 'billing.meter', url: '/v1/billing/meters/mtr_1' },
    ...fields,
  };
}

/** A made-up event; everything in it can be replaced. */
export function madeUpEvent(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: `evt_${Math.random().toString(36).slice(2)}${Math.random().toString(36).slice(2)}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: Math.floor(Date.now() / 1000),
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: 'customer.subscription.updated',
    data: {
      object: {
        id: 'sub_unknown',
        object: 'subscription',
        customer: 'cus_unknown',
        items: { object: 'list', data: [{ id: 'si_1', current_period_end: 1_800_000_000 }] },
      },
    },
    ...fields,
  };
}
