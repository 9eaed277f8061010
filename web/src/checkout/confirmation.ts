import type { CheckoutState } from '../api/checkout';
import { standingOf, type Subscription } from '../api/subscription';

/** After this long we stop asking: a webhook that late is a matter for people. */
export const GIVE_UP_AFTER_MS = 60_000;

/** A session reads "open" until the payment provider's news arrive; only after this long do we believe it. */
export const BELIEVE_OPEN_AFTER_MS = 8_000;

/** What the service said last; null when it has not answered yet, or (checkout) when nothing was to be paid. */
export interface News {
  checkout: CheckoutState | null;
  subscription: Subscription;
}

/** What the return page says. */
export type Confirmation =
  | { kind: 'confirming' }
  | { kind: 'active'; subscription: Subscription }
  | { kind: 'open'; url: string | null }
  | { kind: 'expired' }
  | { kind: 'gave_up' };

/**
 * Decides what is true after a purchase. A subscription counts only together with its completed checkout: a
 * tenant in the service's own trial reads TRIALING before it has paid anything.
 * @param elapsedMs since the page began to ask
 */
export function confirmationOf(news: News | null, free: boolean, elapsedMs: number): Confirmation {
  if (news) {
    const standing = standingOf(news.subscription);
    const paid = news.checkout?.status === 'complete' && standing === 'subscribed';
    const gotFree = free && (standing === 'free' || standing === 'subscribed');
    if (paid || gotFree) return { kind: 'active', subscription: news.subscription };
    if (news.checkout?.status === 'expired') return { kind: 'expired' };
    if (news.checkout?.status === 'open' && elapsedMs >= BELIEVE_OPEN_AFTER_MS) {
      return { kind: 'open', url: news.checkout.url };
    }
  }
  return elapsedMs >= GIVE_UP_AFTER_MS ? { kind: 'gave_up' } : { kind: 'confirming' };
}

/** True while another look at the service can still change what the page says. */
export function shouldAskAgain(confirmation: Confirmation, elapsedMs: number): boolean {
  const waiting = confirmation.kind === 'confirming' || confirmation.kind === 'open';
  return waiting && elapsedMs < GIVE_UP_AFTER_MS;
}

/** Words for the waiting reader, changing as the wait grows. */
export function waitingWords(elapsedMs: number): string {
  if (elapsedMs < 4_000) return 'Confirming with the payment provider…';
  if (elapsedMs < 15_000)
    return 'The provider is telling us about your payment. This usually takes a few seconds…';
  if (elapsedMs < 35_000)
    return 'This takes a little longer than usual. Nothing is lost: please keep this page open.';
  return 'Still waiting. You can also close this page: your plan starts by itself once the confirmation is here.';
}
