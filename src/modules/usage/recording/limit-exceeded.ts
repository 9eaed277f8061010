import { BillingError } from '../../../contracts/errors';
import type { UpgradeSuggestion } from './upgrade-suggestions';

/** What a refused caller is told, from every door the same (spec 02, Refusing). */
export interface LimitExceededFacts {
  readonly metric: string;
  readonly current_usage: number | string;
  readonly reserved: number | string;
  readonly limit: number;
  readonly grace_limit: number;
  readonly requested: number | string;
  /** Null for gauges. */
  readonly resets_at: Date | null;
  readonly upgrade_suggestions: readonly UpgradeSuggestion[];
  readonly billing_portal_url: string;
}

/** More than the plan allows: 402. Nothing was counted. */
export class LimitExceededException extends BillingError {
  constructor(readonly facts: LimitExceededFacts) {
    super('limit_exceeded', { extra: { ...facts } });
    this.name = 'LimitExceededException';
  }
}
