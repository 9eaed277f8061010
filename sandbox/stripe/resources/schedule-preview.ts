import type Stripe from 'stripe';
import type { Account } from '../account';
import { changeSubscription } from '../billing/change';
import { nextDraft } from '../billing/upcoming';
import { changeOfPhase } from '../engine/schedule-phases';
import { readPhases, type PhaseParams } from './schedule-object';

/**
 * The next invoice under these phases: the current phase applies now, a phase that begins before or at the end of
 * the period applies before the renewal. Inside a rehearsal only.
 */
export function applyPhases(
  account: Account,
  current: Stripe.Subscription,
  given: NonNullable<Stripe.InvoiceCreatePreviewParams.ScheduleDetails['phases']>,
  behavior: string | undefined,
): Stripe.Invoice | null {
  const now = account.now();
  const start = Math.max(...current.items.data.map((item) => item.current_period_start));
  const phases = readPhases(account, given as PhaseParams[], start, current.currency);
  // What is asked for stands in place of the schedule there is.
  let subscription = account.change('subscription', current, { schedule: null });
  for (const phase of phases) {
    const end = Math.min(...subscription.items.data.map((item) => item.current_period_end));
    if (phase.end_date <= now || phase.start_date > end) continue;
    const at = Math.max(now, phase.start_date);
    const how = phase.start_date <= now ? (behavior ?? 'create_prorations') : phase.proration_behavior;
    const { changes, draft } = account.clock.at(at, () =>
      changeSubscription(account, subscription, changeOfPhase(account, subscription, phase, how)),
    );
    if (draft) return draft;
    subscription = account.change('subscription', subscription, changes);
  }
  return nextDraft(account, subscription);
}
