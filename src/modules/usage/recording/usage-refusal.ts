import { Inject, Injectable } from '@nestjs/common';
import { BillingError, ErrorCode } from '../../../contracts/errors';
import type { TenantId } from '../../../contracts/ids';
import { addDecimals, formatDecimal, parseDecimal } from '../../../domain/decimal';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { LimitExceededException } from './limit-exceeded';
import { UpgradeSuggestions } from './upgrade-suggestions';
import { UsageProblem, UsageResult } from './usage-result';

/** What each problem is answered with, and what about it the caller can mend. */
export const PROBLEMS: Record<UsageProblem, { code: ErrorCode; detail: string; field?: string }> = {
  unknown_meter: { code: 'unknown_meter', detail: 'No meter has this key.', field: 'metric' },
  read_only_metric: {
    code: 'unprocessable',
    detail: 'This metric is a cap: nothing is counted for it.',
    field: 'metric',
  },
  not_a_gauge: {
    code: 'unprocessable',
    detail: 'Only gauges, which go up and down, can be decremented.',
    field: 'metric',
  },
  subject_required: {
    code: 'validation_failed',
    detail: 'This meter counts different subjects: name one.',
    field: 'subject',
  },
  too_many_decimals: {
    code: 'validation_failed',
    detail: 'The quantity has more decimals than the meter counts.',
    field: 'quantity',
  },
  timestamp_in_future: {
    code: 'validation_failed',
    detail: 'The timestamp is more than 5 minutes ahead.',
    field: 'timestamp',
  },
  timestamp_too_old: {
    code: 'late_usage',
    detail: 'The event is more than 35 days old.',
    field: 'timestamp',
  },
  late_usage: {
    code: 'late_usage',
    detail: 'The period of this event is closed, and its meter takes no late ones.',
    field: 'timestamp',
  },
  event_id_conflict: { code: 'event_id_conflict', detail: 'This event_id was used for another event.' },
  below_zero: { code: 'state_conflict', detail: 'A gauge cannot go below 0.' },
  limit_exceeded: { code: 'limit_exceeded', detail: 'The limit of the plan is reached.' },
  payment_required: {
    code: 'payment_required',
    detail: 'Nothing was bought: start a checkout, or choose the free plan.',
  },
};

/** What is told of a refusal: where the counter stands, and why. */
export type RefusedUsage = Pick<
  UsageResult,
  'metric' | 'current_usage' | 'reserved' | 'limit' | 'grace_limit' | 'resets_at' | 'problem'
>;

/** Turns a result that did not count into the error that the caller gets. */
@Injectable()
export class UsageRefusals {
  constructor(
    private readonly suggestions: UpgradeSuggestions,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The error for one event; the same from every door. */
  async errorFor(
    tenantId: TenantId,
    result: RefusedUsage,
    requested: number | string,
    pointer = '',
    quantityField = 'quantity',
  ): Promise<BillingError> {
    const problem = result.problem!;
    if (problem !== 'limit_exceeded') return plainError(problem, pointer, quantityField);
    const { metric } = result;
    const [used, reserved] = [result.current_usage ?? 0, result.reserved ?? 0];
    return new LimitExceededException({
      metric,
      current_usage: used,
      reserved,
      limit: result.limit ?? 0,
      grace_limit: result.grace_limit ?? 0,
      requested,
      resets_at: result.resets_at,
      upgrade_suggestions: await this.suggestions.for(tenantId, metric, sumOf(used, reserved, requested)),
      billing_portal_url: `${this.config.publicUrl}/portal`,
    });
  }
}

function sumOf(...amounts: (number | string)[]): string {
  const sum = amounts.map((amount) => parseDecimal(String(amount), 38)).reduce(addDecimals);
  return formatDecimal(sum);
}

function plainError(problem: UsageProblem, pointer: string, quantityField: string): BillingError {
  const { code, detail, field } = PROBLEMS[problem];
  const name = field === 'quantity' ? quantityField : field;
  const errors = name ? [{ pointer: `${pointer}/${name}`, code: problem, message: detail }] : undefined;
  return new BillingError(code, { detail, errors });
}
