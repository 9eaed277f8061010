import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useNavigate } from 'react-router';
import { ApiProblem } from '../api/api';
import { openCheckout, type OpenedCheckout } from '../api/checkout';
import type { Plan } from '../api/plans';
import { dropRefusedKey } from '../session/session';
import { useSignIn } from '../session/sign-in';
import { useSession } from '../session/use-session';
import { intentFor, type CheckoutIntent } from './checkout-intent';

interface Wish {
  plan: Plan;
  coupon: string;
  key: string;
}

/** Where a purchase stands, and the way to begin one. */
export interface Checkout {
  choose: (plan: Plan, coupon: string) => void;
  /** The plan whose button is busy, or null. */
  busyPlanId: string | null;
  /** What went wrong last, and for which plan. */
  problem: { planId: string; error: Error } | null;
  /** Forgets the last problem, e.g. when the reader edits the code. */
  forgetProblem: () => void;
}

/**
 * Buys a plan: asks for a key when there is none, opens one checkout per wish however often the button is
 * pressed, and leaves for the payment page (or for the return page, when the plan is free).
 */
export function useCheckout(): Checkout {
  const session = useSession();
  const askForKey = useSignIn();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  // Refs, because two clicks can arrive before React has drawn the first one's busy state.
  const running = useRef(false);
  const unsettled = useRef<CheckoutIntent | null>(null);

  const purchase = useMutation({
    mutationFn: async ({ plan, coupon, key }: Wish) => {
      const intent = intentFor(plan.id, coupon, unsettled.current);
      unsettled.current = intent;
      return openCheckout(key, intent.idempotencyKey, orderOf(plan, coupon));
    },
    onSuccess: async (opened) => {
      unsettled.current = null;
      const address = paymentAddress(opened);
      // Still running: the page is about to be left, and the button stays busy until it is.
      if (address) return window.location.assign(address);
      await queryClient.invalidateQueries({ queryKey: ['subscription'] });
      running.current = false;
      await navigate('/checkout/return?free=1');
    },
    onError: (error, wish) => {
      running.current = false;
      if (!(error instanceof ApiProblem)) return;
      if (error.isFinal) unsettled.current = null;
      if (error.code === 'plan_not_found') void queryClient.invalidateQueries({ queryKey: ['plans'] });
      if (error.status === 401) {
        dropRefusedKey(wish.key);
        askForKey((key) => begin({ ...wish, key }));
      }
    },
  });

  const begin = (wish: Wish): void => {
    if (running.current) return;
    running.current = true;
    purchase.mutate(wish);
  };

  const { reset } = purchase;
  useEffect(() => {
    // Back from the payment page out of the browser's page cache: the old busy state must not survive.
    const revive = (event: PageTransitionEvent): void => {
      if (!event.persisted) return;
      running.current = false;
      reset();
    };
    window.addEventListener('pageshow', revive);
    return () => window.removeEventListener('pageshow', revive);
  }, [reset]);

  const isLeaving = purchase.isSuccess && Boolean(purchase.data.url);
  const wish = purchase.variables;
  return {
    choose: (plan, coupon) => {
      if (session.key !== null) begin({ plan, coupon, key: session.key });
      else askForKey((key) => begin({ plan, coupon, key }));
    },
    busyPlanId: wish && (purchase.isPending || isLeaving) ? wish.plan.id : null,
    problem:
      wish && purchase.isError && !isSignedOut(purchase.error)
        ? { planId: wish.plan.id, error: purchase.error }
        : null,
    forgetProblem: () => {
      if (purchase.isError) reset();
    },
  };
}

function orderOf(plan: Plan, coupon: string) {
  const { origin } = window.location;
  return {
    plan_id: plan.id,
    // Stripe puts the session's id in place of the braces.
    success_url: `${origin}/checkout/return?session_id={CHECKOUT_SESSION_ID}`,
    cancel_url: `${origin}/checkout/canceled`,
    ...(coupon === '' ? {} : { coupon }),
  };
}

/** The address to pay at; null when nothing is to be paid. Anything but http(s) is refused, whoever sent it. */
function paymentAddress({ url }: OpenedCheckout): string | null {
  if (url === null) return null;
  const { protocol, href } = new URL(url, window.location.href);
  if (protocol !== 'https:' && protocol !== 'http:') throw new ApiProblem(200, 'unreadable_answer');
  return href;
}

/** The sign-in dialog speaks for this one. */
function isSignedOut(error: Error): boolean {
  return error instanceof ApiProblem && error.status === 401;
}
