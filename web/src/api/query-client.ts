import { QueryClient } from '@tanstack/react-query';
import { ApiProblem } from './api';

const LONGEST_WAIT_MS = 8_000;

/** The pages' shared cache: asks again only when asking again can help. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: mayRetry,
        retryDelay: waitBeforeRetry,
        refetchOnWindowFocus: false,
        staleTime: 60_000,
      },
      // Whether a change may be repeated is the caller's decision: it owns the idempotency key.
      mutations: { retry: false },
    },
  });
}

function mayRetry(failures: number, error: Error): boolean {
  return failures < 2 && !(error instanceof ApiProblem && error.isFinal);
}

function waitBeforeRetry(failures: number, error: Error): number {
  const asked = error instanceof ApiProblem ? error.retryAfterSeconds : null;
  return Math.min(asked === null ? 400 * 2 ** failures : asked * 1000, LONGEST_WAIT_MS);
}
