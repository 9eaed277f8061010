import type Stripe from 'stripe';
import type { Account } from '../account';
import { only, type Call } from '../call';
import { invalidRequest, parameterMissing } from '../errors';
import { moneyText } from '../money-text';
import { inRange, listPage } from '../pagination';
import { newId } from '../random';
import { mergeMetadata } from './metadata';

/** Gives money back for a payment; all that is left of it when no amount is given. */
export function createRefund({ account, params }: Call<Stripe.RefundCreateParams>): object {
  only(params, 'amount', 'charge', 'metadata', 'payment_intent', 'reason');
  const charge = chargeOf(account, params);
  return refund(account, charge, params.amount ?? charge.amount_captured - charge.amount_refunded, {
    metadata: mergeMetadata(null, params.metadata),
    reason: params.reason ?? null,
  });
}

/**
 * Refunds a part of a charge, with its events.
 * @throws StripeApiError 400 when that much is not left, or nothing was paid
 */
export function refund(
  account: Account,
  charge: Stripe.Charge,
  amount: number,
  { metadata, reason }: { metadata: Stripe.Metadata | null; reason: Stripe.RefundCreateParams.Reason | null },
): Stripe.Refund {
  const left = charge.amount_captured - charge.amount_refunded;
  if (!charge.paid) throw invalidRequest(`Charge ${charge.id} was not paid.`, 'charge');
  if (left === 0)
    throw invalidRequest(
      `Charge ${charge.id} has already been refunded.`,
      undefined,
      'charge_already_refunded',
    );
  if (amount < 1) throw invalidRequest('Invalid positive integer', 'amount', 'parameter_invalid_integer');
  if (amount > left)
    throw invalidRequest(
      `Refund amount (${moneyText(amount, charge.currency)}) is greater than unrefunded amount on charge (${moneyText(left, charge.currency)})`,
      'amount',
    );
  const made: Stripe.Refund = {
    id: newId('re'),
    object: 'refund',
    amount,
    balance_transaction: newId('txn'),
    charge: charge.id,
    created: account.now(),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: {
      card: {
        reference: '1234567890123456',
        reference_status: 'available',
        reference_type: 'acquirer_reference_number',
        type: 'refund',
      },
      type: 'card',
    },
    metadata: metadata ?? {},
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null,
  };
  account.add('refund', made, 'refund.created');
  const refunded = charge.amount_refunded + amount;
  account.change(
    'charge',
    charge,
    { amount_refunded: refunded, refunded: refunded === charge.amount_captured },
    'charge.refunded',
  );
  return made;
}

export function retrieveRefund({ account, id }: Call<Stripe.RefundRetrieveParams>): object {
  return account.get('refund', id);
}

export function updateRefund({ account, params, id }: Call<Stripe.RefundUpdateParams>): object {
  only(params, 'metadata');
  const known = account.get('refund', id);
  return account.change(
    'refund',
    known,
    { metadata: mergeMetadata(known.metadata, params.metadata) },
    'refund.updated',
  );
}

export function listRefunds({ account, params }: Call<Stripe.RefundListParams>): object {
  only(params, 'charge', 'created', 'ending_before', 'limit', 'payment_intent', 'starting_after');
  const rows = account.newest(
    'refund',
    (row) =>
      inRange(row.created, params.created) &&
      (params.charge === undefined || row.charge === params.charge) &&
      (params.payment_intent === undefined || row.payment_intent === params.payment_intent),
  );
  return listPage(rows, params, '/v1/refunds');
}

function chargeOf(account: Account, params: Stripe.RefundCreateParams): Stripe.Charge {
  if (params.charge) return account.get('charge', params.charge, 'charge');
  if (!params.payment_intent) throw parameterMissing('charge');
  const intent = account.get('payment_intent', params.payment_intent, 'payment_intent');
  if (intent.status !== 'succeeded' || !intent.latest_charge)
    throw invalidRequest(
      `This PaymentIntent (${intent.id}) does not have a successful charge to refund.`,
      'payment_intent',
    );
  return account.get('charge', intent.latest_charge as string);
}
