import type Stripe from 'stripe';
import type { Account } from '../account';
import { only, updated, type Call } from '../call';
import { parameterMissing, resourceMissing } from '../errors';
import { listPage } from '../pagination';
import { newId, randomText } from '../random';
import { mergeMetadata } from './metadata';

type Configuration = Stripe.BillingPortal.Configuration;
type WantedFeatures = Stripe.BillingPortal.ConfigurationCreateParams.Features;

/** What customers may do in the portal; what is not named they may not. */
export function createPortalConfiguration({
  account,
  params,
}: Call<Stripe.BillingPortal.ConfigurationCreateParams>): object {
  only(params, 'business_profile', 'default_return_url', 'features', 'metadata', 'name');
  return makeConfiguration(account, params, false);
}

export function retrievePortalConfiguration({
  account,
  id,
}: Call<Stripe.BillingPortal.ConfigurationRetrieveParams>): object {
  return account.get('billing_portal.configuration', id);
}

export function updatePortalConfiguration({
  account,
  params,
  id,
}: Call<Stripe.BillingPortal.ConfigurationUpdateParams>): object {
  only(params, 'active', 'business_profile', 'default_return_url', 'features', 'metadata', 'name');
  const known = account.get('billing_portal.configuration', id);
  return account.change(
    'billing_portal.configuration',
    known,
    {
      active: params.active ?? known.active,
      business_profile: profileOf(params.business_profile, known.business_profile),
      default_return_url: updated(params.default_return_url, known.default_return_url),
      features: featuresOf((params.features ?? {}) as WantedFeatures, known.features),
      metadata: mergeMetadata(known.metadata, params.metadata),
      name: updated(params.name, known.name),
      updated: account.now(),
    },
    'billing_portal.configuration.updated',
  );
}

export function listPortalConfigurations({
  account,
  params,
}: Call<Stripe.BillingPortal.ConfigurationListParams>): object {
  only(params, 'active', 'ending_before', 'is_default', 'limit', 'starting_after');
  const rows = account.newest(
    'billing_portal.configuration',
    (row) =>
      (params.active === undefined || row.active === params.active) &&
      (params.is_default === undefined || row.is_default === params.is_default),
  );
  return listPage(rows, params, '/v1/billing_portal/configurations');
}

/** A link into the portal for one customer. */
export function createPortalSession({
  account,
  params,
}: Call<Stripe.BillingPortal.SessionCreateParams>): object {
  only(params, 'configuration', 'customer', 'locale', 'return_url');
  if (!params.customer) throw parameterMissing('customer');
  account.get('customer', params.customer, 'customer');
  const configuration = configurationFor(account, params.configuration);
  const id = `bps_1${randomText(23)}`;
  const session: Stripe.BillingPortal.Session = {
    id,
    object: 'billing_portal.session',
    configuration: configuration.id,
    created: account.now(),
    customer: params.customer,
    customer_account: null,
    flow: null,
    livemode: false,
    locale: params.locale ?? null,
    on_behalf_of: null,
    return_url: params.return_url ?? configuration.default_return_url,
    url: `${account.publicUrl()}/p/session/${id}`,
  };
  return account.add('billing_portal.session', session, 'billing_portal.session.created');
}

/** The one that is named, else the account's default, which is made when it is first needed. */
function configurationFor(account: Account, id: string | undefined): Configuration {
  if (id) {
    const named = account.get('billing_portal.configuration', id, 'configuration');
    if (!named.active) throw resourceMissing('configuration', id, 'configuration');
    return named;
  }
  const [known] = account.newest('billing_portal.configuration', (row) => row.is_default);
  const features: WantedFeatures = {
    customer_update: { enabled: true, allowed_updates: ['email', 'address'] },
    invoice_history: { enabled: true },
    payment_method_update: { enabled: true },
    subscription_cancel: { enabled: true },
  };
  return known ?? makeConfiguration(account, { features }, true);
}

function makeConfiguration(
  account: Account,
  params: Stripe.BillingPortal.ConfigurationCreateParams,
  isDefault: boolean,
): Configuration {
  const now = account.now();
  const configuration: Configuration = {
    id: newId('bpc'),
    object: 'billing_portal.configuration',
    active: true,
    application: null,
    business_profile: profileOf(params.business_profile, {
      headline: null,
      privacy_policy_url: null,
      terms_of_service_url: null,
    }),
    created: now,
    default_return_url: params.default_return_url || null,
    features: featuresOf(params.features, NOTHING),
    is_default: isDefault,
    livemode: false,
    login_page: { enabled: false, url: null },
    metadata: mergeMetadata(null, params.metadata),
    name: params.name || null,
    updated: now,
  };
  return account.add(
    'billing_portal.configuration',
    configuration,
    'billing_portal.configuration.created',
  ) as Configuration;
}

function profileOf(
  wanted: Stripe.BillingPortal.ConfigurationUpdateParams['business_profile'],
  known: Configuration['business_profile'],
): Configuration['business_profile'] {
  return {
    headline: updated(wanted?.headline, known.headline),
    privacy_policy_url: updated(wanted?.privacy_policy_url, known.privacy_policy_url),
    terms_of_service_url: updated(wanted?.terms_of_service_url, known.terms_of_service_url),
  };
}

const NOTHING: Configuration['features'] = {
  customer_update: { allowed_updates: [], enabled: false },
  invoice_history: { enabled: false },
  payment_method_update: { enabled: false, payment_method_configuration: null },
  subscription_cancel: {
    cancellation_reason: { enabled: false, feedback_options: null, options: [] },
    enabled: false,
    mode: 'at_period_end',
    proration_behavior: 'none',
  },
  subscription_pause: { duration: { interval_options: [], type: 'indefinite' }, enabled: false },
  subscription_update: {
    billing_cycle_anchor: 'unchanged',
    default_allowed_updates: [],
    enabled: false,
    proration_behavior: 'none',
    schedule_at_period_end: { conditions: [] },
    trial_update_behavior: 'end_trial',
  },
};

/** The portal's page shows subscriptions, cancelling and invoices; the other features are kept and not acted on. */
function featuresOf(wanted: WantedFeatures, known: Configuration['features']): Configuration['features'] {
  const { customer_update: customer, subscription_cancel: cancel, subscription_update: update } = wanted;
  return {
    customer_update: {
      allowed_updates: customer?.allowed_updates || known.customer_update.allowed_updates,
      enabled: customer?.enabled ?? known.customer_update.enabled,
    },
    invoice_history: wanted.invoice_history ?? known.invoice_history,
    payment_method_update: {
      enabled: wanted.payment_method_update?.enabled ?? known.payment_method_update.enabled,
      payment_method_configuration: null,
    },
    subscription_cancel: {
      cancellation_reason: cancel?.cancellation_reason
        ? {
            enabled: cancel.cancellation_reason.enabled,
            feedback_options: null,
            options: cancel.cancellation_reason.options || [],
          }
        : known.subscription_cancel.cancellation_reason,
      enabled: cancel?.enabled ?? known.subscription_cancel.enabled,
      mode: cancel?.mode ?? known.subscription_cancel.mode,
      proration_behavior: cancel?.proration_behavior ?? known.subscription_cancel.proration_behavior,
    },
    subscription_pause: {
      ...known.subscription_pause,
      enabled: wanted.subscription_pause?.enabled ?? known.subscription_pause.enabled,
    },
    subscription_update: {
      ...known.subscription_update,
      default_allowed_updates:
        update?.default_allowed_updates || known.subscription_update.default_allowed_updates,
      enabled: update?.enabled ?? known.subscription_update.enabled,
      proration_behavior: update?.proration_behavior ?? known.subscription_update.proration_behavior,
    },
  };
}
