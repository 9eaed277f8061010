import { BillingStatus, PauseMode } from './subscription-status';

/** Everything a tenant or operator can do to a subscription. */
export const SUBSCRIPTION_ACTIONS = [
  'upgrade',
  'downgrade',
  'cancel_downgrade',
  'cancel',
  'reactivate',
  'pause',
  'resume',
  'change_items',
  'change_quantity',
] as const;
export type SubscriptionAction = (typeof SUBSCRIPTION_ACTIONS)[number];

/** What decides whether an action is allowed. */
export interface ActionFacts {
  readonly status: BillingStatus;
  readonly pauseMode: PauseMode | null;
  /** An end is set: at the period's end, or at another date. */
  readonly isCancelling: boolean;
  /** A change of plan waits for its day. */
  readonly hasPendingChange: boolean;
  /** Invoices are sent instead of a card being charged. */
  readonly manualInvoicing: boolean;
}

/** The rows of the table: a status, told apart where it matters. */
export const SUBSCRIPTION_STATES = [
  'NONE',
  'FREE',
  'TRIALING',
  'ACTIVE',
  'ACTIVE, change scheduled',
  'ACTIVE, ending',
  'PAST_DUE',
  'PAUSED, access kept',
  'PAUSED, access stopped',
  'INCOMPLETE',
  'UNPAID',
  'CANCELED',
  'INCOMPLETE_EXPIRED',
] as const;
export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number];

/** Why an action is refused with 409; `reason` of the answer. */
export const REFUSALS = {
  no_subscription: 'There is no running subscription.',
  free_plan: 'The tenant is on a free plan, which has nothing to change in Stripe.',
  no_change_scheduled: 'No change is scheduled.',
  change_scheduled: 'A change is scheduled already. Cancel it first.',
  ending: 'The subscription is ending. Reactivate it first.',
  not_ending: 'The subscription is not ending.',
  paused: 'The subscription is paused. Resume it first.',
  not_paused: 'The subscription is not paused.',
  in_trial: 'A trial cannot be paused.',
  payment_due: 'A payment is due. Pay the open invoice first.',
  manual_invoicing: 'Subscriptions that are paid by invoice cannot be paused.',
} as const;
export type Refusal = keyof typeof REFUSALS;

type Row = Readonly<Record<SubscriptionAction, Refusal | null>>;

const ENDED = all('no_subscription', { upgrade: null });
const RUNNING = all(null, {
  cancel_downgrade: 'no_change_scheduled',
  reactivate: 'not_ending',
  resume: 'not_paused',
});
const OWING = all('payment_due', {
  cancel: null,
  cancel_downgrade: 'no_change_scheduled',
  reactivate: 'not_ending',
  resume: 'not_paused',
});
const PAUSED = all('paused', {
  cancel: null,
  resume: null,
  cancel_downgrade: 'no_change_scheduled',
  reactivate: 'not_ending',
});

/** State × action: null = allowed, else why not. BILLING.md shows it; a test compares. */
export const ACTION_TABLE: Readonly<Record<SubscriptionState, Row>> = {
  NONE: ENDED,
  FREE: all('free_plan', { upgrade: null }),
  TRIALING: { ...RUNNING, pause: 'in_trial' },
  ACTIVE: RUNNING,
  'ACTIVE, change scheduled': {
    ...RUNNING,
    // An upgrade takes the place of the scheduled change; its schedule is released first.
    downgrade: 'change_scheduled',
    cancel_downgrade: null,
    pause: 'change_scheduled',
    change_items: 'change_scheduled',
    change_quantity: 'change_scheduled',
  },
  'ACTIVE, ending': {
    ...all('ending', {
      cancel: null,
      reactivate: null,
      resume: 'not_paused',
      cancel_downgrade: 'no_change_scheduled',
    }),
  },
  PAST_DUE: OWING,
  'PAUSED, access kept': PAUSED,
  'PAUSED, access stopped': PAUSED,
  INCOMPLETE: all('payment_due', {
    cancel: null,
    cancel_downgrade: 'no_change_scheduled',
    reactivate: 'not_ending',
    resume: 'not_paused',
  }),
  UNPAID: OWING,
  CANCELED: ENDED,
  INCOMPLETE_EXPIRED: ENDED,
};

/** The row that counts. An end that is set hides a scheduled change, since Stripe drops that with the end. */
export function stateOf({
  status,
  pauseMode,
  isCancelling,
  hasPendingChange,
}: ActionFacts): SubscriptionState {
  if (status === 'PAUSED')
    return pauseMode === 'access_kept' ? 'PAUSED, access kept' : 'PAUSED, access stopped';
  // A downgrade to the free plan is both an end and a scheduled change; it can be taken back as either.
  if (status === 'ACTIVE' || status === 'TRIALING') {
    if (hasPendingChange) return 'ACTIVE, change scheduled';
    if (isCancelling) return 'ACTIVE, ending';
  }
  return status;
}

/** Whether the action is allowed now: null, or the reason for the 409. The same answer for preview and execution. */
export function refusalOf(action: SubscriptionAction, facts: ActionFacts): Refusal | null {
  if (action === 'pause' && facts.manualInvoicing && facts.status === 'ACTIVE') return 'manual_invoicing';
  // Owing does not keep anybody from taking back what was scheduled before.
  if (action === 'cancel_downgrade' && facts.hasPendingChange) return null;
  if (action === 'reactivate' && facts.isCancelling && !facts.hasPendingChange && facts.status !== 'CANCELED')
    return null;
  return ACTION_TABLE[stateOf(facts)][action];
}

/** The table as Markdown, for BILLING.md. */
export function actionTableMarkdown(): string {
  const head = ['state', ...SUBSCRIPTION_ACTIONS];
  const rows = SUBSCRIPTION_STATES.map((state) => [
    state,
    ...SUBSCRIPTION_ACTIONS.map((action) => ACTION_TABLE[state][action] ?? '**yes**'),
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function all(answer: Refusal | null, except: Partial<Row>): Row {
  const row = Object.fromEntries(SUBSCRIPTION_ACTIONS.map((action) => [action, answer])) as Row;
  return { ...row, ...except };
}
