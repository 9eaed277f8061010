import type Stripe from 'stripe';
import type { Account } from '../account';
import { redeemOnce, type Grant } from '../discounts';
import { judge, openPaymentIntent, settlePayment, type Verdict } from '../payments';
import { makeCustomer } from '../resources/customers';
import { collect, finalizeInvoice } from '../resources/invoice-steps';
import { mergeMetadata } from '../resources/metadata';
import { attach } from '../resources/payment-methods';
import { makeSetupIntent, succeedSetup } from '../resources/setup-intents';
import { startSubscription } from '../resources/subscription-start';
import { billingModeOf } from '../resources/subscription-object';
import { trialEndOf, trialSettingsOf } from '../resources/trials';
import type { CheckoutPlan } from '../tables';
import { presentSession } from './expiry';
import { customerDetails } from './session-object';

/** Who pays, and with which card (none when nothing is to be paid or saved). */
export interface Payer {
  paymentMethod: Stripe.PaymentMethod | null;
  email: string | null;
  name: string | null;
}

export type Completion =
  | { kind: 'complete'; session: Stripe.Checkout.Session }
  | { kind: 'closed'; session: Stripe.Checkout.Session }
  | { kind: 'authentication_required' }
  | { kind: 'declined'; code: string; decline_code: string | null; message: string };

/** Whether this checkout needs a card at all. */
export function needsCard(session: Stripe.Checkout.Session): boolean {
  if (session.mode === 'setup' || (session.amount_total ?? 0) > 0) return true;
  return session.mode === 'subscription' && session.payment_method_collection === 'always';
}

/**
 * Pays a session. The whole of it happens in one transaction without waiting, so two clicks can not both succeed:
 * the second finds the session closed.
 */
export function payCheckout(account: Account, id: string, payer: Payer, authenticated = false): Completion {
  const session = presentSession(account, id);
  if (session.status !== 'open') return { kind: 'closed', session };
  const plan = account.store.find('checkout_plan', id) as CheckoutPlan;
  const verdict = verdictOn(account, session, payer, authenticated);
  if (verdict.kind === 'authentication_required') {
    account.store.put('checkout_plan', {
      ...plan,
      pending_card: { payment_method: payer.paymentMethod?.id ?? '', name: payer.name, email: payer.email },
    });
    return { kind: 'authentication_required' };
  }
  if (verdict.kind === 'declined') {
    recordDecline(account, session, plan, payer, verdict);
    const { code, decline_code, message } = verdict;
    return { kind: 'declined', code, decline_code, message };
  }
  return { kind: 'complete', session: complete(account, session, plan, payer, verdict) };
}

function verdictOn(
  account: Account,
  session: Stripe.Checkout.Session,
  payer: Payer,
  authenticated: boolean,
): Verdict {
  if (!payer.paymentMethod) return { kind: 'approved' };
  if ((session.amount_total ?? 0) > 0) return judge(account, payer.paymentMethod.id, authenticated);
  // Saving a card asks the bank too, except for cards that fail only when charged.
  const behaviour = account.store.find('card', payer.paymentMethod.id)?.behaviour;
  if (behaviour?.outcome === 'declines' && behaviour.at === 'charge') return { kind: 'approved' };
  return judge(account, payer.paymentMethod.id, authenticated);
}

function recordDecline(
  account: Account,
  session: Stripe.Checkout.Session,
  plan: CheckoutPlan,
  payer: Payer,
  verdict: Verdict,
): void {
  let intentId = plan.payment_intent;
  if ((session.amount_total ?? 0) > 0 && payer.paymentMethod) {
    const intent = intentOf(account, session, plan, session.customer as string | null);
    settlePayment(account, intent, payer.paymentMethod, verdict);
    intentId = intent.id;
  }
  account.store.put('checkout_plan', { ...plan, payment_intent: intentId, pending_card: null });
}

/** The one payment intent of a session: made at the first try, used again by the next. */
function intentOf(
  account: Account,
  session: Stripe.Checkout.Session,
  plan: CheckoutPlan,
  customer: string | null,
): Stripe.PaymentIntent {
  if (plan.payment_intent) {
    const intent = account.get('payment_intent', plan.payment_intent);
    return account.change('payment_intent', intent, { amount: session.amount_total ?? 0, customer });
  }
  return openPaymentIntent(account, {
    amount: session.amount_total ?? 0,
    currency: session.currency ?? 'usd',
    customer,
    description:
      session.mode === 'subscription'
        ? 'Subscription creation'
        : (plan.payment_intent_data?.description ?? null),
    metadata: mergeMetadata(null, plan.payment_intent_data?.metadata),
  });
}

function complete(
  account: Account,
  session: Stripe.Checkout.Session,
  plan: CheckoutPlan,
  payer: Payer,
  verdict: Verdict,
): Stripe.Checkout.Session {
  const customer = customerOf(account, session, plan, payer);
  let paymentMethod = payer.paymentMethod;
  if (paymentMethod && customer && session.mode !== 'payment') {
    paymentMethod = attach(account, paymentMethod, customer.id);
  }
  const result =
    session.mode === 'subscription'
      ? subscribe(account, session, plan, customer as Stripe.Customer, paymentMethod, verdict)
      : session.mode === 'payment'
        ? pay(account, session, plan, customer, paymentMethod, verdict)
        : save(account, customer, paymentMethod as Stripe.PaymentMethod);
  account.store.put('checkout_plan', { ...plan, pending_card: null });
  const email = payer.email ?? customer?.email ?? session.customer_email;
  return account.change(
    'checkout.session',
    session,
    {
      ...result,
      collected_information: { business_name: null, individual_name: null, shipping_details: null },
      customer: customer?.id ?? null,
      customer_details: customerDetails(email, payer.name, customer),
      payment_status: session.mode === 'setup' || session.amount_total === 0 ? 'no_payment_required' : 'paid',
      status: 'complete',
      url: null,
    },
    'checkout.session.completed',
  );
}

function customerOf(
  account: Account,
  session: Stripe.Checkout.Session,
  plan: CheckoutPlan,
  payer: Payer,
): Stripe.Customer | null {
  if (session.customer) {
    const customer = account.get('customer', session.customer as string, 'customer');
    if (!plan.update_customer_name || !payer.name) return customer;
    return account.change('customer', customer, { name: payer.name }, 'customer.updated');
  }
  if (session.customer_creation !== 'always') return null;
  const made = makeCustomer(account, {
    email: payer.email ?? session.customer_email ?? undefined,
    name: payer.name ?? undefined,
  });
  return account.add('customer', made, 'customer.created') as Stripe.Customer;
}

function subscribe(
  account: Account,
  session: Stripe.Checkout.Session,
  plan: CheckoutPlan,
  customer: Stripe.Customer,
  paymentMethod: Stripe.PaymentMethod | null,
  verdict: Verdict,
): Partial<Stripe.Checkout.Session> {
  const data = plan.subscription_data;
  const lines = plan.line_items.map((item) => ({
    price: account.get('price', (item.price as Stripe.Price).id),
    quantity: item.quantity,
    metadata: item.metadata ?? {},
  }));
  const trialEnd = data ? trialEndOf(account, data, []) : null;
  if (paymentMethod && session.amount_total === 0) saveCard(account, customer.id, paymentMethod);
  const { subscription, draft } = startSubscription(
    account,
    {
      customer: customer.id,
      lines: lines.filter(({ price }) => price.recurring),
      status: trialEnd === null ? 'active' : 'trialing',
      trialEnd,
      billingMode: billingModeOf(data?.billing_mode),
      defaultPaymentMethod: paymentMethod?.id ?? null,
      metadata: mergeMetadata(null, data?.metadata),
      description: data?.description ?? null,
      automaticTax: session.automatic_tax.enabled,
      collectionMethod: 'charge_automatically',
      daysUntilDue: null,
      cancelAtPeriodEnd: false,
      trialSettings: trialSettingsOf(data?.trial_settings),
      saveDefaultPaymentMethod: 'off',
    },
    grantsOf(account, session),
    lines.filter(({ price }) => !price.recurring),
    session.id,
  );
  if (draft) {
    const known = plan.payment_intent ? intentOf(account, session, plan, customer.id) : undefined;
    const invoice = finalizeInvoice(account, draft, known);
    if (invoice.status === 'open' && paymentMethod) collect(account, invoice, paymentMethod, { verdict });
  }
  return { subscription: subscription.id, invoice: draft?.id ?? null };
}

function pay(
  account: Account,
  session: Stripe.Checkout.Session,
  plan: CheckoutPlan,
  customer: Stripe.Customer | null,
  paymentMethod: Stripe.PaymentMethod | null,
  verdict: Verdict,
): Partial<Stripe.Checkout.Session> {
  for (const grant of grantsOf(account, session)) redeemOnce(account, grant);
  if (!paymentMethod || session.amount_total === 0) return {};
  const intent = intentOf(account, session, plan, customer?.id ?? null);
  settlePayment(account, intent, paymentMethod, verdict);
  return { payment_intent: intent.id };
}

function save(
  account: Account,
  customer: Stripe.Customer | null,
  paymentMethod: Stripe.PaymentMethod,
): Partial<Stripe.Checkout.Session> {
  return { setup_intent: saveCard(account, customer?.id ?? null, paymentMethod).id };
}

function saveCard(
  account: Account,
  customer: string | null,
  paymentMethod: Stripe.PaymentMethod,
): Stripe.SetupIntent {
  const intent = makeSetupIntent(account, {
    customer,
    description: null,
    metadata: {},
    usage: 'off_session',
  });
  account.add('setup_intent', intent, 'setup_intent.created');
  return succeedSetup(account, intent, paymentMethod.id, customer);
}

/** The discounts of a session. They were checked when they were put on it, and stay promised to the payer. */
export function grantsOf(account: Account, session: Stripe.Checkout.Session): Grant[] {
  return (session.discounts ?? []).flatMap((entry): Grant[] => {
    const promotionCode = entry.promotion_code
      ? (account.store.find('promotion_code', entry.promotion_code as string) ?? null)
      : null;
    const coupon = account.store.find('coupon', (promotionCode?.promotion.coupon ?? entry.coupon) as string);
    return coupon && !coupon.deleted ? [{ coupon, promotionCode }] : [];
  });
}
