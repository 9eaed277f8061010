const TENANT = '019aa5b0-6c00-7d3e-9a51-2f64c81b7e02';
const SEEN = '2026-11-21T09:30:00.000Z';

const EVENT = {
  id: 'evt_Example',
  type: 'customer.subscription.updated',
  status: 'processed',
  tenant_id: TENANT,
  object_id: 'sub_Example',
  object_type: 'subscription',
  customer_id: 'cus_Example',
  api_version: '2026-10-28.endive',
  livemode: false,
  source: 'delivery',
  created_at: '2026-11-21T09:29:59.000Z',
  received_at: SEEN,
  processed_at: '2026-11-21T09:30:00.120Z',
  retry_count: 0,
  next_retry_at: null,
  error: null,
};

/** What an operator sees of Stripe's inbox. */
export const STRIPE_EVENT_EXAMPLES = {
  StripeEventView: EVENT,
  StripeEventPage: { data: [EVENT], has_more: false, next_cursor: null },
  StripeEventDetailView: {
    ...EVENT,
    payload: { id: 'evt_Example', object: 'event', type: 'customer.subscription.updated' },
  },
  StripeHealRunView: {
    id: '019aa5b0-e264-7c83-9d1f-8a3e5b7c2d46',
    status: 'succeeded',
    trigger: 'scheduled',
    requested_at: SEEN,
    started_at: SEEN,
    finished_at: '2026-11-21T09:30:01.000Z',
    error: null,
    report: {
      from: '2026-11-21T09:15:00.000Z',
      to: '2026-11-21T09:29:00.000Z',
      listed: 412,
      missed: 1,
      full_listing: null,
    },
  },
};
