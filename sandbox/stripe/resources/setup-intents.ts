import type Stripe from 'stripe';
import type { Account } from '../account';
import { only, type Call } from '../call';
import { cardError, invalidRequest } from '../errors';
import { inRange, listPage } from '../pagination';
import { newId, randomText } from '../random';
import { mergeMetadata } from './metadata';
import { attach, paymentMethodOf } from './payment-methods';

/** A setup intent that waits for a card. */
export function makeSetupIntent(
  account: Account,
  order: { customer: string | null; description: string | null; metadata: Stripe.Metadata; usage: string },
): Stripe.SetupIntent {
  const id = newId('seti');
  return {
    id,
    object: 'setup_intent',
    allowed_payment_method_types: null,
    application: null,
    automatic_payment_methods: null,
    cancellation_reason: null,
    client_secret: `${id}_secret_${randomText(25)}`,
    created: account.now(),
    customer: order.customer,
    customer_account: null,
    description: order.description,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    managed_payments: null,
    mandate: null,
    metadata: order.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { mandate_options: null, network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: ['card'],
    single_use_mandate: null,
    status: 'requires_payment_method',
    usage: order.usage,
  };
}

/** The card is good and saved. */
export function succeedSetup(
  account: Account,
  intent: Stripe.SetupIntent,
  paymentMethod: string,
  customer: string | null,
): Stripe.SetupIntent {
  const done = account.change('setup_intent', intent, {
    customer,
    last_setup_error: null,
    next_action: null,
    payment_method: paymentMethod,
    status: 'succeeded',
  });
  account.emit('setup_intent.succeeded', done);
  return done;
}

export function createSetupIntent(call: Call<Stripe.SetupIntentCreateParams>): object {
  const { account, params } = call;
  only(
    params,
    'allowed_payment_method_types',
    'automatic_payment_methods',
    'confirm',
    'customer',
    'description',
    'metadata',
    'payment_method',
    'return_url',
    'usage',
  );
  const customer = params.customer ? account.get('customer', params.customer, 'customer').id : null;
  const intent = makeSetupIntent(account, {
    customer,
    description: params.description ?? null,
    metadata: mergeMetadata(null, params.metadata),
    usage: params.usage ?? 'off_session',
  });
  account.add('setup_intent', intent, 'setup_intent.created');
  if (params.confirm) return confirm(account, intent, params.payment_method);
  if (!params.payment_method) return intent;
  const paymentMethod = paymentMethodOf(account, params.payment_method);
  return account.change('setup_intent', intent, {
    payment_method: paymentMethod.id,
    status: 'requires_confirmation',
  });
}

export function confirmSetupIntent({ account, params, id }: Call<Stripe.SetupIntentConfirmParams>): object {
  only(params, 'payment_method', 'return_url');
  return confirm(account, account.get('setup_intent', id), params.payment_method);
}

function confirm(
  account: Account,
  intent: Stripe.SetupIntent,
  given: string | undefined,
): Stripe.SetupIntent {
  if (intent.status === 'succeeded' || intent.status === 'canceled') {
    throw invalidRequest(
      `You cannot confirm this SetupIntent because it has a status of ${intent.status}.`,
      undefined,
      'setup_intent_unexpected_state',
    );
  }
  const id = given ?? (intent.payment_method as string | null);
  if (!id) {
    throw invalidRequest(
      "You cannot confirm this SetupIntent because it's missing a payment method.",
      undefined,
      'setup_intent_unexpected_state',
    );
  }
  const paymentMethod = paymentMethodOf(account, id);
  const behaviour = account.store.find('card', paymentMethod.id)?.behaviour;
  if (behaviour?.outcome === 'declines' && behaviour.at === 'any') {
    throw cardError(behaviour.code, behaviour.message, { decline_code: behaviour.decline_code ?? undefined });
  }
  if (behaviour?.outcome === 'authenticates') {
    const waiting = account.change('setup_intent', intent, {
      next_action: { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect' } },
      payment_method: paymentMethod.id,
      status: 'requires_action',
    });
    account.emit('setup_intent.requires_action', waiting);
    return waiting;
  }
  const customer = intent.customer as string | null;
  if (customer) attach(account, paymentMethod, customer);
  return succeedSetup(account, intent, paymentMethod.id, customer);
}

export function cancelSetupIntent({ account, params, id }: Call<Stripe.SetupIntentCancelParams>): object {
  only(params, 'cancellation_reason');
  const intent = account.get('setup_intent', id);
  if (intent.status === 'succeeded' || intent.status === 'canceled') {
    throw invalidRequest(
      `You cannot cancel this SetupIntent because it has a status of ${intent.status}.`,
      undefined,
      'setup_intent_unexpected_state',
    );
  }
  return account.change(
    'setup_intent',
    intent,
    { cancellation_reason: params.cancellation_reason ?? null, next_action: null, status: 'canceled' },
    'setup_intent.canceled',
  );
}

export function retrieveSetupIntent({ account, params, id }: Call<Stripe.SetupIntentRetrieveParams>): object {
  only(params);
  return account.get('setup_intent', id);
}

export function listSetupIntents({ account, params }: Call<Stripe.SetupIntentListParams>): object {
  only(params, 'created', 'customer', 'ending_before', 'limit', 'payment_method', 'starting_after');
  const rows = account.newest(
    'setup_intent',
    (row) =>
      inRange(row.created, params.created) &&
      (params.customer === undefined || row.customer === params.customer) &&
      (params.payment_method === undefined || row.payment_method === params.payment_method),
  );
  return listPage(rows, params, '/v1/setup_intents');
}
