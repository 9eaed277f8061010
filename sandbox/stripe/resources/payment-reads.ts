import type Stripe from 'stripe';
import { only, type Call } from '../call';
import { inRange, listPage } from '../pagination';

/** Payment intents and charges come from invoices and checkouts; the API only reads them here. */
export function retrievePaymentIntent({
  account,
  params,
  id,
}: Call<Stripe.PaymentIntentRetrieveParams>): object {
  only(params, 'client_secret');
  return account.get('payment_intent', id);
}

export function listPaymentIntents({ account, params }: Call<Stripe.PaymentIntentListParams>): object {
  only(params, 'created', 'customer', 'ending_before', 'limit', 'starting_after');
  const rows = account.newest(
    'payment_intent',
    (row) =>
      inRange(row.created, params.created) &&
      (params.customer === undefined || row.customer === params.customer),
  );
  return listPage(rows, params, '/v1/payment_intents');
}

export function retrieveCharge({ account, id }: Call<Stripe.ChargeRetrieveParams>): object {
  return account.get('charge', id);
}

export function listCharges({ account, params }: Call<Stripe.ChargeListParams>): object {
  only(params, 'created', 'customer', 'ending_before', 'limit', 'payment_intent', 'starting_after');
  const rows = account.newest(
    'charge',
    (row) =>
      inRange(row.created, params.created) &&
      (params.customer === undefined || row.customer === params.customer) &&
      (params.payment_intent === undefined || row.payment_intent === params.payment_intent),
  );
  return listPage(rows, params, '/v1/charges');
}
