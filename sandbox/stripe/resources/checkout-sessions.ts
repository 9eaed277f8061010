import type Stripe from 'stripe';
import { expireSession, presentSession } from '../checkout/expiry';
import type { Account } from '../account';
import { checkoutLines } from '../checkout/line-items';
import { makeSession } from '../checkout/session-object';
import { totalsOf } from '../checkout/totals';
import { only, type Call } from '../call';
import { grantOf, type Grant } from '../discounts';
import { invalidRequest, parameterMissing } from '../errors';
import { inRange, listPage } from '../pagination';
import { mergeMetadata } from './metadata';
import { trialEndOf } from './trials';

type Params = Stripe.Checkout.SessionCreateParams;

const MIN_LIFE = 30 * 60;
const MAX_LIFE = 24 * 3600;
/** Callers compute `expires_at` on their own clock and lose a moment on the way. */
const CLOCK_TOLERANCE = 10;
const MIN_TRIAL = 2 * 86_400;

/** Opens a session with a hosted page. In subscription mode nothing else exists until it is paid. */
export function createSession({ account, params }: Call<Params>): object {
  only(
    params,
    'allow_promotion_codes',
    'allowed_payment_method_types',
    'automatic_tax',
    'billing_address_collection',
    'cancel_url',
    'client_reference_id',
    'currency',
    'custom_text',
    'customer',
    'customer_creation',
    'customer_email',
    'customer_update',
    'discounts',
    'expires_at',
    'integration_identifier',
    'line_items',
    'locale',
    'metadata',
    'mode',
    'origin_context',
    'payment_intent_data',
    'payment_method_collection',
    'setup_intent_data',
    'submit_type',
    'subscription_data',
    'success_url',
    'tax_id_collection',
    'ui_mode',
  );
  const mode = checkedMode(params);
  checkPage(params);
  const customer = params.customer ? account.get('customer', params.customer, 'customer') : null;
  const lines = mode === 'setup' ? null : checkoutLines(account, params.line_items ?? [], mode);
  const currency = lines?.[0]?.currency ?? null;
  if (customer?.currency && currency && mode === 'subscription' && customer.currency !== currency) {
    throw invalidRequest(
      `You cannot combine currencies on a single customer. This customer has had a subscription, coupon, or invoice item with currency ${customer.currency}`,
      'customer',
    );
  }
  const trial = hasTrial(account, params);
  const subtotal = lines ? totalsOf(lines, [], trial).subtotal : 0;
  const grants = grantsOf(account, params, {
    customer: customer?.id ?? null,
    currency: currency ?? '',
    subtotal,
  });
  const totals = lines ? totalsOf(lines, grants, trial) : null;
  const session = makeSession(account, params, {
    mode,
    totals,
    customer,
    discounts: grants.map(({ coupon, promotionCode }) => ({
      coupon: promotionCode ? null : coupon.id,
      promotion_code: promotionCode?.id ?? null,
    })),
    expiresAt: expiryOf(account, params),
  });
  account.add('checkout.session', session);
  account.store.put('checkout_plan', {
    id: session.id,
    line_items: totals?.items ?? [],
    subscription_data: params.subscription_data ?? null,
    payment_intent_data: params.payment_intent_data ?? null,
    update_customer_name: params.customer_update?.name === 'auto',
    payment_intent: null,
    pending_card: null,
  });
  return session;
}

function checkedMode(params: Params): Stripe.Checkout.Session.Mode {
  const mode = params.mode;
  if (!mode) throw parameterMissing('mode');
  const only = (name: keyof Params, wanted: string) => {
    if (params[name] !== undefined && mode !== wanted) {
      throw invalidRequest(`You can not pass \`${name}\` in \`${mode}\` mode.`, name);
    }
  };
  only('subscription_data', 'subscription');
  only('payment_method_collection', 'subscription');
  only('payment_intent_data', 'payment');
  only('setup_intent_data', 'setup');
  if (mode !== 'setup' && !params.line_items) throw parameterMissing('line_items');
  if (mode === 'setup' && params.line_items)
    throw invalidRequest('`line_items` can not be used in `setup` mode.', 'line_items');
  if (mode === 'setup' && !params.currency) throw parameterMissing('currency');
  return mode;
}

function checkPage(params: Params): void {
  if (params.ui_mode && params.ui_mode !== 'hosted_page') {
    throw invalidRequest(
      'The Stripe sandbox offers `ui_mode: hosted_page` only.',
      'ui_mode',
      'sandbox_unsupported',
    );
  }
  if (!params.success_url) throw parameterMissing('success_url');
  checkUrl(params.success_url, 'success_url');
  if (params.cancel_url) checkUrl(params.cancel_url, 'cancel_url');
  if (params.customer && params.customer_email) {
    throw invalidRequest(
      'You may only specify one of these parameters: customer, customer_email.',
      'customer_email',
      'parameters_exclusive',
    );
  }
  if (params.customer_email && !/^[^\s@]+@[^\s@]+$/.test(params.customer_email)) {
    throw invalidRequest(
      `Invalid email address: ${params.customer_email}`,
      'customer_email',
      'email_invalid',
    );
  }
  if (params.customer_update && !params.customer) {
    throw invalidRequest('`customer_update` can only be used with `customer`.', 'customer_update');
  }
  if (params.discounts && params.allow_promotion_codes !== undefined) {
    throw invalidRequest(
      'You may only specify one of these parameters: allow_promotion_codes, discounts.',
      'discounts',
      'parameters_exclusive',
    );
  }
  if (params.billing_address_collection === 'required') {
    throw invalidRequest(
      'The sandbox page does not ask for an address yet.',
      'billing_address_collection',
      'sandbox_unsupported',
    );
  }
}

function checkUrl(url: string, param: string): void {
  // `{CHECKOUT_SESSION_ID}` is a placeholder, not a mistake.
  const plain = url.replaceAll('{CHECKOUT_SESSION_ID}', 'cs');
  if (!URL.canParse(plain) || !/^https?:$/.test(new URL(plain).protocol)) {
    throw invalidRequest('Not a valid URL', param, 'url_invalid');
  }
}

function hasTrial(account: Account, params: Params): boolean {
  const data = params.subscription_data;
  if (!data) return false;
  only(data, 'billing_mode', 'description', 'metadata', 'trial_end', 'trial_period_days', 'trial_settings');
  if (data.trial_period_days !== undefined && data.trial_period_days < 1) {
    throw invalidRequest(
      'The minimum number of trial period days is 1.',
      'subscription_data[trial_period_days]',
    );
  }
  const end = trialEndOf(account, data, []);
  if (data.trial_end !== undefined && end !== null && end < account.now() + MIN_TRIAL - CLOCK_TOLERANCE) {
    throw invalidRequest(
      'The `trial_end` date has to be at least 2 days in the future.',
      'subscription_data[trial_end]',
    );
  }
  return end !== null;
}

function grantsOf(
  account: Account,
  params: Params,
  purchase: { customer: string | null; currency: string; subtotal: number },
): Grant[] {
  const given = params.discounts ?? [];
  if (given.length > 1) throw invalidRequest('A session takes at most one discount.', 'discounts');
  return given.map((entry, index) => {
    only(entry, 'coupon', 'promotion_code');
    return grantOf(account, entry, purchase, `discounts[${index}]`);
  });
}

function expiryOf(account: Account, params: Params): number {
  const now = account.now();
  const at = params.expires_at;
  if (at === undefined) return now + MAX_LIFE;
  if (at < now + MIN_LIFE - CLOCK_TOLERANCE) {
    throw invalidRequest(
      'The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.',
      'expires_at',
    );
  }
  if (at > now + MAX_LIFE + CLOCK_TOLERANCE) {
    throw invalidRequest(
      'The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.',
      'expires_at',
    );
  }
  return at;
}

export function retrieveSession({ account, id }: Call<Stripe.Checkout.SessionRetrieveParams>): object {
  return presentSession(account, id);
}

export function updateSession({ account, params, id }: Call<Stripe.Checkout.SessionUpdateParams>): object {
  only(params, 'metadata');
  const session = presentSession(account, id);
  return account.change('checkout.session', session, {
    metadata: mergeMetadata(session.metadata, params.metadata),
  });
}

/** Expires an open session now. */
export function expireSessionNow({ account, id }: Call<Stripe.Checkout.SessionExpireParams>): object {
  const session = presentSession(account, id);
  if (session.status !== 'open') {
    throw invalidRequest(
      `This Session is not in an expireable state. Only Checkout Sessions with a status in ["open"] can be expired, this one is ${session.status}.`,
    );
  }
  return expireSession(account, session);
}

export function listSessions({ account, params }: Call<Stripe.Checkout.SessionListParams>): object {
  only(
    params,
    'created',
    'customer',
    'customer_details',
    'ending_before',
    'limit',
    'payment_intent',
    'starting_after',
    'status',
    'subscription',
  );
  const rows = account.newest(
    'checkout.session',
    (row) =>
      inRange(row.created, params.created) &&
      (params.customer === undefined || row.customer === params.customer) &&
      (params.customer_details === undefined ||
        row.customer_details?.email === params.customer_details.email) &&
      (params.payment_intent === undefined || row.payment_intent === params.payment_intent) &&
      (params.status === undefined || row.status === params.status) &&
      (params.subscription === undefined || row.subscription === params.subscription),
  );
  return listPage(rows, params, '/v1/checkout/sessions');
}

export function listSessionLineItems({
  account,
  params,
  id,
}: Call<Stripe.Checkout.SessionListLineItemsParams>): object {
  account.get('checkout.session', id);
  const items = account.store.find('checkout_plan', id)?.line_items ?? [];
  return listPage(items, params, `/v1/checkout/sessions/${id}/line_items`);
}
