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
  next_invoice: { amount: number; currency: string; due_at: string | null } | null;
  stripe: { status: string | null; as_of: string | null; stale: boolean } | null;
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

/**
 * How the tenant stands, as our pages need to tell it apart. The service's own trial (decisions 25: it has no
 * Stripe subscription) reads TRIALING as well, but is not a purchase: its plan can still be bought.
 */
export type Standing = 'none' | 'own_trial' | 'free' | 'subscribed';

const SUBSCRIBED = new Set(['ACTIVE', 'PAST_DUE', 'PAUSED']);

/** Tells the tenant's standing from its subscription. */
export function standingOf(subscription: Subscription): Standing {
  if (subscription.status === 'FREE') return 'free';
  if (SUBSCRIBED.has(subscription.status)) return 'subscribed';
  if (subscription.status !== 'TRIALING') return 'none';
  return subscription.trial?.active && !subscription.stripe?.status ? 'own_trial' : 'subscribed';
}
