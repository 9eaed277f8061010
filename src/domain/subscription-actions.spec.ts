import {
  ACTION_TABLE,
  ActionFacts,
  actionTableMarkdown,
  refusalOf,
  REFUSALS,
  SUBSCRIPTION_ACTIONS,
  SUBSCRIPTION_STATES,
  stateOf,
} from './subscription-actions';
import { BILLING_STATUSES } from './subscription-status';

const facts = (fields: Partial<ActionFacts> = {}): ActionFacts => ({
  status: 'ACTIVE',
  pauseMode: null,
  isCancelling: false,
  hasPendingChange: false,
  manualInvoicing: false,
  ...fields,
});

describe('stateOf', () => {
  it('has a row for every status', () => {
    for (const status of BILLING_STATUSES) expect(SUBSCRIPTION_STATES).toContain(stateOf(facts({ status })));
  });

  it('tells apart what matters', () => {
    expect(stateOf(facts({ isCancelling: true }))).toBe('ACTIVE, ending');
    expect(stateOf(facts({ isCancelling: true, hasPendingChange: true }))).toBe('ACTIVE, change scheduled');
    expect(stateOf(facts({ status: 'PAUSED', pauseMode: 'access_kept' }))).toBe('PAUSED, access kept');
    expect(stateOf(facts({ status: 'PAUSED' }))).toBe('PAUSED, access stopped');
  });
});

describe('refusalOf', () => {
  it.each([
    ['upgrade', {}, null],
    ['upgrade', { status: 'NONE' }, null],
    ['upgrade', { status: 'FREE' }, null],
    ['upgrade', { status: 'TRIALING' }, null],
    ['upgrade', { hasPendingChange: true }, null],
    ['upgrade', { isCancelling: true }, 'ending'],
    ['upgrade', { status: 'PAST_DUE' }, 'payment_due'],
    ['downgrade', { status: 'NONE' }, 'no_subscription'],
    ['downgrade', { hasPendingChange: true }, 'change_scheduled'],
    ['cancel_downgrade', {}, 'no_change_scheduled'],
    ['cancel_downgrade', { hasPendingChange: true }, null],
    ['cancel_downgrade', { hasPendingChange: true, isCancelling: true }, null],
    ['cancel_downgrade', { hasPendingChange: true, status: 'PAST_DUE' }, null],
    ['cancel', { status: 'PAST_DUE' }, null],
    ['cancel', { status: 'FREE' }, 'free_plan'],
    ['cancel', { status: 'CANCELED' }, 'no_subscription'],
    ['reactivate', { isCancelling: true }, null],
    ['reactivate', {}, 'not_ending'],
    ['reactivate', { status: 'PAST_DUE', isCancelling: true }, null],
    ['reactivate', { status: 'CANCELED', isCancelling: true }, 'no_subscription'],
    ['pause', { manualInvoicing: true }, 'manual_invoicing'],
    ['pause', { status: 'TRIALING' }, 'in_trial'],
    ['resume', {}, 'not_paused'],
    ['resume', { status: 'PAUSED', pauseMode: 'access_kept' }, null],
    ['change_quantity', { status: 'PAUSED' }, 'paused'],
  ] as const)('%s with %j: %s', (action, fields, expected) => {
    expect(refusalOf(action, facts(fields as Partial<ActionFacts>))).toBe(expected);
  });

  it('lets a tenant that owes always cancel: reading, paying and cancelling stay possible', () => {
    for (const status of ['PAST_DUE', 'UNPAID', 'PAUSED', 'INCOMPLETE'] as const)
      expect(refusalOf('cancel', facts({ status }))).toBeNull();
  });
});

it('gives every refusal words, and shows every state and action', () => {
  const reasons = SUBSCRIPTION_STATES.flatMap((state) => Object.values(ACTION_TABLE[state])).filter(
    (one) => one !== null,
  );
  for (const reason of reasons) expect(REFUSALS[reason]).toMatch(/\.$/);
  const table = actionTableMarkdown().split('\n');
  expect(table).toHaveLength(SUBSCRIPTION_STATES.length + 2);
  for (const line of table) expect(line.split('|')).toHaveLength(SUBSCRIPTION_ACTIONS.length + 3);
});
