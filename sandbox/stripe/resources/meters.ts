import type Stripe from 'stripe';
import { only, type Call } from '../call';
import { invalidRequest } from '../errors';
import { listPage } from '../pagination';
import { newId } from '../random';

export function createMeter({ account, params }: Call<Stripe.Billing.MeterCreateParams>): object {
  only(
    params,
    'customer_mapping',
    'default_aggregation',
    'display_name',
    'event_name',
    'event_time_window',
    'value_settings',
  );
  const taken = account.newest(
    'billing.meter',
    (meter) => meter.event_name === params.event_name && meter.status === 'active',
  );
  if (taken.length > 0) {
    throw invalidRequest(`An active meter already uses the event name '${params.event_name}'.`, 'event_name');
  }
  const now = account.now();
  const meter: Stripe.Billing.Meter = {
    id: newId('mtr_test'),
    object: 'billing.meter',
    created: now,
    customer_mapping: params.customer_mapping ?? { event_payload_key: 'stripe_customer_id', type: 'by_id' },
    default_aggregation: { formula: params.default_aggregation.formula },
    display_name: params.display_name,
    event_name: params.event_name,
    event_time_window: params.event_time_window ?? null,
    livemode: false,
    status: 'active',
    status_transitions: { deactivated_at: null },
    updated: now,
    value_settings: params.value_settings ?? { event_payload_key: 'value' },
  };
  return account.add('billing.meter', meter, 'billing.meter.created');
}

export function retrieveMeter({ account, id }: Call<Stripe.Billing.MeterRetrieveParams>): object {
  return account.get('billing.meter', id);
}

/** Only the display name of a meter changes. */
export function updateMeter({ account, params, id }: Call<Stripe.Billing.MeterUpdateParams>): object {
  const meter = account.get('billing.meter', id);
  if (!params.display_name || params.display_name === meter.display_name) return meter;
  return account.change(
    'billing.meter',
    meter,
    { display_name: params.display_name, updated: account.now() },
    'billing.meter.updated',
  );
}

export function deactivateMeter({ account, id }: Call<Stripe.Billing.MeterDeactivateParams>): object {
  const meter = account.get('billing.meter', id);
  if (meter.status === 'inactive') throw invalidRequest('The meter is already inactive.');
  const now = account.now();
  return account.change(
    'billing.meter',
    meter,
    { status: 'inactive', status_transitions: { deactivated_at: now }, updated: now },
    'billing.meter.deactivated',
  );
}

export function reactivateMeter({ account, id }: Call<Stripe.Billing.MeterReactivateParams>): object {
  const meter = account.get('billing.meter', id);
  if (meter.status === 'active') throw invalidRequest('The meter is already active.');
  return account.change(
    'billing.meter',
    meter,
    { status: 'active', status_transitions: { deactivated_at: null }, updated: account.now() },
    'billing.meter.reactivated',
  );
}

export function listMeters({ account, params }: Call<Stripe.Billing.MeterListParams>): object {
  only(params, 'ending_before', 'limit', 'starting_after', 'status');
  const rows = account.newest(
    'billing.meter',
    (meter) => params.status === undefined || meter.status === params.status,
  );
  return listPage(rows, params, '/v1/billing/meters');
}
