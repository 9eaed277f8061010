import type Stripe from 'stripe';
import type { Account } from '../account';

/** Closes an open session for good. */
export function expireSession(account: Account, session: Stripe.Checkout.Session): Stripe.Checkout.Session {
  return account.change(
    'checkout.session',
    session,
    { status: 'expired', url: null },
    'checkout.session.expired',
  );
}

/** The session as it is at this moment: an open one whose time has passed is expired first. */
export function presentSession(account: Account, id: string): Stripe.Checkout.Session {
  const session = account.get('checkout.session', id);
  return session.status === 'open' && session.expires_at <= account.now()
    ? expireSession(account, session)
    : session;
}

/** Expires every session whose time has passed. */
export function expireDueSessions(account: Account): void {
  const now = account.now();
  const due = account.newest('checkout.session', (row) => row.status === 'open' && row.expires_at <= now);
  for (const session of due.reverse()) expireSession(account, session);
}
