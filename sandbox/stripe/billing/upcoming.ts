import type Stripe from 'stripe';
import type { Account } from '../account';
import { turnPeriod } from '../engine/renewal';
import { randomText } from '../random';

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
  return account.clock.at(Math.max(end, account.now()), () =>
    turnPeriod(account, subscription, subscription.status === 'trialing' ? { status: 'active' } : {}),
  );
}

/** A draft as previews show it: with an id nothing can be found by, and no number. */
export function asPreview(draft: Stripe.Invoice, prorationDate: number | null): Stripe.Invoice {
  const id = `upcoming_in_1${randomText(23)}`;
  const details = draft.parent?.subscription_details;
  return {
    ...draft,
    id,
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
    next_payment_attempt: draft.automatically_finalizes_at,
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
    webhooks_delivered_at: null,
  };
}
