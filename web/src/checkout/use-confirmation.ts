import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ApiProblem } from '../api/api';
import { fetchCheckout } from '../api/checkout';
import { fetchSubscription, subscriptionQuery } from '../api/subscription';
import type { Session } from '../session/session';
import { useRefusedKey } from '../session/use-session';
import { confirmationOf, shouldAskAgain, type Confirmation, type News } from './confirmation';

/** Quick at first, since most confirmations arrive within a few seconds; then patient. */
const QUICK_MS = 1_000;
const PATIENT_MS = 2_500;
const QUICK_FOR_MS = 12_000;

interface Confirming {
  confirmation: Confirmation;
  /** Milliseconds since asking began. */
  elapsedMs: number;
  /** True when the service knows no such checkout of this tenant. */
  unknown: boolean;
  /** Begins anew after giving up. */
  askAgain: () => void;
}

/**
 * Asks the service until the purchase is in force, refused or late.
 * @param checkoutId the checkout session to confirm, or null for a free plan (nothing was paid)
 */
export function useConfirmation(session: Session, checkoutId: string | null): Confirming {
  const [startedAt, setStartedAt] = useState(() => Date.now());
  const [now, setNow] = useState(startedAt);
  const elapsedMs = Math.max(0, now - startedAt);
  const free = checkoutId === null;

  const news = useQuery({
    queryKey: ['confirmation', session.generation, checkoutId, startedAt],
    queryFn: ({ signal }) => fetchNews(session.key ?? '', checkoutId, signal),
    enabled: session.key !== null,
    retry: false,
    staleTime: 0,
    refetchInterval: ({ state }) => {
      const waited = Date.now() - startedAt;
      const decided = !shouldAskAgain(confirmationOf(state.data ?? null, free, waited), waited);
      if (decided || isFinal(state.error)) return false;
      return waited < QUICK_FOR_MS ? QUICK_MS : PATIENT_MS;
    },
    refetchIntervalInBackground: true,
  });

  const confirmation = confirmationOf(news.data ?? null, free, elapsedMs);
  const ticking = shouldAskAgain(confirmation, elapsedMs) && session.key !== null;
  useEffect(() => {
    if (!ticking) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [ticking]);

  useShareSubscription(session, confirmation);
  useRefusedKey(session, news.error);
  return {
    confirmation,
    elapsedMs,
    unknown: news.error instanceof ApiProblem && news.error.status === 404,
    askAgain: () => {
      const start = Date.now();
      setStartedAt(start);
      setNow(start);
    },
  };
}

async function fetchNews(key: string, checkoutId: string | null, signal: AbortSignal): Promise<News> {
  const [checkout, subscription] = await Promise.all([
    checkoutId === null ? null : fetchCheckout(key, checkoutId, signal),
    fetchSubscription(key, signal),
  ]);
  return { checkout, subscription };
}

/** The header and the price list should know the new plan without asking again. */
function useShareSubscription(session: Session, confirmation: Confirmation): void {
  const queryClient = useQueryClient();
  const active = confirmation.kind === 'active' ? confirmation.subscription : null;
  useEffect(() => {
    if (!active) return;
    queryClient.setQueryData(subscriptionQuery(session).queryKey, active);
    void queryClient.invalidateQueries({ queryKey: ['plans'] });
  }, [active, queryClient, session]);
}

function isFinal(error: Error | null): boolean {
  return error instanceof ApiProblem && error.isFinal;
}
