import { Period } from './period';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Stripe refuses trials of more than two years; a longer one is a typing mistake. */
const LONGEST_TRIAL_DAYS = 730;

/** What the tenant's row says about its trial; all null before `tenant.created` was handled. */
export interface TrialFacts {
  readonly startedAt: Date | null;
  readonly endsAt: Date | null;
  /** When a purchase ended the trial early or took over at its end. */
  readonly convertedAt: Date | null;
}

/** The trial as tenants see it. */
export interface TrialState {
  readonly active: boolean;
  /** Days begun count as whole: 1 until the last second, then 0. */
  readonly days_left: number;
  readonly started_at: Date | null;
  readonly ends_at: Date | null;
}

/**
 * A trial of `days` times 24 hours, so that it lasts equally long in every time zone.
 * Throws RangeError unless days is a whole number from 0 to 730.
 */
export function trialWindow(startedAt: Date, days: number): Period {
  if (!Number.isInteger(days) || days < 0 || days > LONGEST_TRIAL_DAYS) {
    throw new RangeError(`a trial lasts 0 to ${LONGEST_TRIAL_DAYS} whole days`);
  }
  return { start: startedAt, end: new Date(startedAt.getTime() + days * DAY_MS) };
}

/**
 * Whether the trial runs at `now`: from its start up to, not including, its end, and not once converted.
 * Time alone ends it; the expiry job only tidies up (decisions 24).
 */
export function trialState({ startedAt, endsAt, convertedAt }: TrialFacts, now: Date): TrialState {
  const active =
    startedAt !== null && endsAt !== null && convertedAt === null && startedAt <= now && now < endsAt;
  const left = active ? Math.ceil((endsAt.getTime() - now.getTime()) / DAY_MS) : 0;
  return { active, days_left: left, started_at: startedAt, ends_at: endsAt };
}

/** A tenant has one trial in its life; a plan's `trial_days` counts only for one that never had (decisions 25). */
export function mayStartTrial(tenant: { readonly trialStartedAt: Date | null }): boolean {
  return tenant.trialStartedAt === null;
}
