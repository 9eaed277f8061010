import { ApiProblem } from './api';

/** What a person reads when a request fails: what happened, and what to do now. */
export interface ProblemWords {
  title: string;
  advice: string;
}

/** A discount code that cannot be taken, whatever the reason. */
export const COUPON_WORDS: ProblemWords = {
  title: 'This code cannot be used',
  advice: 'Check its spelling, or leave the field empty.',
};

/** Codes of `contracts/errors.ts` (and the three of `ApiProblem`) that our pages can meet, in a person's words. */
const WORDS: Record<string, ProblemWords> = {
  network_unreachable: {
    title: 'We cannot reach the billing service',
    advice: 'Check your connection, then try again.',
  },
  request_timed_out: {
    title: 'The billing service takes too long',
    advice: 'It may be busy. Try again in a moment.',
  },
  unreadable_answer: {
    title: 'The answer could not be read',
    advice: 'Something between you and the billing service changed it. Try again.',
  },
  unauthenticated: {
    title: 'This key is not valid',
    advice: 'It may have been revoked or have expired. Sign in with a current tenant key.',
  },
  tenant_header_required: {
    title: 'This key belongs to no single tenant',
    advice: 'Use the key of one tenant; administrator and service keys cannot buy a plan.',
  },
  insufficient_scope: {
    title: 'This key may not do that',
    advice: 'Use a tenant key that is allowed to manage billing.',
  },
  tenant_suspended: {
    title: 'This account is suspended',
    advice: 'Please contact support to restore it; then you can choose a plan.',
  },
  tenant_locked: {
    title: 'This account is locked',
    advice: 'Please contact support to unlock it; then you can choose a plan.',
  },
  subscription_exists: {
    title: 'You already have a subscription',
    advice: 'Nothing was charged, and your current plan stays as it is.',
  },
  coupon_invalid: COUPON_WORDS,
  payment_required: {
    title: 'A payment is needed first',
    advice: 'Settle the open invoice, then choose a plan again.',
  },
  payment_action_required: {
    title: 'Your bank asks for a confirmation',
    advice: 'Confirm the payment, then come back here.',
  },
  plan_not_found: {
    title: 'This plan is no longer offered',
    advice: 'The list has been refreshed. Please choose again.',
  },
  plan_not_purchasable: {
    title: 'This plan cannot be bought here',
    advice: 'Please ask for an offer.',
  },
  redirect_not_allowed: {
    title: 'This page may not start a purchase',
    advice: 'It was opened under an address the service does not know. Use the official address.',
  },
  rate_limited: {
    title: 'Too many requests',
    advice: 'Wait a moment, then try again.',
  },
  idempotency_in_progress: {
    title: 'Your first click is still being worked on',
    advice: 'Wait a moment, then try again: you will not pay twice.',
  },
  stripe_unavailable: {
    title: 'The payment provider does not answer',
    advice: 'Nothing was charged. Try again in a minute.',
  },
  dependency_unavailable: {
    title: 'The billing service is not ready',
    advice: 'A part of it is being restarted. Try again in a minute.',
  },
  overloaded: {
    title: 'The billing service is very busy',
    advice: 'Try again in a minute.',
  },
};

const UNKNOWN: ProblemWords = {
  title: 'Something went wrong',
  advice: 'Try again. If it stays, tell support what you did.',
};

/** Words for any thrown value, chosen by the problem's `code`. */
export function problemWords(error: unknown): ProblemWords {
  if (!(error instanceof ApiProblem)) return UNKNOWN;
  // A code newer than this page: the service's own advice is better than none.
  const words = WORDS[error.code] ?? { ...UNKNOWN, advice: error.detail ?? UNKNOWN.advice };
  return error.code === 'rate_limited' && error.retryAfterSeconds !== null
    ? { ...words, advice: `Try again in ${Math.ceil(error.retryAfterSeconds)} s.` }
    : words;
}

/** The number support can look up, or null when the service never answered. */
export function requestNumber(error: unknown): string | null {
  return error instanceof ApiProblem ? error.requestId : null;
}
