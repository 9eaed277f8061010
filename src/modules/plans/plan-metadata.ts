import { isUuid, TenantId } from '../../contracts/ids';
import { RateLimit } from '../../domain/plan-facts';
import { LimitGrace, PlanLimits, validateLimitGrace } from '../../domain/plan-limits';
import { Plan } from './plan';

/**
 * How a plan is written into the metadata of its Stripe product, and read back from product and price:
 * `limit_<metric>`, `limits_grace`, `features`, `rate_limit`, `tenant_id`; every other key is the plan's own metadata.
 * What Stripe does not name stays as the plan has it; writing and reading back changes nothing.
 */

/** What Stripe keeps: keys per object, characters per key and per value. */
const MOST_KEYS = 50;
const MOST_KEY_LENGTH = 40;
const MOST_VALUE_LENGTH = 500;

const LIMIT = 'limit_';
/** Not `limit_grace`: that would be the limit of a meter called `grace`. */
const GRACE = 'limits_grace';
const FEATURES = /^features(_\d{1,2})?$/;
const OTHER_RESERVED = new Set(['plan', 'plan_id', 'plan_slug', 'tenant_id', 'rate_limit', GRACE]);
const FEATURE = /^[a-z0-9_.-]{1,64}$/;

type Metadata = Readonly<Record<string, string>>;

/** Keys that a plan's own metadata cannot have, because they mean something in Stripe. */
export function isReservedKey(key: string): boolean {
  return key.startsWith(LIMIT) || FEATURES.test(key) || OTHER_RESERVED.has(key);
}

/**
 * The plan as metadata of its product. More than fits (50 keys) is left out from the end; the sync takes
 * what Stripe does not name as unchanged.
 */
export function toStripeMetadata(plan: Plan): Record<string, string> {
  const entries: [string, string][] = [
    ['plan_id', plan.id],
    ['plan_slug', plan.slug],
    ...(plan.tenantId ? [['tenant_id', plan.tenantId] as [string, string]] : []),
    ...(plan.rateLimit ? [['rate_limit', JSON.stringify(plan.rateLimit)] as [string, string]] : []),
    ...graceEntry(plan.limitGrace),
    ...featureEntries(plan.features),
    ...Object.entries(plan.limits).map(([metric, limit]): [string, string] => [
      `${LIMIT}${metric}`,
      limit === null ? 'unlimited' : String(limit),
    ]),
    ...Object.entries(plan.metadata),
  ];
  return Object.fromEntries(entries.filter(([key]) => key.length <= MOST_KEY_LENGTH).slice(0, MOST_KEYS));
}

/**
 * What to send so that metadata we wrote as `before` becomes `wanted`: Stripe merges, and an empty value
 * removes. Keys that somebody else wrote are left alone.
 */
export function metadataChanges(before: Metadata, wanted: Metadata): Record<string, string> {
  const removed = Object.keys(before).filter((key) => !(key in wanted));
  return { ...Object.fromEntries(removed.map((key) => [key, ''])), ...wanted };
}

/** A comma list over as many keys as it needs: `features`, `features_2`, … An empty list is said as such. */
function featureEntries(features: readonly string[]): [string, string][] {
  const lists = [''];
  for (const feature of features) {
    const last = lists.at(-1)!;
    const longer = last ? `${last},${feature}` : feature;
    if (longer.length <= MOST_VALUE_LENGTH) lists[lists.length - 1] = longer;
    else lists.push(feature);
  }
  return lists.map((list, index) => [index === 0 ? 'features' : `features_${index + 1}`, list || '[]']);
}

/** One JSON text; left out when it is longer than Stripe keeps. */
function graceEntry(grace: LimitGrace): [string, string][] {
  const text = JSON.stringify(grace);
  return Object.keys(grace).length > 0 && text.length <= MOST_VALUE_LENGTH ? [[GRACE, text]] : [];
}

/** What Stripe's metadata says of a plan; null or missing members are not said. */
export interface StripeSays {
  readonly planId: string | null;
  readonly slug: string | null;
  readonly tenantId: TenantId | null;
  /** Says `plan=false`: a price for other purposes, such as an add-on of one checkout. */
  readonly isReserved: boolean;
  readonly limits: PlanLimits;
  readonly limitGrace: LimitGrace | null;
  readonly features: string[] | null;
  readonly rateLimit: RateLimit | null;
  readonly metadata: Record<string, string>;
  /** Keys whose values make no sense; they are left out. */
  readonly mistakes: { readonly key: string; readonly code: string }[];
}

/**
 * Reads the metadata of a price and its product; the price's keys win.
 * @param marketingFeatures names of the product's marketing features, taken if nobody says `features`
 */
export function readStripeMetadata(
  product: Metadata,
  price: Metadata,
  marketingFeatures: readonly string[],
  knownMetrics: ReadonlySet<string>,
): StripeSays {
  const merged: Record<string, string> = { ...product, ...price };
  const mistakes: { key: string; code: string }[] = [];
  const read = <T>(key: string, parse: (text: string) => T | undefined): T | null => {
    const text = merged[key]?.trim();
    if (!text) return null;
    const value = parse(text);
    if (value === undefined) mistakes.push({ key, code: 'invalid_value' });
    return value ?? null;
  };
  return {
    // Only the price says which plan it is: products are shared.
    planId: price.plan_id ?? null,
    slug: price.plan_slug ?? null,
    isReserved: /^(false|no|0)$/i.test(merged.plan?.trim() ?? ''),
    tenantId: read('tenant_id', (text) => (isUuid(text) ? (text.toLowerCase() as TenantId) : undefined)),
    rateLimit: read('rate_limit', parseRateLimit),
    limits: readLimits(merged, knownMetrics, mistakes),
    limitGrace: read(GRACE, (text) => parseGrace(text, knownMetrics)),
    features: readFeatures(merged, mistakes) ?? readMarketing(marketingFeatures),
    metadata: Object.fromEntries(
      Object.entries(merged).filter(([key]) => !isReservedKey(key) && !key.includes('$')),
    ),
    mistakes,
  };
}

function readLimits(
  merged: Metadata,
  knownMetrics: ReadonlySet<string>,
  mistakes: { key: string; code: string }[],
): PlanLimits {
  const limits: PlanLimits = {};
  for (const [key, text] of Object.entries(merged)) {
    if (!key.startsWith(LIMIT)) continue;
    const metric = key.slice(LIMIT.length);
    const limit = parseLimit(text.trim());
    if (!knownMetrics.has(metric)) mistakes.push({ key, code: 'unknown_metric' });
    else if (limit === undefined) mistakes.push({ key, code: 'invalid_value' });
    else limits[metric] = limit;
  }
  return limits;
}

function parseLimit(text: string): number | null | undefined {
  if (text.toLowerCase() === 'unlimited') return null;
  const limit = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(limit) ? limit : undefined;
}

/** A comma list or a JSON array, over `features`, `features_2`, …; names are brought into our spelling. */
function readFeatures(merged: Metadata, mistakes: { key: string; code: string }[]): string[] | null {
  const keys = Object.keys(merged)
    .filter((key) => FEATURES.test(key))
    .sort((a, b) => positionOf(a) - positionOf(b));
  if (keys.length === 0) return null;
  const names = keys.flatMap((key) => {
    const text = merged[key]!.trim();
    if (!text.startsWith('[')) return text.split(',');
    const list = parseJson(text);
    if (Array.isArray(list) && list.every((name) => typeof name === 'string')) return list;
    mistakes.push({ key, code: 'invalid_value' });
    return [];
  });
  return toFeatures(names);
}

function positionOf(key: string): number {
  return Number(key.split('_')[1] ?? 1);
}

function readMarketing(names: readonly string[]): string[] | null {
  return names.length > 0 ? toFeatures(names) : null;
}

/** "Priority support" -> `priority_support`; each once, at most as many as a plan may have. */
function toFeatures(names: readonly string[]): string[] {
  const features = names.map((name) =>
    name
      .trim()
      .toLowerCase()
      .replace(/[^a-z0-9_.-]+/g, '_')
      .replace(/^_+|_+$/g, '')
      .slice(0, 64),
  );
  return [...new Set(features.filter((feature) => FEATURE.test(feature)))].slice(0, 100);
}

function parseGrace(text: string, knownMetrics: ReadonlySet<string>): LimitGrace | undefined {
  const value = parseJson(text);
  return validateLimitGrace(value, knownMetrics).length === 0 ? (value as LimitGrace) : undefined;
}

function parseRateLimit(text: string): RateLimit | undefined {
  const value = parseJson(text);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  const { per_second = null, burst = null, per_day = null, ...rest } = value as Record<string, unknown>;
  const isRate = (rate: unknown): rate is number | null =>
    rate === null || (Number.isSafeInteger(rate) && (rate as number) > 0);
  if (Object.keys(rest).length > 0 || !isRate(per_second) || !isRate(burst) || !isRate(per_day))
    return undefined;
  return { per_second, burst, per_day };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
