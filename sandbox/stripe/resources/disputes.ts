import type Stripe from 'stripe';
import type { Account } from '../account';
import { only, type Call } from '../call';
import { invalidRequest } from '../errors';
import { inRange, listPage } from '../pagination';
import { newId } from '../random';

/** Cardholders' banks give merchants about this long to answer. */
const ANSWER_SECONDS = 9 * 86_400;

/**
 * A cardholder disputes a charge: the money is withdrawn until the bank decides.
 * @throws StripeApiError 400 for a charge that was not paid or is disputed already
 */
export function openDispute(account: Account, chargeId: string, reason: string): Stripe.Dispute {
  const charge = account.get('charge', chargeId);
  if (!charge.paid) throw invalidRequest(`Charge ${charge.id} was not paid.`);
  if (charge.disputed) throw invalidRequest(`Charge ${charge.id} is already disputed.`);
  const now = account.now();
  const brand = charge.payment_method_details?.card?.brand ?? 'unknown';
  const dispute: Stripe.Dispute = {
    id: newId('du'),
    object: 'dispute',
    amount: charge.amount - charge.amount_refunded,
    balance_transactions: [],
    charge: charge.id,
    created: now,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: now + ANSWER_SECONDS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'manual',
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: { brand, case_type: 'chargeback', network: brand, network_reason_code: '10' },
      type: 'card',
    },
    reason,
    status: 'needs_response',
  };
  account.change('charge', charge, { disputed: true });
  account.add('dispute', dispute, 'charge.dispute.created');
  account.emit('charge.dispute.funds_withdrawn', dispute);
  return dispute;
}

/** The bank has decided. @throws StripeApiError 400 for one that is decided already */
export function decideDispute(account: Account, id: string, outcome: 'won' | 'lost'): Stripe.Dispute {
  const dispute = account.get('dispute', id);
  if (dispute.status === 'won' || dispute.status === 'lost')
    throw invalidRequest(`This dispute is already ${dispute.status}.`);
  const closed = account.change('dispute', dispute, { status: outcome });
  account.emit('charge.dispute.closed', closed);
  if (outcome === 'won') account.emit('charge.dispute.funds_reinstated', closed);
  return closed;
}

/** Gives the dispute up: it is lost. */
export function closeDispute({ account, id }: Call<Stripe.DisputeCloseParams>): object {
  return decideDispute(account, id, 'lost');
}

export function retrieveDispute({ account, id }: Call<Stripe.DisputeRetrieveParams>): object {
  return account.get('dispute', id);
}

export function listDisputes({ account, params }: Call<Stripe.DisputeListParams>): object {
  only(params, 'charge', 'created', 'ending_before', 'limit', 'payment_intent', 'starting_after');
  const rows = account.newest(
    'dispute',
    (row) =>
      inRange(row.created, params.created) &&
      (params.charge === undefined || row.charge === params.charge) &&
      (params.payment_intent === undefined || row.payment_intent === params.payment_intent),
  );
  return listPage(rows, params, '/v1/disputes');
}

const NO_EVIDENCE: Stripe.Dispute.Evidence = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
};
