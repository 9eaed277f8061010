import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import type { Account } from '../account';
import { fullAddress, only, orNull, updated, type Call } from '../call';
import { cardOfNumber, cardOfToken, isCardNumber, type TestCard } from '../cards';
import { cardError, invalidRequest, parameterMissing } from '../errors';
import { listPage, type PageParams } from '../pagination';
import { newId } from '../random';
import { mergeMetadata } from './metadata';

/** What a payer gives with a card. */
export interface CardDetails {
  exp_month: number;
  exp_year: number;
  billing: {
    name?: string | null;
    email?: string | null;
    phone?: string | null;
    address?: Stripe.Address | null;
  };
}

/** Keeps a new card payment method, not yet attached to anybody. */
export function addCard(account: Account, card: TestCard, details: CardDetails): Stripe.PaymentMethod {
  const { billing } = details;
  const paymentMethod: Stripe.PaymentMethod = {
    id: newId('pm'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: {
      address: billing.address ?? fullAddress({}),
      email: billing.email ?? null,
      name: billing.name ?? null,
      phone: billing.phone ?? null,
      tax_id: null,
    },
    card: {
      brand: card.brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: card.country,
      display_brand: card.brand,
      exp_month: details.exp_month,
      exp_year: details.exp_year,
      // Equal cards have equal fingerprints, as at Stripe; the number itself is not kept.
      fingerprint: createHash('sha256').update(`sandbox ${card.number}`).digest('base64url').slice(0, 16),
      funding: card.funding,
      generated_from: null,
      last4: card.number.slice(-4),
      networks: { available: [card.brand], preferred: null },
      regulated_status: 'unregulated',
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    created: account.now(),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: 'card',
  };
  account.add('payment_method', paymentMethod);
  account.store.put('card', {
    id: paymentMethod.id,
    behaviour: card.behaviour,
    fail_next: null,
    authenticated: false,
  });
  return paymentMethod;
}

/**
 * The payment method with this id; a `pm_card_…` token becomes a new card each time, as at Stripe.
 * @throws StripeApiError when neither exists.
 */
export function paymentMethodOf(
  account: Account,
  id: string,
  param = 'payment_method',
): Stripe.PaymentMethod {
  const card = id.startsWith('pm_card_') ? cardOfToken(id) : undefined;
  if (!card) return account.get('payment_method', id, param);
  const year = account.clock.now().getUTCFullYear() + 1;
  return addCard(account, card, { exp_month: 12, exp_year: year, billing: {} });
}

/** The payment method, attached to this customer if it was not yet. */
export function ownPaymentMethod(
  account: Account,
  id: string,
  customer: string,
  param: string,
): Stripe.PaymentMethod {
  const paymentMethod = paymentMethodOf(account, id, param);
  if (paymentMethod.customer === customer) return paymentMethod;
  if (!id.startsWith('pm_card_') && paymentMethod.customer === null && param !== 'payment_method') {
    throw invalidRequest(
      'The customer does not have a payment method with the ID ' +
        `${id}. The payment method must be attached to the customer.`,
      param,
      'resource_missing',
    );
  }
  return attach(account, paymentMethod, customer);
}

/** Attaches a card to a customer. @throws StripeApiError 402 for cards that are refused at once. */
export function attach(
  account: Account,
  paymentMethod: Stripe.PaymentMethod,
  customer: string,
): Stripe.PaymentMethod {
  if (paymentMethod.customer === customer) return paymentMethod;
  if (paymentMethod.customer !== null) {
    throw invalidRequest(
      'The payment method you provided has already been attached to a customer.',
      'payment_method',
      'payment_method_unexpected_state',
    );
  }
  const behaviour = account.store.find('card', paymentMethod.id)?.behaviour;
  if (behaviour?.outcome === 'declines' && behaviour.at === 'any') {
    throw cardError(behaviour.code, behaviour.message, { decline_code: behaviour.decline_code ?? undefined });
  }
  const attached = account.change('payment_method', paymentMethod, { customer });
  account.emit('payment_method.attached', attached);
  return attached;
}

export function createPaymentMethod({ account, params }: Call<Stripe.PaymentMethodCreateParams>): object {
  only(params, 'allow_redisplay', 'billing_details', 'card', 'metadata', 'type');
  if (!params.type) throw parameterMissing('type');
  if (params.type !== 'card') {
    throw invalidRequest(`The sandbox knows payment methods of type card, not ${params.type}.`, 'type');
  }
  if (!params.card) throw parameterMissing('card');
  const { card, expiry } = cardGiven(account, params.card);
  const billing = params.billing_details;
  const made = addCard(account, card, {
    ...expiry,
    billing: {
      name: billing?.name,
      email: orNull(billing?.email),
      phone: orNull(billing?.phone),
      address: fullAddress(billing?.address ?? {}),
    },
  });
  return account.change('payment_method', made, {
    allow_redisplay: params.allow_redisplay ?? 'unspecified',
    metadata: mergeMetadata(null, params.metadata),
  });
}

function cardGiven(account: Account, given: Stripe.PaymentMethodCreateParams.Card) {
  const year = account.clock.now().getUTCFullYear();
  const expiry = { exp_month: given.exp_month ?? 12, exp_year: given.exp_year ?? year + 1 };
  if (given.token) {
    const card = cardOfToken(given.token);
    if (!card) throw invalidRequest(`No such token: '${given.token}'`, 'card[token]', 'resource_missing');
    return { card, expiry };
  }
  const number = (given.number ?? '').replace(/[\s-]/g, '');
  if (number === '') throw parameterMissing('card[number]');
  if (!isCardNumber(number)) {
    throw cardError('incorrect_number', 'Your card number is incorrect.', { param: 'number' });
  }
  if (given.exp_month === undefined) throw parameterMissing('card[exp_month]');
  if (given.exp_year === undefined) throw parameterMissing('card[exp_year]');
  if (expiry.exp_month < 1 || expiry.exp_month > 12) {
    throw cardError('invalid_expiry_month', "Your card's expiration month is invalid.", {
      param: 'exp_month',
    });
  }
  const month = account.clock.now().getUTCMonth() + 1;
  if (expiry.exp_year < year || (expiry.exp_year === year && expiry.exp_month < month)) {
    throw cardError('invalid_expiry_year', "Your card's expiration year is invalid.", { param: 'exp_year' });
  }
  return { card: cardOfNumber(number), expiry };
}

export function retrievePaymentMethod({ account, id }: Call<Stripe.PaymentMethodRetrieveParams>): object {
  return account.get('payment_method', id);
}

export function updatePaymentMethod({ account, params, id }: Call<Stripe.PaymentMethodUpdateParams>): object {
  only(params, 'allow_redisplay', 'billing_details', 'card', 'metadata');
  const current = account.get('payment_method', id);
  if (current.customer === null) {
    throw invalidRequest('You must attach this payment method to a customer before updating it.');
  }
  const billing = params.billing_details;
  return account.change(
    'payment_method',
    current,
    {
      allow_redisplay: params.allow_redisplay ?? current.allow_redisplay,
      billing_details: {
        ...current.billing_details,
        address:
          billing?.address === undefined
            ? current.billing_details.address
            : fullAddress(billing.address || {}),
        email: updated(billing?.email, current.billing_details.email),
        name: updated(billing?.name, current.billing_details.name),
        phone: updated(billing?.phone, current.billing_details.phone),
      },
      ...(current.card
        ? {
            card: {
              ...current.card,
              exp_month: params.card?.exp_month ?? current.card.exp_month,
              exp_year: params.card?.exp_year ?? current.card.exp_year,
            },
          }
        : {}),
      metadata: mergeMetadata(current.metadata, params.metadata),
    },
    'payment_method.updated',
  );
}

export function attachPaymentMethod({ account, params, id }: Call<Stripe.PaymentMethodAttachParams>): object {
  only(params, 'customer');
  if (!params.customer) throw parameterMissing('customer');
  const customer = account.get('customer', params.customer, 'customer');
  return attach(account, paymentMethodOf(account, id, 'id'), customer.id);
}

/** Detaching also clears the places where the card was the default. */
export function detachPaymentMethod({ account, id }: Call<Stripe.PaymentMethodDetachParams>): object {
  const paymentMethod = account.get('payment_method', id);
  const owner = paymentMethod.customer as string | null;
  if (owner === null) {
    throw invalidRequest(
      'The payment method you provided is not attached to a customer so detachment is impossible.',
      'payment_method',
      'payment_method_unexpected_state',
    );
  }
  const detached = account.change('payment_method', paymentMethod, { customer: null });
  account.emit('payment_method.detached', detached, { customer: owner });
  const customer = account.get('customer', owner, 'customer');
  if (customer.invoice_settings.default_payment_method === id) {
    const settings = { ...customer.invoice_settings, default_payment_method: null };
    account.change('customer', customer, { invoice_settings: settings }, 'customer.updated');
  }
  for (const row of account.newest('subscription', (each) => each.default_payment_method === id)) {
    account.change('subscription', row, { default_payment_method: null }, 'customer.subscription.updated');
  }
  return detached;
}

export function listPaymentMethods({ account, params }: Call<Stripe.PaymentMethodListParams>): object {
  only(params, 'customer', 'ending_before', 'limit', 'starting_after', 'type');
  return attachedTo(account, params.customer, params.type, params, '/v1/payment_methods');
}

export function listCustomerPaymentMethods({
  account,
  params,
  id,
}: Call<Stripe.CustomerListPaymentMethodsParams>): object {
  only(params, 'ending_before', 'limit', 'starting_after', 'type');
  account.get('customer', id);
  return attachedTo(account, id, params.type, params, `/v1/customers/${id}/payment_methods`);
}

function attachedTo(
  account: Account,
  customer: string | undefined,
  type: string | undefined,
  page: PageParams,
  url: string,
): object {
  const rows = account.newest(
    'payment_method',
    (row) =>
      (customer === undefined ? row.customer !== null : row.customer === customer) &&
      (type === undefined || row.type === type),
  );
  return listPage(rows, page, url);
}
