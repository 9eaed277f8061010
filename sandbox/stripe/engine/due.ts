import type Stripe from 'stripe';
import type { Account } from '../account';
import type { TableName } from '../tables';
import { isNoted, noteOf } from './notes';
import { settingsOf } from './settings';

/** What the time engine does to objects, in the order in which it does things of one and the same moment. */
export const ORDER = [
  // A phase begins before the period that it prices.
  'schedule_start',
  'schedule_phase',
  'cancel',
  'resume_collection',
  'expire_pending_update',
  'expire_incomplete',
  'expire_resumption',
  'trial_end',
  'renewal',
  'finalize',
  'retry',
  'overdue',
  'expire_session',
  'trial_will_end',
  'upcoming',
] as const;

export type What = (typeof ORDER)[number];

/** The next thing to happen to an object. `at` in Unix seconds. */
export interface Due {
  at: number;
  what: What;
}

const DAY = 86_400;
/** Stripe waits this long for a first payment, a pending update and a resumption. */
export const PAYMENT_WINDOW = 23 * 3600;
const TRIAL_NOTICE = 3 * DAY;

/** Tables whose objects time does something to. */
export const TIMED = new Set<TableName>([
  'subscription',
  'invoice',
  'subscription_schedule',
  'checkout.session',
]);

/** The earliest thing due for an object, or null. */
export function nextDue(account: Account, table: TableName, row: object): Due | null {
  switch (table) {
    case 'subscription':
      return earliest(dueOfSubscription(account, row as Stripe.Subscription));
    case 'invoice':
      return earliest(dueOfInvoice(account, row as Stripe.Invoice));
    case 'subscription_schedule':
      return dueOfSchedule(row as Stripe.SubscriptionSchedule);
    case 'checkout.session': {
      const session = row as Stripe.Checkout.Session;
      return session.status === 'open' ? { at: session.expires_at, what: 'expire_session' } : null;
    }
    default:
      return null;
  }
}

function earliest(due: Due[]): Due | null {
  return due.reduce<Due | null>((best, each) => (best && before(best, each) ? best : each), null);
}

/** Whether `a` happens before `b`. */
export function before(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && ORDER.indexOf(a.what) <= ORDER.indexOf(b.what));
}

function dueOfSubscription(account: Account, row: Stripe.Subscription): Due[] {
  if (row.ended_at !== null || row.status === 'incomplete_expired') return [];
  if (row.status === 'incomplete') return [{ at: row.created + PAYMENT_WINDOW, what: 'expire_incomplete' }];
  const due: Due[] = [];
  if (row.pending_update) due.push({ at: row.pending_update.expires_at, what: 'expire_pending_update' });
  if (row.status === 'paused') {
    const resumption = noteOf(account, row.id, 'resumption');
    if (resumption) due.push({ at: resumption.at + PAYMENT_WINDOW, what: 'expire_resumption' });
    return due;
  }
  if (row.cancel_at !== null) due.push({ at: row.cancel_at, what: 'cancel' });
  const resumesAt = row.pause_collection?.resumes_at;
  if (resumesAt) due.push({ at: resumesAt, what: 'resume_collection' });
  const trial = row.status === 'trialing' ? row.trial_end : null;
  if (trial !== null) {
    due.push({ at: trial, what: 'trial_end' });
    if (!isNoted(account, row.id, 'trial_will_end', trial)) {
      due.push({ at: Math.max(trial - TRIAL_NOTICE, row.trial_start ?? 0), what: 'trial_will_end' });
    }
    return due;
  }
  due.push(...dueOfPeriod(account, row));
  return due;
}

function dueOfPeriod(account: Account, row: Stripe.Subscription): Due[] {
  const first = row.items.data.reduce((a, b) => (b.current_period_end < a.current_period_end ? b : a));
  const end = first.current_period_end;
  const due: Due[] = [{ at: end, what: 'renewal' }];
  const notice = settingsOf(account).upcoming_days * DAY;
  const tells = notice > 0 && end - notice > first.current_period_start && row.cancel_at !== end;
  if (tells && !isNoted(account, row.id, 'upcoming', end)) due.push({ at: end - notice, what: 'upcoming' });
  return due;
}

function dueOfInvoice(account: Account, row: Stripe.Invoice): Due[] {
  if (row.status === 'draft') {
    const at = row.automatically_finalizes_at;
    return row.auto_advance && at !== null ? [{ at, what: 'finalize' }] : [];
  }
  if (row.status !== 'open') return [];
  const due: Due[] = [];
  if (row.next_payment_attempt !== null && row.auto_advance)
    due.push({ at: row.next_payment_attempt, what: 'retry' });
  if (row.collection_method === 'send_invoice' && row.due_date !== null) {
    if (!isNoted(account, row.id, 'overdue', row.due_date)) due.push({ at: row.due_date, what: 'overdue' });
  }
  return due;
}

function dueOfSchedule(row: Stripe.SubscriptionSchedule): Due | null {
  if (row.status === 'not_started') {
    const start = row.phases[0]?.start_date;
    return start === undefined ? null : { at: start, what: 'schedule_start' };
  }
  if (row.status !== 'active' || !row.current_phase) return null;
  return { at: row.current_phase.end_date, what: 'schedule_phase' };
}
