import type Stripe from 'stripe';
import type { Account } from '../account';
import { amountFor } from '../amounts';
import { isMetered } from '../billing/cycle';
import { advanceLine } from '../billing/period-lines';
import { raiseInvoice } from '../billing/raise-invoice';
import { redeem, type Grant } from '../discounts';
import { newId } from '../random';
import type { InvoiceLineOrder } from './invoice-object';
import { productName } from './product-object';
import { makeSubscription, type OrderLine, type SubscriptionOrder } from './subscription-object';

export interface NewSubscription {
  subscription: Stripe.Subscription;
  /** The draft of the first invoice; null when there is nothing to put on it (only metered prices). */
  draft: Stripe.Invoice | null;
}

/**
 * Makes a subscription and the draft of its first invoice, with their `created` events.
 * @param oneTime One-time prices bought along; they stand on the first invoice only.
 */
export function startSubscription(
  account: Account,
  order: Omit<SubscriptionOrder, 'latestInvoice'>,
  grants: Grant[],
  oneTime: OrderLine[] = [],
  checkoutSession: string | null = null,
): NewSubscription {
  const invoiceId = newId('in');
  const made = makeSubscription(account, { ...order, latestInvoice: null });
  const lines = firstLines(account, made, oneTime);
  const discounts = grants.map((grant) => ({
    coupon: grant.coupon,
    discount: redeem(account, grant, {
      customer: order.customer,
      subscription: made.id,
      checkout_session: checkoutSession,
    }),
  }));
  const subscription: Stripe.Subscription = {
    ...made,
    discounts: discounts.map(({ discount }) => discount.id),
    latest_invoice: lines.length > 0 ? invoiceId : null,
  };
  account.add('subscription', subscription, 'customer.subscription.created');
  let customer = account.get('customer', order.customer, 'customer');
  if (!customer.currency) {
    customer = account.change('customer', customer, { currency: subscription.currency }, 'customer.updated');
  }
  if (lines.length === 0) return { subscription, draft: null };
  const draft = raiseInvoice(account, {
    id: invoiceId,
    customer,
    subscription,
    lines,
    discounts,
    billingReason: 'subscription_create',
  });
  return { subscription, draft };
}

function firstLines(
  account: Account,
  subscription: Stripe.Subscription,
  oneTime: OrderLine[],
): InvoiceLineOrder[] {
  const trial = subscription.trial_end !== null;
  const flexible = subscription.billing_mode.type === 'flexible';
  const recurring = subscription.items.data.flatMap((item): InvoiceLineOrder[] => {
    const metered = isMetered(item.price);
    // Flexible billing puts no zero-amount line for a new metered item.
    if (metered && flexible) return [];
    return [advanceLine(account, item, subscription.billing_cycle_anchor, trial || metered)];
  });
  const once = oneTime.map(({ price, quantity }): InvoiceLineOrder => {
    const now = account.now();
    const units = quantity ?? 1;
    const description = productName(account, price);
    return {
      amount: amountFor(price, units),
      price,
      quantity: units,
      description,
      period: { start: now, end: now },
      item: null,
    };
  });
  return [...recurring, ...once];
}
