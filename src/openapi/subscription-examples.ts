const PRO = '019aa5b0-7d10-7b42-8c9f-51d0e6a9b310';
const TEAM = '019aa5b0-7d11-7f08-a2c4-0b6f3d8e4c55';
const MIDDLE = '2026-12-06T09:30:00.000Z';
const END = '2026-12-21T09:30:00.000Z';

const INVOICE = {
  id: '019aa5b0-c1d0-7e11-9f02-3b4a5c6d7e8f',
  stripe_invoice_id: 'in_Example',
  number: 'ACME-0001',
  status: 'paid',
  currency: 'usd',
  subtotal: 4900,
  tax: 0,
  total: 4900,
  amount_due: 4900,
  amount_paid: 4900,
  amount_remaining: 0,
  attempt_count: 1,
  next_payment_attempt: null,
  billing_reason: 'subscription_cycle',
  due_at: null,
  paid_at: '2026-11-21T09:30:05.000Z',
  period_start: '2026-11-21T09:30:00.000Z',
  period_end: END,
  hosted_invoice_url: 'https://invoice.stripe.com/i/example',
  created_at: '2026-11-21T09:30:00.000Z',
};

const LINE = {
  id: '019aa5b0-c1d1-7a22-8e13-4c5b6d7e8f90',
  description: '1 × Pro',
  amount: 4900,
  currency: 'usd',
  quantity: 1,
  price_id: 'price_Example',
  subscription_item_id: 'si_Example',
  is_proration: false,
  period_start: '2026-11-21T09:30:00.000Z',
  period_end: END,
};

/** Changes of subscriptions, ways to pay and invoices. */
export const SUBSCRIPTION_EXAMPLES: Record<string, object> = {
  PreviewChangeDto: { plan_id: TEAM, effective: 'now' },
  UpgradeDto: { plan_id: TEAM, proration_date: MIDDLE },
  DowngradeDto: { plan_id: PRO, effective: 'period_end' },
  CancelDto: { reason: 'too expensive', feedback: 'We will be back next season.', at: 'period_end' },
  PauseDto: { mode: 'access_stopped', resumes_at: '2027-02-01T00:00:00.000Z' },
  SubscriptionQuantityDto: { add: 2 },
  AddItemDto: { plan_id: TEAM, quantity: 2 },
  ChangeItemDto: { quantity: 3 },
  OpenPortalDto: { return_url: 'https://app.acme.example/billing' },
  PortalView: { url: 'https://billing.stripe.com/p/session/example' },
  ChangePreviewView: {
    direction: 'upgrade',
    plan_id: TEAM,
    quantity: 1,
    currency: 'usd',
    effective_at: MIDDLE,
    proration_date: MIDDLE,
    amount_due: 2500,
    credit: 2450,
    credit_left: 0,
    tax: 0,
    lines: [
      { kind: 'credit', amount: -2450, quantity: 1, period_start: MIDDLE, period_end: END },
      { kind: 'charge', amount: 4950, quantity: 1, period_start: MIDDLE, period_end: END },
    ],
    next_invoice: { amount: 9900, due_at: END },
    calculated_total: 2500,
    difference: 0,
    limits: [{ metric: 'seats', from: 5, to: 25, direction: 'raised' }],
    features_won: ['sso'],
    features_lost: [],
    exceeded_limits: [],
    monthly_change: 5000,
  },
  ScheduledChangesView: {
    data: [
      {
        id: '019aa5b0-b0c0-7d00-8f01-2a3b4c5d6e7f',
        kind: 'plan',
        plan_id: PRO,
        quantity: 1,
        applies_at: END,
        state: 'pending',
        created_at: MIDDLE,
      },
    ],
  },
  PayInvoiceDto: { payment_method: 'pm_Example' },
  InvoicePage: { data: [INVOICE], has_more: false, next_cursor: null },
  InvoiceDetailView: { ...INVOICE, lines: [LINE] },
  UpcomingInvoiceView: {
    currency: 'usd',
    subtotal: 4900,
    tax: 0,
    total: 4900,
    amount_due: 4900,
    period_start: END,
    period_end: '2027-01-21T09:30:00.000Z',
    lines: [LINE],
  },
  PaymentMethodsView: {
    data: [
      {
        id: 'pm_Example',
        type: 'card',
        brand: 'visa',
        last4: '4242',
        exp_month: 4,
        exp_year: 2030,
        is_default: true,
        created_at: '2026-11-21T09:30:00.000Z',
      },
    ],
  },
  SetupView: { id: 'seti_Example', client_secret: 'seti_Example_secret_Example' },
};
