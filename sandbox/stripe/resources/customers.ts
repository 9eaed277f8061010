import type Stripe from 'stripe';
import type { Account } from '../account';
import { fullAddress, only, orNull, updated, type Call } from '../call';
import { invalidRequest } from '../errors';
import { inRange, listPage } from '../pagination';
import { newId, randomText } from '../random';
import { mergeMetadata } from './metadata';
import { ownPaymentMethod } from './payment-methods';
import { endSubscription } from './subscription-end';

const DEFAULT_METHOD = 'invoice_settings[default_payment_method]';

/** A customer as Stripe answers it right after creation. */
export function makeCustomer(account: Account, params: Stripe.CustomerCreateParams): Stripe.Customer {
  return {
    id: newId('cus'),
    object: 'customer',
    address: fullAddress(params.address),
    balance: params.balance ?? 0,
    ...(params.business_name ? { business_name: params.business_name } : {}),
    ...(params.individual_name ? { individual_name: params.individual_name } : {}),
    created: account.now(),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: orNull(params.description),
    discount: null,
    email: checkedEmail(params.email),
    invoice_prefix: params.invoice_prefix ?? randomText(8).toUpperCase(),
    invoice_settings: {
      custom_fields: orNull(params.invoice_settings?.custom_fields),
      // Set below, once the card is the customer's.
      default_payment_method: null,
      footer: params.invoice_settings?.footer ?? null,
      rendering_options: null,
    },
    livemode: false,
    metadata: mergeMetadata(null, params.metadata),
    name: orNull(params.name),
    next_invoice_sequence: params.next_invoice_sequence ?? 1,
    phone: orNull(params.phone),
    preferred_locales: params.preferred_locales ?? [],
    shipping: shippingOf(params.shipping),
    tax_exempt: orNull(params.tax_exempt) ?? 'none',
    test_clock: params.test_clock
      ? account.get('test_helpers.test_clock', params.test_clock, 'test_clock').id
      : null,
  };
}

function checkedEmail(email: string | null | undefined): string | null {
  if (email === undefined || email === null || email === '') return null;
  if (!/^[^\s@]+@[^\s@]+$/.test(email) || email.length > 512) {
    throw invalidRequest(`Invalid email address: ${email}`, 'email', 'email_invalid');
  }
  return email;
}

function shippingOf(
  shipping: Stripe.Emptyable<Stripe.CustomerCreateParams.Shipping> | undefined,
): Stripe.Customer.Shipping | null {
  if (!shipping) return null;
  const address = fullAddress(shipping.address);
  return {
    ...(address ? { address } : {}),
    carrier: null,
    name: shipping.name,
    phone: shipping.phone ?? null,
    tracking_number: null,
  };
}

export function createCustomer({ account, params }: Call<Stripe.CustomerCreateParams>): object {
  only(
    params,
    'address',
    'balance',
    'business_name',
    'description',
    'email',
    'individual_name',
    'invoice_prefix',
    'invoice_settings',
    'metadata',
    'name',
    'next_invoice_sequence',
    'payment_method',
    'phone',
    'preferred_locales',
    'shipping',
    'tax_exempt',
    'test_clock',
  );
  const customer = makeCustomer(account, params);
  account.add('customer', customer, 'customer.created');
  const card = params.payment_method
    ? ownPaymentMethod(account, params.payment_method, customer.id, 'payment_method')
    : null;
  const wanted = orNull(params.invoice_settings?.default_payment_method);
  if (!wanted) return account.get('customer', customer.id);
  // A test token such as pm_card_visa names the card that it has just become.
  const isThisCard = card !== null && (wanted === params.payment_method || wanted === card.id);
  const chosen = isThisCard ? card : ownPaymentMethod(account, wanted, customer.id, DEFAULT_METHOD);
  const current = account.get('customer', customer.id) as Stripe.Customer;
  return account.change('customer', current, {
    invoice_settings: { ...current.invoice_settings, default_payment_method: chosen.id },
  });
}

export function retrieveCustomer({ account, id }: Call<Stripe.CustomerRetrieveParams>): object {
  // A deleted customer is answered as such, not as missing.
  return account.store.find('customer', id) ?? account.get('customer', id);
}

export function updateCustomer({ account, params, id }: Call<Stripe.CustomerUpdateParams>): object {
  only(
    params,
    'address',
    'balance',
    'description',
    'email',
    'invoice_prefix',
    'invoice_settings',
    'metadata',
    'name',
    'next_invoice_sequence',
    'phone',
    'preferred_locales',
    'shipping',
    'tax_exempt',
  );
  const customer = account.get('customer', id);
  const settings = params.invoice_settings;
  let defaultPaymentMethod = customer.invoice_settings.default_payment_method;
  if (settings?.default_payment_method !== undefined) {
    const wanted = orNull(settings.default_payment_method);
    const param = 'invoice_settings[default_payment_method]';
    defaultPaymentMethod = wanted ? ownPaymentMethod(account, wanted, id, param).id : null;
  }
  return account.change(
    'customer',
    customer,
    {
      address: params.address === undefined ? customer.address : fullAddress(params.address),
      balance: params.balance ?? customer.balance,
      description: updated(params.description, customer.description),
      email: params.email === undefined ? customer.email : checkedEmail(params.email),
      invoice_prefix: params.invoice_prefix ?? customer.invoice_prefix,
      invoice_settings: {
        ...customer.invoice_settings,
        custom_fields: updated(settings?.custom_fields, customer.invoice_settings.custom_fields),
        default_payment_method: defaultPaymentMethod,
        footer: updated(settings?.footer, customer.invoice_settings.footer),
      },
      metadata: mergeMetadata(customer.metadata, params.metadata),
      name: updated(params.name, customer.name ?? null),
      next_invoice_sequence: params.next_invoice_sequence ?? customer.next_invoice_sequence,
      phone: updated(params.phone, customer.phone ?? null),
      preferred_locales: params.preferred_locales ?? customer.preferred_locales,
      shipping: params.shipping === undefined ? customer.shipping : shippingOf(params.shipping),
      tax_exempt:
        params.tax_exempt === undefined ? customer.tax_exempt : (orNull(params.tax_exempt) ?? 'none'),
    },
    'customer.updated',
  );
}

/** Deletes a customer; its live subscriptions end at once and its cards are nobody's, as at Stripe. */
export function deleteCustomer({ account, id }: Call<Stripe.CustomerDeleteParams>): object {
  const customer = account.get('customer', id);
  for (const subscription of account.newest(
    'subscription',
    (row) => row.customer === id && row.ended_at === null,
  )) {
    endSubscription(account, subscription, 'cancellation_requested');
  }
  for (const card of account.newest('payment_method', (row) => row.customer === id)) {
    account.change('payment_method', card, { customer: null });
  }
  const deleted: Stripe.DeletedCustomer = { id, object: 'customer', deleted: true };
  account.store.put('customer', deleted);
  account.emit('customer.deleted', customer);
  return deleted;
}

export function listCustomers({ account, params }: Call<Stripe.CustomerListParams>): object {
  only(params, 'created', 'email', 'ending_before', 'limit', 'starting_after', 'test_clock');
  const rows = account.newest(
    'customer',
    (customer) =>
      inRange(customer.created, params.created) &&
      (params.test_clock === undefined || customer.test_clock === params.test_clock) &&
      (params.email === undefined || customer.email === params.email),
  );
  return listPage(rows, params, '/v1/customers');
}
