import type { Account } from '../account';
import { voidInvoice } from '../resources/invoice-settlement';
import { forget, noteOf } from './notes';

/** The first payment never came: terminal, and its invoice is void. */
export function expireIncomplete(account: Account, id: string): void {
  const subscription = account.get('subscription', id);
  account.change(
    'subscription',
    subscription,
    { ended_at: account.now(), status: 'incomplete_expired' },
    'customer.subscription.updated',
  );
  voidOpen(account, subscription.latest_invoice as string | null);
}

/** A change that waited for its payment is dropped, with its invoice. */
export function expirePendingUpdate(account: Account, id: string): void {
  const subscription = dropPendingUpdate(account, id);
  account.emit('customer.subscription.pending_update_expired', subscription);
}

/** Forgets a pending update and voids what it asked to pay. */
export function dropPendingUpdate(account: Account, id: string) {
  const pending = account.store.find('pending_change', id);
  if (pending) account.store.remove('pending_change', id);
  if (pending) voidOpen(account, pending.invoice);
  const subscription = account.get('subscription', id);
  return account.change(
    'subscription',
    subscription,
    { pending_update: null },
    'customer.subscription.updated',
  );
}

/** A resumption that was never paid: its invoice is void, and the subscription stays paused. */
export function expireResumption(account: Account, id: string): void {
  const resumption = noteOf(account, id, 'resumption');
  forget(account, id, 'resumption');
  voidOpen(account, resumption?.object ?? null);
}

function voidOpen(account: Account, id: string | null): void {
  const invoice = id ? account.store.find('invoice', id) : undefined;
  if (invoice?.status === 'open') voidInvoice(account, invoice);
}
