import type Stripe from 'stripe';
import type { Account } from './account';
import { decline, type CardBehaviour } from './cards';
import { newId, randomText } from './random';

/** A payment to be made: for an invoice, or for a checkout in payment mode. */
export interface PaymentOrder {
  amount: number;
  currency: string;
  customer: string | null;
  description: string | null;
  metadata: Stripe.Metadata;
}

export type Verdict =
  | { kind: 'approved' }
  | { kind: 'declined'; code: string; decline_code: string | null; message: string }
  | { kind: 'authentication_required' };

/**
 * What the bank will say to a charge of this card. Uses up one planned failure (`fail_next`).
 * @param authenticated The payer has passed 3-D Secure for this very payment.
 */
export function judge(account: Account, paymentMethod: string, authenticated: boolean): Verdict {
  const card = account.store.find('card', paymentMethod);
  if (!card) return { kind: 'approved' };
  if (card.fail_next && card.fail_next.times > 0) {
    const left = card.fail_next.times - 1;
    account.store.put('card', { ...card, fail_next: left > 0 ? { ...card.fail_next, times: left } : null });
    return declined(decline(card.fail_next.code));
  }
  const { behaviour } = card;
  if (behaviour.outcome === 'declines') return declined(behaviour);
  if (behaviour.outcome === 'authenticates') {
    if (!authenticated) return { kind: 'authentication_required' };
    if (behaviour.then === 'declines') return declined(decline('generic_decline'));
  }
  return { kind: 'approved' };
}

function declined({ code, decline_code, message }: Extract<CardBehaviour, { outcome: 'declines' }>): Verdict {
  return { kind: 'declined', code, decline_code, message };
}

/** A payment intent that waits for a card. */
export function openPaymentIntent(account: Account, order: PaymentOrder): Stripe.PaymentIntent {
  const id = newId('pi');
  const intent: Stripe.PaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount: order.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic',
    client_secret: `${id}_secret_${randomText(25)}`,
    confirmation_method: 'automatic',
    created: account.now(),
    currency: order.currency,
    customer: order.customer,
    customer_account: null,
    description: order.description,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: order.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: null,
  };
  return account.add('payment_intent', intent, 'payment_intent.created') as Stripe.PaymentIntent;
}

/** Carries out what the bank said, with the events Stripe sends for it. */
export function settlePayment(
  account: Account,
  intent: Stripe.PaymentIntent,
  paymentMethod: Stripe.PaymentMethod,
  verdict: Verdict,
): Stripe.PaymentIntent {
  if (verdict.kind === 'authentication_required') return askForAuthentication(account, intent, paymentMethod);
  const charge = makeCharge(account, intent, paymentMethod, verdict);
  if (verdict.kind === 'approved') {
    account.add('charge', charge, 'charge.succeeded');
    const paid = account.change('payment_intent', intent, {
      amount_received: intent.amount,
      last_payment_error: null,
      latest_charge: charge.id,
      next_action: null,
      payment_method: paymentMethod.id,
      status: 'succeeded',
    });
    account.emit('payment_intent.succeeded', paid);
    return paid;
  }
  account.add('charge', charge, 'charge.failed');
  const failed = account.change('payment_intent', intent, {
    last_payment_error: {
      charge: charge.id,
      code: verdict.code,
      decline_code: verdict.decline_code ?? undefined,
      doc_url: `https://stripe.com/docs/error-codes/${verdict.code.replaceAll('_', '-')}`,
      message: verdict.message,
      payment_method: paymentMethod,
      type: 'card_error',
    },
    latest_charge: charge.id,
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  });
  account.emit('payment_intent.payment_failed', failed);
  return failed;
}

function askForAuthentication(
  account: Account,
  intent: Stripe.PaymentIntent,
  paymentMethod: Stripe.PaymentMethod,
): Stripe.PaymentIntent {
  const waiting = account.change('payment_intent', intent, {
    next_action: { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect' } },
    payment_method: paymentMethod.id,
    status: 'requires_action',
  });
  account.emit('payment_intent.requires_action', waiting);
  return waiting;
}

function makeCharge(
  account: Account,
  intent: Stripe.PaymentIntent,
  paymentMethod: Stripe.PaymentMethod,
  verdict: Exclude<Verdict, { kind: 'authentication_required' }>,
): Stripe.Charge {
  const approved = verdict.kind === 'approved';
  const id = newId('ch');
  const card = paymentMethod.card;
  return {
    id,
    object: 'charge',
    amount: intent.amount,
    amount_captured: approved ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: approved ? newId('txn') : null,
    billing_details: paymentMethod.billing_details,
    calculated_statement_descriptor: 'SANDBOX',
    captured: approved,
    created: account.now(),
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: approved ? null : verdict.code,
    failure_message: approved ? null : verdict.message,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: {
      advice_code: null,
      network_advice_code: null,
      network_decline_code: approved ? null : '02',
      network_status: approved ? 'approved_by_network' : 'declined_by_network',
      reason: approved ? null : verdict.decline_code,
      risk_level: 'normal',
      risk_score: 20,
      seller_message: approved
        ? 'Payment complete.'
        : 'The bank did not return any further details with this decline.',
      type: approved ? 'authorized' : 'issuer_declined',
    },
    paid: approved,
    payment_intent: intent.id,
    payment_method: paymentMethod.id,
    payment_method_details: card
      ? {
          card: {
            amount_authorized: approved ? intent.amount : null,
            authorization_code: null,
            brand: card.brand,
            checks: card.checks,
            country: card.country,
            electronic_commerce_indicator: null,
            exp_month: card.exp_month,
            exp_year: card.exp_year,
            fingerprint: card.fingerprint,
            funding: card.funding,
            installments: null,
            last4: card.last4,
            mandate: null,
            network: card.brand,
            network_transaction_id: null,
            regulated_status: 'unregulated',
            three_d_secure: null,
            transaction_link_id: null,
            wallet: null,
          },
          type: 'card',
        }
      : null,
    receipt_email: null,
    receipt_number: null,
    receipt_url: approved ? `${account.publicUrl()}/receipts/${id}` : null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: approved ? 'succeeded' : 'failed',
    transfer_data: null,
    transfer_group: null,
  };
}
