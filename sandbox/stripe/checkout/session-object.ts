import type Stripe from 'stripe';
import type { Account } from '../account';
import { newId } from '../random';
import { mergeMetadata } from '../resources/metadata';
import type { CheckoutTotals } from './totals';

type Params = Stripe.Checkout.SessionCreateParams;

/** An open session as Stripe answers it right after creation. */
export function makeSession(
  account: Account,
  params: Params,
  made: {
    mode: Stripe.Checkout.Session.Mode;
    totals: CheckoutTotals | null;
    customer: Stripe.Customer | null;
    discounts: Stripe.Checkout.Session.Discount[];
    expiresAt: number;
  },
): Stripe.Checkout.Session {
  const id = newId('cs');
  const { totals, customer, mode } = made;
  return {
    id,
    object: 'checkout.session',
    adaptive_pricing: { enabled: false },
    after_expiration: null,
    allow_promotion_codes: params.allow_promotion_codes ?? null,
    allowed_payment_method_types: params.allowed_payment_method_types ?? null,
    amount_subtotal: totals?.subtotal ?? null,
    amount_total: totals?.total ?? null,
    automatic_tax: {
      enabled: params.automatic_tax?.enabled ?? false,
      liability: params.automatic_tax?.enabled ? { type: 'self' } : null,
      provider: params.automatic_tax?.enabled ? 'stripe' : null,
      status: params.automatic_tax?.enabled ? 'complete' : null,
    },
    billing_address_collection: params.billing_address_collection ?? null,
    cancel_url: params.cancel_url ?? null,
    client_reference_id: params.client_reference_id ?? null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: account.now(),
    currency: totals?.items[0]?.currency ?? params.currency?.toLowerCase() ?? null,
    currency_conversion: null,
    custom_fields: [],
    custom_text: {
      after_submit: customText(params.custom_text?.after_submit),
      shipping_address: customText(params.custom_text?.shipping_address),
      submit: customText(params.custom_text?.submit),
      terms_of_service_acceptance: customText(params.custom_text?.terms_of_service_acceptance),
    },
    customer: customer?.id ?? null,
    customer_account: null,
    customer_creation: customer
      ? null
      : (params.customer_creation ?? (mode === 'subscription' ? 'always' : 'if_required')),
    customer_details: customerDetails(customer?.email ?? params.customer_email ?? null, null, customer),
    customer_email: params.customer_email ?? null,
    discounts: made.discounts,
    expires_at: made.expiresAt,
    integration_identifier: params.integration_identifier ?? null,
    invoice: null,
    invoice_creation: mode === 'payment' ? noInvoice() : null,
    livemode: false,
    locale: params.locale ?? null,
    managed_payments: { enabled: false },
    metadata: mergeMetadata(null, params.metadata),
    mode,
    origin_context: params.origin_context ?? null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection:
      mode === 'subscription' ? (params.payment_method_collection ?? 'always') : null,
    payment_method_configuration_details: null,
    payment_method_options: { card: { request_three_d_secure: 'automatic' } },
    payment_method_types: ['card'],
    payment_status: mode === 'setup' || totals?.total === 0 ? 'no_payment_required' : 'unpaid',
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: {
      allow_redisplay_filters: ['always'],
      payment_method_remove: 'disabled',
      payment_method_save: null,
    },
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: params.submit_type ?? null,
    subscription: null,
    success_url: params.success_url ?? null,
    ...(params.tax_id_collection
      ? {
          tax_id_collection: {
            enabled: params.tax_id_collection.enabled,
            required: params.tax_id_collection.required ?? 'never',
          },
        }
      : {}),
    total_details: totals ? { amount_discount: totals.discount, amount_shipping: 0, amount_tax: 0 } : null,
    ui_mode: 'hosted_page',
    url: `${account.publicUrl()}/c/pay/${id}`,
    wallet_options: null,
  };
}

function customText<T extends { message: string }>(
  given: T | '' | null | undefined,
): { message: string } | null {
  return given ? { message: given.message } : null;
}

function noInvoice(): Stripe.Checkout.Session.InvoiceCreation {
  return {
    enabled: false,
    invoice_data: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: null,
      metadata: {},
      rendering_options: null,
    },
  };
}

/** Who pays, as far as it is known. */
export function customerDetails(
  email: string | null,
  name: string | null,
  customer: Stripe.Customer | null,
): Stripe.Checkout.Session.CustomerDetails | null {
  if (!email && !name && !customer) return null;
  return {
    address: customer?.address ?? null,
    business_name: null,
    email,
    individual_name: null,
    name: name ?? customer?.name ?? null,
    phone: customer?.phone ?? null,
    tax_exempt: customer?.tax_exempt ?? 'none',
    tax_ids: [],
  };
}
