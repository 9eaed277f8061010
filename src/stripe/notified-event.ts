/** A delivered event as far as the inbox reads it. The object inside is a hint of what to fetch, no more. */
export interface NotifiedEvent {
  id: string;
  type: string;
  apiVersion: string | null;
  livemode: boolean | null;
  createdAt: Date;
  objectId: string | null;
  objectType: string | null;
  customerId: string | null;
  /** Whose it was before this event, where the event says that it changed hands. */
  previousCustomerId: string | null;
  object: Record<string, unknown>;
}

/** A v2 event notification; those come to a path of their own (decisions 29). */
export function isThin(body: unknown): boolean {
  return isRecord(body) && body.object === 'v2.core.event';
}

/**
 * Null for JSON that is no event notification. It names its object and says nothing else of it; the types of
 * v1 objects carry the prefix `v1.` (docs.stripe.com/event-destinations).
 */
export function toThinEvent(body: unknown): NotifiedEvent | null {
  if (!isThin(body) || !isRecord(body)) return null;
  const type = textOrNull(body.type);
  if (!isId(body.id) || type === null) return null;
  const about = isRecord(body.related_object) ? body.related_object : {};
  const created = typeof body.created === 'string' ? Date.parse(body.created) : NaN;
  return {
    id: body.id,
    type,
    apiVersion: null,
    livemode: typeof body.livemode === 'boolean' ? body.livemode : null,
    createdAt: new Date(Number.isNaN(created) ? 0 : created),
    objectId: isId(about.id) ? about.id : null,
    objectType: textOrNull(about.type),
    customerId: null,
    previousCustomerId: null,
    object: {},
  };
}

/** Null for JSON that is not a snapshot event. Own properties only: `__proto__` inside is just data. */
export function toNotifiedEvent(body: unknown): NotifiedEvent | null {
  const type = isRecord(body) ? textOrNull(body.type) : null;
  if (!isRecord(body) || !isId(body.id) || type === null) return null;
  const data = isRecord(body.data) ? body.data : {};
  const object = isRecord(data.object) ? data.object : {};
  const created = typeof body.created === 'number' && Number.isFinite(body.created) ? body.created : 0;
  const createdAt = new Date(Math.min(Math.max(created, 0), 7_258_118_400) * 1000);
  return {
    id: body.id,
    type,
    apiVersion: textOrNull(body.api_version),
    livemode: typeof body.livemode === 'boolean' ? body.livemode : null,
    createdAt,
    objectId: isId(object.id) ? object.id : null,
    objectType: textOrNull(object.object),
    customerId: customerOf(object),
    previousCustomerId: isRecord(data.previous_attributes) ? customerOf(data.previous_attributes) : null,
    object,
  };
}

/**
 * Why an event about a subscription cannot be what it says; null when it looks right. Its values are never
 * written, since the object is fetched again, but a payload that breaks its own version's shape means that
 * sender and reader disagree, and a person must look (B-021, F-09).
 */
export function payloadProblem(event: NotifiedEvent): string | null {
  if (!event.type.startsWith('customer.subscription.') || event.objectType !== 'subscription') return null;
  const items = isRecord(event.object.items) ? event.object.items.data : undefined;
  if (!Array.isArray(items) || items.length === 0) return 'malformed payload: a subscription without items';
  for (const item of items as unknown[]) {
    const end = isRecord(item) ? item.current_period_end : undefined;
    if (typeof end !== 'number' || !Number.isInteger(end) || end <= 0 || end > 7_258_118_400)
      return 'malformed payload: an item without a sensible current_period_end';
  }
  return null;
}

function customerOf(object: Record<string, unknown>): string | null {
  if (object.object === 'customer') return isId(object.id) ? object.id : null;
  if (isId(object.customer)) return object.customer;
  return isRecord(object.customer) && isId(object.customer.id) ? object.customer.id : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_.-]{1,255}$/.test(value);
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value.length <= 200 && !value.includes('\u0000') ? value : null;
}
