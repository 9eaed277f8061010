import type Stripe from 'stripe';
import type { Account } from '../account';
import { amountToday, totalsOf } from '../checkout/totals';
import { grantOfCode, type Grant } from '../discounts';
import { invalidRequest } from '../errors';
import { trialEndOf } from '../resources/trials';

/** Puts a promotion code on an open session. @throws StripeApiError with a message for the payer. */
export function applyPromotionCode(
  account: Account,
  session: Stripe.Checkout.Session,
  code: string,
): Stripe.Checkout.Session {
  if (!session.allow_promotion_codes) throw invalidRequest('This checkout takes no promotion codes.', 'code');
  const wanted = code.toLowerCase();
  const rows = account.newest('promotion_code', (row) => row.code.toLowerCase() === wanted);
  // The same text may belong to several codes over time; the one in force counts.
  const found = rows.find((row) => row.active) ?? rows[0];
  if (wanted === '' || !found) throw invalidRequest('This code is invalid.', 'code');
  const plan = account.store.find('checkout_plan', session.id);
  const trial = trialOf(account, session);
  const subtotal = (plan?.line_items ?? []).reduce((sum, item) => sum + amountToday(item, trial), 0);
  const customer = session.customer as string | null;
  const grant = grantOfCode(account, found, { customer, currency: session.currency ?? '', subtotal }, 'code');
  return discount(account, session, [grant]);
}

/** Takes the promotion code off an open session. */
export function removePromotionCode(
  account: Account,
  session: Stripe.Checkout.Session,
): Stripe.Checkout.Session {
  return session.allow_promotion_codes ? discount(account, session, []) : session;
}

function discount(
  account: Account,
  session: Stripe.Checkout.Session,
  grants: Grant[],
): Stripe.Checkout.Session {
  const plan = account.store.find('checkout_plan', session.id);
  if (!plan) return session;
  const totals = totalsOf(plan.line_items, grants, trialOf(account, session));
  account.store.put('checkout_plan', { ...plan, line_items: totals.items });
  return account.change('checkout.session', session, {
    amount_subtotal: totals.subtotal,
    amount_total: totals.total,
    discounts: grants.map(({ promotionCode }) => ({
      coupon: null,
      promotion_code: promotionCode?.id ?? null,
    })),
    payment_status: totals.total === 0 ? 'no_payment_required' : 'unpaid',
    total_details: { amount_discount: totals.discount, amount_shipping: 0, amount_tax: 0 },
  });
}

function trialOf(account: Account, session: Stripe.Checkout.Session): boolean {
  const data = account.store.find('checkout_plan', session.id)?.subscription_data;
  return data ? trialEndOf(account, data, []) !== null : false;
}
