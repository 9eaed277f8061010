import { FieldError } from '../contracts/errors';

/**
 * What a plan allows per metric: a whole number, or null for unlimited. A metric that is not named is not
 * part of the plan: its limit is 0 (spec 02: "no entitlement = never allowed"). `limitOf` reads it so.
 */
export type PlanLimits = Record<string, number | null>;

/** Percent past the limit that still passes, by metric: 10 means up to 110 % (decisions 11). */
export type LimitGrace = Readonly<Record<string, number>>;

/** flow: starts at 0 each month. gauge: goes up and down, never reset. cap: read only, nothing is counted. */
export type MetricKind = 'flow' | 'gauge' | 'cap';

/** How usage events become one number. */
export type Aggregation = 'count' | 'sum' | 'max' | 'unique' | 'latest';

/** A metric every installation has; operators add more as meters. */
export interface BuiltInMetric {
  readonly key: string;
  readonly kind: MetricKind;
  readonly aggregation: Aggregation;
  readonly unit: string;
  readonly name: string;
}

/**
 * Kinds are fixed (spec 02). All count by sum, so that one event may carry a quantity; the cap carries
 * `latest`, which can never become a hard limit by mistake (decisions 10).
 */
export const BUILT_IN_METRICS = [
  { key: 'referred_users', kind: 'flow', aggregation: 'sum', unit: 'user', name: 'Referred users' },
  { key: 'campaigns', kind: 'gauge', aggregation: 'sum', unit: 'campaign', name: 'Campaigns' },
  { key: 'seats', kind: 'gauge', aggregation: 'sum', unit: 'seat', name: 'Seats' },
  {
    key: 'leaderboard_entries',
    kind: 'cap',
    aggregation: 'latest',
    unit: 'entry',
    name: 'Leaderboard entries',
  },
  { key: 'email_sends', kind: 'flow', aggregation: 'sum', unit: 'email', name: 'E-mails sent' },
  { key: 'api_calls', kind: 'flow', aggregation: 'sum', unit: 'call', name: 'API calls' },
] as const satisfies readonly BuiltInMetric[];

/** The limit of one metric; 0 when the plan does not name it. */
export function limitOf(limits: Readonly<PlanLimits>, metric: string): number | null {
  // Own properties only: a meter may be called `constructor`.
  return Object.hasOwn(limits, metric) ? (limits[metric] ?? null) : 0;
}

/**
 * The mistakes in limits that someone sent; empty when there are none. `knownMetrics` holds the keys of the
 * built-in metrics and of the meters. Pointers start at `/limits`.
 */
export function validateLimits(limits: unknown, knownMetrics: ReadonlySet<string>): FieldError[] {
  if (typeof limits !== 'object' || limits === null || Array.isArray(limits)) {
    return [{ pointer: '/limits', code: 'invalid_type', message: 'must be an object of metric and number' }];
  }
  return Object.entries(limits).flatMap(([metric, limit]) => {
    const pointer = pointerTo('limits', metric);
    if (!knownMetrics.has(metric)) return [unknownMetric(pointer)];
    if (limit !== null && !isWholeAmount(limit)) {
      return [
        {
          pointer,
          code: 'invalid_limit',
          message: 'must be a whole number from 0 to 2^53-1, or null for unlimited',
        },
      ];
    }
    return [];
  });
}

/** The mistakes in the grace that someone sent, by metric; empty when there are none. Pointers start at `/limit_grace`. */
export function validateLimitGrace(grace: unknown, knownMetrics: ReadonlySet<string>): FieldError[] {
  if (typeof grace !== 'object' || grace === null || Array.isArray(grace)) {
    const message = 'must be an object of metric and percent';
    return [{ pointer: '/limit_grace', code: 'invalid_type', message }];
  }
  return Object.entries(grace).flatMap(([metric, percent]) => {
    const pointer = pointerTo('limit_grace', metric);
    if (!knownMetrics.has(metric)) return [unknownMetric(pointer)];
    if (isGracePercent(percent)) return [];
    const message = `must be a number from 0 to ${MOST_GRACE_PERCENT} with at most two decimals`;
    return [{ pointer, code: 'invalid_percent', message }];
  });
}

/** As much as the setting LIMIT_GRACE_PERCENT takes. */
const MOST_GRACE_PERCENT = 1000;

/** 0 to 1000 percent with at most two decimals. */
function isGracePercent(value: unknown): value is number {
  return (
    typeof value === 'number' &&
    value >= 0 &&
    value <= MOST_GRACE_PERCENT &&
    Number(value.toFixed(2)) === value
  );
}

function pointerTo(field: string, metric: string): string {
  return `/${field}/${metric.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function unknownMetric(pointer: string): FieldError {
  return { pointer, code: 'unknown_metric', message: 'must be a built-in metric or the key of a meter' };
}

/**
 * Whether the limits leave room for this usage times `headroom` (1.2 = 20 % on top; whole percents).
 * Usage of a metric that is not in the plan is covered only when it is 0.
 */
export function covers(
  limits: Readonly<PlanLimits>,
  usage: Readonly<Record<string, number>>,
  headroom = 1,
): boolean {
  // Whole percents as integers: 15 × 1.1 is 16.5 on paper and 16.500000000000004 as floats in some orders.
  const percent = BigInt(Math.round(headroom * 100));
  return Object.entries(usage).every(([metric, used]) => {
    const limit = limitOf(limits, metric);
    return limit === null || BigInt(Math.ceil(used)) * percent <= BigInt(limit) * 100n;
  });
}

/** Limits that an add-on brings, and how many of it were bought. */
export interface AddOnLimits {
  readonly limits: Readonly<PlanLimits>;
  readonly quantity: number;
}

/**
 * Limits = plan + Σ add-on × quantity (decisions 28). Unlimited wins; a sum past 2^53−1 stays there.
 * An add-on of quantity 0 brings nothing.
 */
export function mergeLimits(plan: Readonly<PlanLimits>, addOns: readonly AddOnLimits[]): PlanLimits {
  const merged = new Map(Object.entries(plan));
  for (const addOn of addOns.filter(({ quantity }) => quantity > 0)) {
    for (const [metric, limit] of Object.entries(addOn.limits)) {
      const before = merged.has(metric) ? (merged.get(metric) ?? null) : 0;
      const unlimited = before === null || limit === null;
      merged.set(metric, unlimited ? null : capped(before + limit * addOn.quantity));
    }
  }
  return Object.fromEntries(merged);
}

/** One metric whose limit is another after a change of plan. */
export interface LimitDifference {
  readonly metric: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly direction: 'raised' | 'lowered';
}

/** What a change from one plan's limits to another's wins and loses, in the order of `metricsOf`. */
export function compareLimits(from: Readonly<PlanLimits>, to: Readonly<PlanLimits>): LimitDifference[] {
  return metricsOf([from, to]).flatMap((metric) => {
    const [before, after] = [limitOf(from, metric), limitOf(to, metric)];
    if (before === after) return [];
    const raised = after === null || (before !== null && after > before);
    return [
      { metric, from: before, to: after, direction: raised ? ('raised' as const) : ('lowered' as const) },
    ];
  });
}

/** All metrics that any of these limits names: the built-in ones first, then meters by key. */
export function metricsOf(limits: readonly Readonly<PlanLimits>[]): string[] {
  const named = new Set(limits.flatMap((one) => Object.keys(one)));
  const builtIn = BUILT_IN_METRICS.map((metric): string => metric.key);
  const meters = [...named].filter((metric) => !builtIn.includes(metric)).sort();
  return [...builtIn.filter((metric) => named.has(metric)), ...meters];
}

function isWholeAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function capped(limit: number): number {
  return Math.min(limit, Number.MAX_SAFE_INTEGER);
}
