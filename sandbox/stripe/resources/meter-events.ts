import type Stripe from 'stripe';
import { only, type Call } from '../call';
import { invalidRequest, parameterMissing } from '../errors';
import { takeMeterEvent, usedBetween } from '../meters/intake';
import { listPage } from '../pagination';
import { randomText } from '../random';

const DAY = 86_400;
const HOUR = 3600;

/** One unit of usage. What it is worth is found out afterwards; errors come as event notifications. */
export function createMeterEvent({ account, params }: Call<Stripe.Billing.MeterEventCreateParams>): object {
  only(params, 'event_name', 'identifier', 'payload', 'timestamp');
  const record = takeMeterEvent(account, {
    event_name: params.event_name,
    payload: params.payload,
    identifier: params.identifier ?? randomText(32),
    timestamp: params.timestamp ?? account.now(),
  });
  const event: Stripe.Billing.MeterEvent = {
    object: 'billing.meter_event',
    created: record.received_at,
    event_name: record.event_name,
    identifier: record.id,
    livemode: false,
    payload: record.payload,
    timestamp: record.timestamp,
  };
  return event;
}

/** Takes one event back, within a day of its coming (docs.stripe.com/api/billing/meter-event-adjustment). */
export function createMeterEventAdjustment({
  account,
  params,
}: Call<Stripe.Billing.MeterEventAdjustmentCreateParams>): object {
  only(params, 'cancel', 'event_name', 'type');
  const identifier = params.cancel?.identifier;
  if (!identifier) throw parameterMissing('cancel[identifier]');
  const event = account.store.find('meter_event', identifier);
  if (!event || event.event_name !== params.event_name || event.state === 'refused')
    throw invalidRequest(`No meter event with the identifier ${identifier}.`, 'cancel[identifier]');
  if (event.state === 'canceled')
    throw invalidRequest(`The meter event ${identifier} is already canceled.`, 'cancel[identifier]');
  if (event.received_at < account.now() - DAY)
    throw invalidRequest('Meter events can be canceled for 24 hours only.', 'cancel[identifier]');
  account.store.put('meter_event', { ...event, state: 'canceled' });
  const adjustment: Stripe.Billing.MeterEventAdjustment = {
    object: 'billing.meter_event_adjustment',
    cancel: { identifier },
    event_name: params.event_name,
    livemode: false,
    status: 'pending',
    type: 'cancel',
  };
  return adjustment;
}

/** What a customer used, as one sum or by hours or days of UTC; the newest first, empty ones left out. */
export function listMeterEventSummaries({
  account,
  params,
  id,
}: Call<Stripe.Billing.MeterListEventSummariesParams>): object {
  only(
    params,
    'customer',
    'end_time',
    'ending_before',
    'limit',
    'start_time',
    'starting_after',
    'value_grouping_window',
  );
  const meter = account.get('billing.meter', id);
  account.get('customer', params.customer, 'customer');
  const { start_time: start, end_time: end, value_grouping_window: window } = params;
  const unit = window === 'day' ? DAY : window === 'hour' ? HOUR : 60;
  for (const [name, time] of [
    ['start_time', start],
    ['end_time', end],
  ] as const)
    if (time % unit !== 0)
      throw invalidRequest(`${name} must be aligned with ${window ?? 'minute'} boundaries.`, name);
  if (end <= start) throw invalidRequest('end_time must be after start_time.', 'end_time');
  const summaries: Stripe.Billing.MeterEventSummary[] = [];
  for (let from = start; from < end; from += window ? unit : end - start) {
    const to = window ? from + unit : end;
    const used = usedBetween(account, meter, params.customer, { start: from, end: to });
    if (window && used.events === 0) continue;
    summaries.unshift({
      id: `mtrsum_${meter.id.slice(-8)}_${params.customer.slice(-8)}_${from}_${to}`,
      object: 'billing.meter_event_summary',
      aggregated_value: used.value,
      end_time: to,
      livemode: false,
      meter: meter.id,
      start_time: from,
    });
  }
  return listPage(summaries, params, `/v1/billing/meters/${id}/event_summaries`);
}
