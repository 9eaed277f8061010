import type Stripe from 'stripe';
import type { Account } from '../account';
import { only, type Call } from '../call';
import { invalidRequest } from '../errors';
import { inRange, listPage } from '../pagination';

const KEPT_SECONDS = 30 * 86_400;
const MAX_TYPES = 20;

/** One event. What it says of waiting endpoints is counted now; all else is as it was. */
export function retrieveEvent({ account, id }: Call<Stripe.EventRetrieveParams>): object {
  return { ...account.get('event', id), pending_webhooks: openDeliveries(account).get(id)?.pending ?? 0 };
}

/** Events of the last 30 days, newest first: what a service reads to find what it missed. */
export function listEvents({ account, params }: Call<Stripe.EventListParams>): object {
  only(params, 'created', 'delivery_success', 'ending_before', 'limit', 'starting_after', 'type', 'types');
  if (params.type && params.types) {
    throw invalidRequest(
      'You may only specify one of these parameters: type, types.',
      'types',
      'parameters_exclusive',
    );
  }
  if (params.types && params.types.length > MAX_TYPES) {
    throw invalidRequest(`You may pass up to ${MAX_TYPES} types.`, 'types');
  }
  const types = params.types ?? (params.type ? [params.type] : undefined);
  const open = openDeliveries(account);
  const oldest = account.now() - KEPT_SECONDS;
  const rows = account.newest(
    'event',
    (event) =>
      event.created >= oldest &&
      inRange(event.created, params.created) &&
      (types === undefined || types.some((type) => fitsType(event.type, type))) &&
      (params.delivery_success === undefined || !open.get(event.id)?.undelivered === params.delivery_success),
  );
  const list = listPage(rows, params, '/v1/events');
  const data = list.data.map((event) => ({ ...event, pending_webhooks: open.get(event.id)?.pending ?? 0 }));
  return { ...list, data };
}

function fitsType(type: string, wanted: string): boolean {
  return wanted.endsWith('.*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
}

/** Events that some endpoint has not taken: still pending, given up, or lost. */
function openDeliveries(account: Account): Map<string, { pending: number; undelivered: boolean }> {
  const byEndpoint = new Map<string, { event: string; delivered: boolean; pending: number }>();
  for (const delivery of account.store.rows('delivery')) {
    const key = `${delivery.event_id} ${delivery.endpoint}`;
    const entry = byEndpoint.get(key) ?? { event: delivery.event_id, delivered: false, pending: 0 };
    // A duplicate or a resend that arrived counts for the endpoint, whatever became of the others.
    entry.delivered ||= delivery.status === 'delivered';
    entry.pending += delivery.status === 'pending' ? 1 : 0;
    byEndpoint.set(key, entry);
  }
  const open = new Map<string, { pending: number; undelivered: boolean }>();
  for (const { event, delivered, pending } of byEndpoint.values()) {
    if (delivered && pending === 0) continue;
    const entry = open.get(event) ?? { pending: 0, undelivered: false };
    open.set(event, { pending: entry.pending + pending, undelivered: entry.undelivered || !delivered });
  }
  return open;
}
