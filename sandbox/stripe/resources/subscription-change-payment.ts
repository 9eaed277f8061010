import type Stripe from 'stripe';
import type { Account } from '../account';
import { changeSubscription, type ChangedSubscription, type SubscriptionChange } from '../billing/change';
import { debitsOfSubscription, restoreDebits } from '../billing/debits';
import { PAYMENT_WINDOW } from '../engine/due';
import { cardFor, chargeAutomatically } from '../engine/dunning';
import { followSubscription, pastDue } from '../engine/payment-consequences';
import { paymentFailed, undone } from '../errors';
import { judge, type Verdict } from '../payments';
import { collect, finalizeInvoice } from './invoice-steps';

const NO_CARD: Verdict = {
  kind: 'declined',
  code: 'resource_missing',
  decline_code: null,
  message: 'There is no default payment method to charge.',
};

/** Carries a change out and pays what is due at once, in the way `payment_behavior` says. */
export function settleChange(
  account: Account,
  current: Stripe.Subscription,
  change: SubscriptionChange,
  behavior: string,
): void {
  if (behavior === 'pending_if_incomplete' && waitsForPayment(account, current, change)) return;
  const outcome = changeSubscription(account, current, change);
  const invoice = apply(account, current, outcome);
  if (!invoice || invoice.status !== 'open') {
    if (invoice) followSubscription(account, invoice);
    return;
  }
  if (invoice.collection_method !== 'charge_automatically') return;
  if (behavior === 'default_incomplete') {
    pastDue(account, account.get('subscription', current.id));
    return;
  }
  if (behavior === 'error_if_incomplete') payOrRefuse(account, invoice);
  else chargeAutomatically(account, invoice);
}

/** Stores what the subscription became, and makes its invoice final: changes are billed at once. */
function apply(
  account: Account,
  current: Stripe.Subscription,
  { changes, draft }: ChangedSubscription,
): Stripe.Invoice | null {
  // Stripe tells of the end of a trial also when it is ended by hand.
  if (current.status === 'trialing' && changes.status === 'active')
    account.emit('customer.subscription.trial_will_end', current);
  account.change(
    'subscription',
    current,
    { ...changes, latest_invoice: draft?.id ?? current.latest_invoice },
    'customer.subscription.updated',
  );
  return draft && finalizeInvoice(account, account.get('invoice', draft.id));
}

/** All or nothing: a refused card undoes the whole update. */
function payOrRefuse(account: Account, invoice: Stripe.Invoice): void {
  const card = cardFor(account, invoice, invoice.customer as string);
  const { invoice: after, verdict } = collect(account, invoice, card, { automatic: true });
  if (verdict.kind === 'approved') return followSubscription(account, after);
  const { code, message } =
    verdict.kind === 'declined'
      ? verdict
      : {
          code: 'subscription_payment_intent_requires_action',
          message:
            'Payment for this subscription requires additional user action before it can be completed successfully.',
        };
  const extra = verdict.kind === 'declined' ? { decline_code: verdict.decline_code ?? undefined } : {};
  // The whole update is undone, but the bank was asked: a failure planned for this card is used up.
  throw undone(paymentFailed(code, message, extra), () => card && judge(account, card.id, false));
}

/**
 * `pending_if_incomplete`: asks the bank first. Approved or nothing to pay: false, and the change goes its way.
 * Else the invoice stands open, the subscription stays as it was, and the change waits in `pending_update`.
 */
function waitsForPayment(
  account: Account,
  current: Stripe.Subscription,
  change: SubscriptionChange,
): boolean {
  const due = account.rehearse(() => {
    const { draft } = changeSubscription(account, current, change);
    return draft ? finalizeInvoice(account, account.get('invoice', draft.id)).amount_due : 0;
  });
  if (due === 0 || current.collection_method !== 'charge_automatically') return false;
  const before = debitsOfSubscription(account, current.id);
  const { changes, draft } = changeSubscription(account, current, change);
  if (!draft) return false;
  const card = cardFor(account, draft, current.customer as string);
  const verdict = card ? judge(account, card.id, false) : NO_CARD;
  if (verdict.kind === 'approved') {
    const invoice = apply(account, current, { changes, draft });
    if (invoice)
      followSubscription(account, collect(account, invoice, card, { verdict, automatic: true }).invoice);
    return true;
  }
  account.store.put('pending_change', {
    id: current.id,
    invoice: draft.id,
    changes,
    debits: debitsOfSubscription(account, current.id),
  });
  restoreDebits(account, current.id, before);
  const pending = {
    latest_invoice: draft.id,
    pending_update: pendingUpdate(account, current, change, changes),
  };
  account.change('subscription', current, pending, 'customer.subscription.updated');
  collect(account, finalizeInvoice(account, account.get('invoice', draft.id)), card, { verdict });
  return true;
}

function pendingUpdate(
  account: Account,
  current: Stripe.Subscription,
  change: SubscriptionChange,
  changes: Partial<Stripe.Subscription>,
): Stripe.Subscription.PendingUpdate {
  const anchor = changes.billing_cycle_anchor;
  const ends = changes.cancel_at_period_end;
  return {
    billing_cycle_anchor: anchor === current.billing_cycle_anchor ? null : (anchor ?? null),
    cancel_at_period_end: ends === current.cancel_at_period_end ? null : (ends ?? null),
    discount: null,
    discounts: null,
    expires_at: account.now() + PAYMENT_WINDOW,
    metadata: null,
    subscription_items: change.items.some(({ before, after }) => before !== after)
      ? (changes.items?.data ?? null)
      : null,
    trial_end: change.trialEnd === 'now' ? account.now() : change.trialEnd,
    trial_from_plan: null,
  };
}
