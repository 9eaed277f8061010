import { Decimal, addDecimals, compareDecimals, formatDecimal, parseDecimal } from './decimal';
import type { EntitlementSource } from './entitlements';
import { PlanLimits, limitOf } from './plan-limits';

/** Where a limit's number came from. */
export type LimitSource = 'override' | EntitlementSource;

/** A number that an operator set for one tenant, in place of the plan's. */
export interface LimitOverride {
  readonly limit: number | null;
  /** ISO 8601; null = until it is taken away. */
  readonly expires_at: string | null;
}

/** What the limit of a metric follows from. */
export interface LimitFacts {
  readonly source: EntitlementSource;
  readonly limits: Readonly<PlanLimits>;
  /** Percent past the limit that still passes, by metric; of the plan. */
  readonly limit_grace: Readonly<Record<string, number>>;
  readonly overrides: Readonly<Record<string, LimitOverride>>;
}

/** One metric's limit for one tenant at one moment. */
export interface EffectiveLimit {
  /** null = unlimited. */
  readonly limit: number | null;
  /** The most that may be used, grace included: floor(limit × (1 + percent/100)) (decisions 11). */
  readonly grace_limit: number | null;
  readonly source: LimitSource;
}

/** The limit that holds at `now`: an override that has not expired, else the plan's; 0 when neither names the metric. */
export function effectiveLimit(
  facts: LimitFacts,
  metric: string,
  now: Date,
  defaultGracePercent: number,
): EffectiveLimit {
  const override = Object.hasOwn(facts.overrides, metric) ? facts.overrides[metric] : undefined;
  const holds = override && (override.expires_at === null || Date.parse(override.expires_at) > now.getTime());
  const limit = holds ? override.limit : limitOf(facts.limits, metric);
  const percent = Object.hasOwn(facts.limit_grace, metric) ? facts.limit_grace[metric]! : defaultGracePercent;
  return { limit, grace_limit: graceLimit(limit, percent), source: holds ? 'override' : facts.source };
}

/** When some override of the facts expires next; null when none does. */
export function nextExpiry(overrides: LimitFacts['overrides'], now: Date): Date | null {
  const later = Object.values(overrides)
    .map(({ expires_at }) => (expires_at === null ? NaN : Date.parse(expires_at)))
    .filter((at) => at > now.getTime());
  return later.length === 0 ? null : new Date(Math.min(...later));
}

function graceLimit(limit: number | null, percent: number): number | null {
  if (limit === null) return null;
  if (percent === 0) return limit;
  // Percents have up to two decimals; in whole hundredths the product is exact.
  const most = (BigInt(limit) * BigInt(10_000 + Math.round(percent * 100))) / 10_000n;
  return most > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(most);
}

/** Why more may not be used, or why it may. */
export type LimitReason = 'ok' | 'within_grace' | 'unlimited' | 'limit_exceeded' | 'not_in_plan';

export interface LimitDecision {
  readonly allowed: boolean;
  readonly reason: LimitReason;
  /** What may still be used before the limit, reservations counted; never below 0; null = unlimited. */
  readonly remaining: string | null;
}

/**
 * May `requested` more be used? The rule that reads use; the ledger's function applies the same one under the
 * counter's lock. All numbers are decimal texts, as Postgres and Redis give them.
 */
export function decide(
  { limit, grace_limit }: EffectiveLimit,
  used: string,
  reserved: string,
  requested: string,
): LimitDecision {
  if (limit === null || grace_limit === null) return { allowed: true, reason: 'unlimited', remaining: null };
  if (isShort(used) && isShort(reserved) && isShort(requested)) {
    const taken = Number(used) + Number(reserved);
    const reason = reasonOf(
      limit,
      taken + Number(requested) - limit,
      taken + Number(requested) - grace_limit,
    );
    return answer(reason, String(Math.max(0, limit - taken)));
  }
  const taken = addDecimals(parseDecimal(used, 38), parseDecimal(reserved, 38));
  const after = addDecimals(taken, parseDecimal(requested, 38));
  const reason = reasonOf(
    limit,
    compareDecimals(after, whole(limit)),
    compareDecimals(after, whole(grace_limit)),
  );
  return answer(reason, remainingOf(limit, taken));
}

/** @param pastLimit @param pastGrace above 0 when what would be used is more than the limit, and the grace limit */
function reasonOf(limit: number, pastLimit: number, pastGrace: number): Exclude<LimitReason, 'unlimited'> {
  if (pastLimit <= 0) return 'ok';
  if (pastGrace <= 0) return 'within_grace';
  return limit === 0 ? 'not_in_plan' : 'limit_exceeded';
}

function answer(reason: LimitReason, remaining: string): LimitDecision {
  return { allowed: reason === 'ok' || reason === 'within_grace', reason, remaining };
}

/** A whole number of so few digits that three of them add up exactly as numbers; nearly all are. */
function isShort(text: string): boolean {
  return text.length <= 15 && !text.includes('.');
}

/** Whether more is used than the limit allows now: within the grace, or because the limit was lowered since. */
export function isOverLimit(limit: number | null, used: string): boolean {
  if (limit === null) return false;
  return isShort(used) ? Number(used) > limit : compareDecimals(parseDecimal(used, 38), whole(limit)) > 0;
}

/** limit − taken, never below 0, as a decimal text. */
export function remainingOf(limit: number, taken: Decimal): string {
  const left = addDecimals(whole(limit), { digits: -taken.digits, scale: taken.scale });
  return left.digits < 0n ? '0' : formatDecimal(left);
}

function whole(value: number): Decimal {
  return { digits: BigInt(value), scale: 0 };
}
