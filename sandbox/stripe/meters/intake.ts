import type Stripe from 'stripe';
import type { Account } from '../account';
import { readUsageBy } from '../billing/usage';
import { invalidRequest, StripeApiError } from '../errors';
import type { MeterEventRecord } from '../tables';
import { reportMeterError, type MeterErrorCode } from './error-report';
import { aggregate, valueProblem } from './meter-values';

const DAY = 86_400;
/** Stripe takes usage of the past 35 days, and up to five minutes ahead (docs.stripe.com/api/billing/meter-event). */
const OLDEST = 35 * DAY;
const AHEAD = 300;
const KEPT_IDENTIFIERS = DAY;

/** A meter event as either API brings it; seconds. */
export interface IncomingMeterEvent {
  event_name: string;
  payload: Record<string, string>;
  identifier: string;
  timestamp: number;
}

/**
 * Takes a meter event: what Stripe refuses at once is thrown, what it only finds out while counting is reported by a
 * thin event, and all else is counted.
 * @throws StripeApiError 400 for a repeated identifier, or a time that Stripe does not take
 */
export function takeMeterEvent(account: Account, incoming: IncomingMeterEvent): MeterEventRecord {
  const now = account.now();
  refuseAtOnce(account, incoming, now);
  const meter = meterFor(account, incoming.event_name);
  const error = meter ? whyNot(account, meter, incoming.payload) : ('no_meter' as const);
  const record: MeterEventRecord = {
    id: incoming.identifier,
    event_name: incoming.event_name,
    payload: incoming.payload,
    timestamp: incoming.timestamp,
    received_at: now,
    meter: meter?.id ?? null,
    customer: meter ? (incoming.payload[meter.customer_mapping.event_payload_key] ?? null) : null,
    value: meter ? valueOf(meter, incoming.payload) : null,
    state: error ? 'refused' : 'counted',
    error,
  };
  account.store.put('meter_event', record);
  if (error) reportMeterError(account, meter, error, record);
  return record;
}

/** What a customer's events of a stretch of time come to; canceled and refused ones do not count. */
export function usedBetween(
  account: Account,
  meter: Stripe.Billing.Meter,
  customer: string,
  { start, end }: { start: number; end: number },
): { value: number; events: number } {
  const counted: MeterEventRecord[] = [];
  for (const event of account.store.rows('meter_event'))
    if (
      event.meter === meter.id &&
      event.customer === customer &&
      event.state === 'counted' &&
      event.timestamp >= start &&
      event.timestamp < end
    )
      counted.push(event);
  counted.sort((a, b) => a.timestamp - b.timestamp);
  const values = counted.map((event) => event.value ?? '1');
  return { value: aggregate(meter.default_aggregation.formula, values), events: counted.length };
}

// Invoices of metered prices ask here.
readUsageBy((account, meter, customer, period) => usedBetween(account, meter, customer, period).value);

function refuseAtOnce(account: Account, incoming: IncomingMeterEvent, now: number): void {
  const { identifier, timestamp } = incoming;
  if (identifier.length > 100)
    throw invalidRequest('Invalid identifier: at most 100 characters.', 'identifier');
  if (timestamp < now - OLDEST)
    throw invalidRequest(
      'The timestamp is too far in the past: usage is taken for 35 calendar days.',
      'timestamp',
      'timestamp_too_far_in_past',
    );
  if (timestamp > now + AHEAD)
    throw invalidRequest(
      'The timestamp is more than 5 minutes in the future.',
      'timestamp',
      'timestamp_in_future',
    );
  const known = account.store.find('meter_event', identifier);
  if (known && known.received_at > now - KEPT_IDENTIFIERS)
    throw new StripeApiError(400, {
      type: 'invalid_request_error',
      code: 'duplicate_meter_event',
      param: 'identifier',
      message: `An event already exists with identifier ${identifier}.`,
    });
}

/** The active meter of an event name, else the archived one that had it last. */
function meterFor(account: Account, eventName: string): Stripe.Billing.Meter | null {
  const meters = account.newest('billing.meter', (meter) => meter.event_name === eventName);
  return meters.find((meter) => meter.status === 'active') ?? meters[0] ?? null;
}

function whyNot(
  account: Account,
  meter: Stripe.Billing.Meter,
  payload: Record<string, string>,
): MeterErrorCode | null {
  if (meter.status !== 'active') return 'archived_meter';
  const customer = payload[meter.customer_mapping.event_payload_key];
  if (!customer) return 'meter_event_no_customer_defined';
  const owner = account.store.find('customer', customer);
  if (!owner || owner.deleted) return 'meter_event_customer_not_found';
  if (account.meterEventFails()) return 'meter_event_invalid_value';
  if (meter.default_aggregation.formula === 'count') return null;
  return valueProblem(payload[meter.value_settings.event_payload_key]);
}

function valueOf(meter: Stripe.Billing.Meter, payload: Record<string, string>): string | null {
  if (meter.default_aggregation.formula === 'count') return '1';
  return payload[meter.value_settings.event_payload_key] ?? null;
}
