import type { Account } from '../account';
import { upcomingInvoice } from '../billing/upcoming';
import { note } from './notes';

/** Three days before a trial ends. */
export function tellTrialEnd(account: Account, id: string): void {
  const subscription = account.get('subscription', id);
  note(account, id, 'trial_will_end', subscription.trial_end ?? 0);
  account.emit('customer.subscription.trial_will_end', subscription);
}

/** Days before a renewal: what its invoice will be, as it looks now. */
export function tellUpcoming(account: Account, id: string): void {
  const subscription = account.get('subscription', id);
  const end = Math.min(...subscription.items.data.map((item) => item.current_period_end));
  note(account, id, 'upcoming', end);
  const invoice = upcomingInvoice(account, subscription);
  if (invoice) account.emit('invoice.upcoming', invoice);
}

/** `pause_collection.resumes_at` has come. Drafts kept meanwhile stay drafts. */
export function resumeCollection(account: Account, id: string): void {
  const subscription = account.get('subscription', id);
  account.change('subscription', subscription, { pause_collection: null }, 'customer.subscription.updated');
}
