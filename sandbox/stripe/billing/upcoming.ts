import type Stripe from 'stripe';
import type { Account } from '../account';
import { turnPeriod } from '../engine/renewal';
import { changeOfPhase } from '../engine/schedule-phases';
import { randomText } from '../random';
import { changeSubscription } from './change';

/**
 * The invoice a subscription's next renewal will make, found out by carrying the renewal out and taking it back.
 * Null when none will come: it ends before, is paused, or nothing would be on it.
 */
export function upcomingInvoice(account: Account, subscription: Stripe.Subscription): Stripe.Invoice | null {
  return account.rehearse(() => {
    const draft = nextDraft(account, subscription);
    return draft && asPreview(draft, null);
  });
}

/** Carries out the next renewal. Inside a rehearsal only. */
export function nextDraft(account: Account, subscription: Stripe.Subscription): Stripe.Invoice | null {
  if (subscription.ended_at !== null || subscription.status === 'paused') return null;
  const end = Math.min(...subscription.items.data.map((item) => item.current_period_end));
  if (subscription.cancel_at !== null && subscription.cancel_at <= end) return null;
  if (endsBySchedule(account, subscription, end)) return null;
  return account.clock.at(Math.max(end, account.now()), () => {
    const planned = underSchedule(account, subscription);
    return planned.draft ?? turned(account, planned.subscription);
  });
}

function endsBySchedule(account: Account, subscription: Stripe.Subscription, end: number): boolean {
  const id = subscription.schedule as string | null;
  const schedule = id ? account.store.find('subscription_schedule', id) : undefined;
  return schedule?.end_behavior === 'cancel' && (schedule.phases.at(-1)?.end_date ?? Infinity) <= end;
}

/** What a phase of its schedule that begins at this moment makes of a subscription. */
function underSchedule(
  account: Account,
  subscription: Stripe.Subscription,
): { subscription: Stripe.Subscription; draft: Stripe.Invoice | null } {
  const id = subscription.schedule as string | null;
  const schedule = id ? account.store.find('subscription_schedule', id) : undefined;
  const phase = schedule?.phases.find(({ start_date: start }) => start === account.now());
  if (!phase) return { subscription, draft: null };
  const change = changeOfPhase(account, subscription, phase, phase.proration_behavior);
  const { changes, draft } = changeSubscription(account, subscription, change);
  return { subscription: account.change('subscription', subscription, changes), draft };
}

function turned(account: Account, subscription: Stripe.Subscription): Stripe.Invoice | null {
  return turnPeriod(account, subscription, subscription.status === 'trialing' ? { status: 'active' } : {});
}

/** A draft as previews show it: with an id nothing can be found by, and no number. */
export function asPreview(draft: Stripe.Invoice, prorationDate: number | null): Stripe.Invoice {
  const id = `upcoming_in_1${randomText(23)}`;
  const details = draft.parent?.subscription_details;
  return {
    ...draft,
    id,
    amount_paid: 0,
    amount_remaining: draft.amount_due,
    attempt_count: 0,
    attempted: false,
    auto_advance: false,
    automatically_finalizes_at: null,
    lines: {
      ...draft.lines,
      data: draft.lines.data.map((line) => ({
        ...line,
        id: line.id.replace(/^il_/, 'il_tmp_'),
        invoice: id,
      })),
      url: `/v1/invoices/upcoming/lines?subscription=${String(details?.subscription ?? '')}`,
    },
    effective_at: null,
    ending_balance: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    next_payment_attempt: draft.automatically_finalizes_at,
    number: null,
    parent:
      draft.parent && details
        ? {
            ...draft.parent,
            subscription_details: {
              ...details,
              ...(prorationDate === null ? {} : { subscription_proration_date: prorationDate }),
            },
          }
        : draft.parent,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    webhooks_delivered_at: null,
  };
}
