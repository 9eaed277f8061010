/** Examples of the routes that hold, correct and read usage; the others stand in examples.ts. */

const MONTH = { start: '2026-11-01T00:00:00.000Z', end: '2026-12-01T00:00:00.000Z' };
const AT = '2026-11-21T09:30:00.000Z';
const EVENT_ID = 'signup-8f14e45f';
const RESERVATION_ID = '019aa5b0-e264-7c19-a5d7-3b8f0c6e4a27';

const RESERVATION = {
  id: RESERVATION_ID,
  status: 'committed',
  metric: 'email_sends',
  quantity: 500,
  subject: 'mailing-17',
  committed_quantity: 480,
  event_id: `reservation~${RESERVATION_ID}`,
  period_start: MONTH.start,
  expires_at: '2026-11-21T09:45:00.000Z',
  created_at: AT,
  settled_at: '2026-11-21T09:31:12.000Z',
};

const RESULT = {
  event_id: EVENT_ID,
  status: 'recorded',
  metric: 'referred_users',
  current_usage: 42,
  limit: 100,
  remaining: 58,
  period_start: MONTH.start,
  is_late: false,
  error: null,
};

const EVENT = {
  event_id: EVENT_ID,
  status: 'corrected',
  event_type: 'usage',
  metric: 'referred_users',
  quantity: 1,
  counted_as: 1,
  subject: 'ann',
  timestamp: AT,
  received_at: AT,
  period_start: MONTH.start,
  is_late: false,
  metadata: { campaign: 'spring' },
  corrects: null,
  corrected_by: `correction~${EVENT_ID}`,
  reason: null,
  refusal: null,
};

const REFUSED = {
  ...EVENT,
  event_id: 'signup-d3d94468',
  status: 'refused',
  counted_as: 0,
  subject: null,
  timestamp: null,
  received_at: null,
  period_start: null,
  metadata: null,
  corrected_by: null,
  refusal: { code: 'limit_exceeded', quantity: 1, refused_at: AT, times: 2 },
};

const usd = (amount: number): object => ({ amount, currency: 'usd' });
const flat = (amount: number, method: string): object => ({
  cost_to_date: usd(amount),
  projected: { method, cost: usd(amount), low: usd(amount), high: usd(amount) },
});

export const USAGE_EXAMPLES: Record<string, unknown> = {
  ReserveDto: { metric: 'email_sends', quantity: 500, subject: 'mailing-17', ttl_seconds: 900 },
  CommitReservationDto: { quantity: 480 },
  ReservationResultView: {
    ...RESERVATION,
    current_usage: 4480,
    reserved: 0,
    limit: 10_000,
    remaining: 5520,
  },
  ReservationPage: { data: [RESERVATION], has_more: false, next_cursor: null },
  CorrectUsageDto: { event_id: EVENT_ID, reason: 'Imported twice' },
  CorrectionView: {
    event_id: `correction~${EVENT_ID}`,
    corrects: EVENT_ID,
    metric: 'referred_users',
    quantity: -1,
    reason: 'Imported twice',
    period_start: MONTH.start,
    corrected_at: AT,
    current_usage: 41,
  },
  UsageEventView: REFUSED,
  UsageEventPage: { data: [EVENT], has_more: false, next_cursor: null },
  UsageOverviewView: {
    period: MONTH,
    metrics: [
      {
        metric: 'email_sends',
        name: 'E-mails sent',
        kind: 'flow',
        aggregation: 'sum',
        unit: 'e-mails',
        current_usage: 4480,
        reserved: 500,
        limit: 10_000,
        grace_limit: 11_000,
        percent: 44.8,
        remaining: 5020,
        over_limit: false,
        resets_at: MONTH.end,
        trend: { direction: 'up', percent: 12.5 },
        history: [
          { date: '2026-11-20', value: 4200 },
          { date: '2026-11-21', value: 4480 },
        ],
      },
    ],
  },
  UsageHistoryView: {
    metric: 'email_sends',
    kind: 'flow',
    unit: 'e-mails',
    measure: 'total',
    granularity: 'day',
    group_by: null,
    from: '2026-11-20T00:00:00.000Z',
    to: '2026-11-22T00:00:00.000Z',
    series: [
      {
        subject: null,
        is_other: false,
        points: [
          { start: '2026-11-20T00:00:00.000Z', value: 310 },
          { start: '2026-11-21T00:00:00.000Z', value: 280 },
        ],
      },
    ],
  },
  UsageCostView: {
    period: MONTH,
    as_of: AT,
    currency: 'usd',
    is_complete: true,
    ...flat(4900, 'flat_fees'),
    charges: [
      {
        plan_id: '019aa5b0-7d10-7b42-8c9f-51d0e6a9b310',
        name: 'Pro',
        quantity: 1,
        is_metered: false,
        ...flat(4900, 'flat_fees'),
      },
    ],
    metrics: [
      {
        metric: 'email_sends',
        kind: 'flow',
        unit: 'e-mails',
        current_usage: 4480,
        projected_usage: { method: 'pace', value: 6580, low: 6100, high: 7025 },
        pricing_model: null,
        ...flat(0, 'pace'),
      },
    ],
    pricing_models: [{ pricing_model: null, ...flat(4900, 'flat_fees') }],
  },
  UsageEventDto: { event_id: EVENT_ID, metric: 'referred_users', quantity: 1, subject: 'ann' },
  UsageBatchDto: {
    events: [
      { event_id: EVENT_ID, metric: 'referred_users', subject: 'ann' },
      { event_id: 'mail-55', metric: 'email_sends', quantity: 480 },
    ],
  },
  UsageResultView: RESULT,
  UsageBatchView: {
    results: [RESULT],
    summary: { recorded: 1, duplicate: 0, conflict: 0, limit_exceeded: 0, invalid: 0 },
  },
  CountDto: { metric: 'campaigns', count: 1 },
  AlertRulesDto: { rules: [{ metric: '*', levels: [{ percent: 90, channels: ['email', 'in_app'] }] }] },
  AlertsView: {
    rules: [{ metric: '*', levels: [{ percent: 90, channels: ['email', 'in_app'] }], updated_at: AT }],
    reached: [
      {
        metric: 'email_sends',
        percent: 90,
        severity: 'warning',
        current_usage: 4480,
        limit: 5000,
        reached_at: AT,
        period: MONTH,
        channels: ['email', 'in_app'],
        is_current: true,
      },
    ],
  },
  LeaderboardView: {
    metric: 'referred_users',
    period: MONTH,
    entries: [{ rank: 1, subject: 'ann', current_usage: 12 }],
    total_subjects: 30,
    limit: 1,
    note: 'Showing top 1 of 30 (plan limit)',
  },
};
