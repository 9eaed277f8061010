import { queryOptions } from '@tanstack/react-query';
import type { Session } from '../session/session';
import { request } from './api';

/** `GET /v1/billings/subscription`, the fields our pages read. */
export interface Subscription {
  tenant_id: string;
  status: string;
  plan: {
    id: string;
    name: string;
    slug: string;
    amount: number;
    currency: string;
    interval: 'month' | 'year';
    interval_count: number;
  } | null;
  quantity: number;
  current_period_start: string | null;
  current_period_end: string | null;
  cancel_at_period_end: boolean;
  trial: {
    active: boolean;
    started_at: string | null;
    ends_at: string | null;
    days_left: number | null;
  } | null;
  payment_status: string;
  grace_until: string | null;
  /** Null while nothing is bought at Stripe. */
  stripe_subscription_id: string | null;
}

/** Reads the tenant's subscription with a given key; also how a key is tried at sign-in. */
export function fetchSubscription(key: string, signal?: AbortSignal): Promise<Subscription> {
  return request<Subscription>('/v1/billings/subscription', { key, signal });
}

/** The signed-in tenant's subscription; never asked without a key. */
export function subscriptionQuery(session: Session) {
  return queryOptions({
    queryKey: ['subscription', session.generation],
    queryFn: ({ signal }) => fetchSubscription(session.key ?? '', signal),
    enabled: session.key !== null,
  });
}

/** How the tenant stands, as our pages need to tell it apart. */
export type Standing = 'none' | 'own_trial' | 'free' | 'subscribed';

const SUBSCRIBED = new Set(['ACTIVE', 'TRIALING', 'PAST_DUE', 'PAUSED']);

/**
 * Tells the tenant's standing from its subscription. `plan` alone is no purchase: a tenant in the service's own
 * trial (decisions 25) or fallen back to the free plan (decisions 24) has a plan and bought nothing.
 */
export function standingOf(subscription: Subscription): Standing {
  const { status, plan, trial, stripe_subscription_id: atStripe } = subscription;
  if (status === 'FREE') return 'free';
  if (SUBSCRIBED.has(status) && !(status === 'TRIALING' && atStripe === null)) return 'subscribed';
  if (status !== 'NONE' && status !== 'TRIALING') return 'none';
  if (trial?.active && plan) return 'own_trial';
  return plan?.amount === 0 ? 'free' : 'none';
}
