import type Stripe from 'stripe';
import type { Account } from '../account';
import { invalidRequest } from '../errors';

const DAY = 86_400;
const MAX_DAYS = 730;

/**
 * When the trial asked for ends (Unix seconds), or null for none.
 * @throws StripeApiError 400 for contradictions and ends outside the two years Stripe allows.
 */
export function trialEndOf(
  account: Account,
  asked: { trial_end?: 'now' | number; trial_period_days?: number; trial_from_plan?: boolean },
  prices: Stripe.Price[],
): number | null {
  const now = account.now();
  if (asked.trial_end !== undefined && asked.trial_period_days !== undefined) {
    throw invalidRequest(
      'You may only specify one of these parameters: trial_end, trial_period_days.',
      'trial_end',
    );
  }
  if (asked.trial_from_plan && (asked.trial_end !== undefined || asked.trial_period_days !== undefined)) {
    throw invalidRequest('`trial_from_plan` can not be combined with another trial.', 'trial_from_plan');
  }
  if (asked.trial_end === 'now') return null;
  const days = asked.trial_from_plan
    ? Math.max(0, ...prices.map((price) => price.recurring?.trial_period_days ?? 0))
    : asked.trial_period_days;
  if (days !== undefined) {
    if (days < 0 || days > MAX_DAYS)
      throw invalidRequest('A trial lasts at most two years.', 'trial_period_days');
    return days === 0 ? null : now + days * DAY;
  }
  if (asked.trial_end === undefined) return null;
  if (asked.trial_end <= now)
    throw invalidRequest('Invalid timestamp: must be an integer Unix timestamp in the future.', 'trial_end');
  if (asked.trial_end > now + MAX_DAYS * DAY)
    throw invalidRequest('A trial lasts at most two years.', 'trial_end');
  return asked.trial_end;
}

/** What happens at the end of a trial, as asked for; null keeps what is there. */
export function trialSettingsOf(
  asked:
    | {
        end_behavior: {
          billing_cycle_anchor?: Stripe.Subscription.TrialSettings.EndBehavior.BillingCycleAnchor;
          missing_payment_method?: Stripe.Subscription.TrialSettings.EndBehavior.MissingPaymentMethod;
        };
      }
    | undefined,
): Stripe.Subscription.TrialSettings | null {
  if (!asked) return null;
  return {
    end_behavior: {
      billing_cycle_anchor: asked.end_behavior.billing_cycle_anchor ?? null,
      missing_payment_method: asked.end_behavior.missing_payment_method ?? 'create_invoice',
    },
  };
}
