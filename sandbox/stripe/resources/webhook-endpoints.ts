import type Stripe from 'stripe';
import { API_VERSION } from '../account';
import { only, updated, type Call } from '../call';
import { invalidRequest } from '../errors';
import { listPage } from '../pagination';
import { newId, randomText } from '../random';
import { mergeMetadata } from './metadata';

/** Creates an endpoint. Its signing secret is answered this once. */
export function createWebhookEndpoint({ account, params }: Call<Stripe.WebhookEndpointCreateParams>): object {
  only(params, 'api_version', 'description', 'enabled_events', 'metadata', 'url');
  if (params.api_version && params.api_version !== API_VERSION) {
    throw invalidRequest(`The sandbox speaks ${API_VERSION} only.`, 'api_version');
  }
  const endpoint: Stripe.WebhookEndpoint = {
    id: newId('we'),
    object: 'webhook_endpoint',
    api_version: params.api_version ?? null,
    application: null,
    created: account.now(),
    description: params.description || null,
    enabled_events: params.enabled_events,
    livemode: false,
    metadata: mergeMetadata(null, params.metadata),
    status: 'enabled',
    url: checkedUrl(params.url),
  };
  account.add('webhook_endpoint', endpoint);
  const secret = `whsec_${randomText(32)}`;
  account.store.put('endpoint_secret', { id: endpoint.id, secret });
  return { ...endpoint, secret };
}

function checkedUrl(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw invalidRequest('Invalid URL: URL must be an absolute http(s) address.', 'url', 'url_invalid');
  }
  return url;
}

export function retrieveWebhookEndpoint({ account, id }: Call<Stripe.WebhookEndpointRetrieveParams>): object {
  return account.get('webhook_endpoint', id);
}

export function updateWebhookEndpoint({
  account,
  params,
  id,
}: Call<Stripe.WebhookEndpointUpdateParams>): object {
  only(params, 'description', 'disabled', 'enabled_events', 'metadata', 'url');
  const endpoint = account.get('webhook_endpoint', id);
  return account.change('webhook_endpoint', endpoint, {
    description: updated(params.description, endpoint.description),
    enabled_events: params.enabled_events ?? endpoint.enabled_events,
    metadata: mergeMetadata(endpoint.metadata, params.metadata),
    status: params.disabled === undefined ? endpoint.status : params.disabled ? 'disabled' : 'enabled',
    url: params.url === undefined ? endpoint.url : checkedUrl(params.url),
  });
}

export function deleteWebhookEndpoint({ account, id }: Call<Stripe.WebhookEndpointDeleteParams>): object {
  account.get('webhook_endpoint', id);
  account.store.remove('webhook_endpoint', id);
  account.store.remove('endpoint_secret', id);
  const deleted: Stripe.DeletedWebhookEndpoint = { id, object: 'webhook_endpoint', deleted: true };
  return deleted;
}

export function listWebhookEndpoints({ account, params }: Call<Stripe.WebhookEndpointListParams>): object {
  only(params, 'ending_before', 'limit', 'starting_after');
  return listPage(account.newest('webhook_endpoint'), params, '/v1/webhook_endpoints');
}
