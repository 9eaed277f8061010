import type Stripe from 'stripe';
import type { Account } from '../account';

/** Closes an open session for good, and the payment that was tried on it. */
export function expireSession(account: Account, session: Stripe.Checkout.Session): Stripe.Checkout.Session {
  const tried = account.store.find('checkout_plan', session.id)?.payment_intent;
  if (tried) {
    const intent = account.get('payment_intent', tried);
    const changes = {
      canceled_at: account.now(),
      cancellation_reason: 'expired',
      next_action: null,
      status: 'canceled',
    } as const;
    account.change('payment_intent', intent, changes, 'payment_intent.canceled');
  }
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

