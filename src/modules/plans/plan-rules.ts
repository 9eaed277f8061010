import { BillingError, FieldError } from '../../contracts/errors';
import { chargeStep, currencyOf } from '../../domain/money';
import { validateLimitGrace, validateLimits } from '../../domain/plan-limits';
import { Plan } from './plan';
import { isReservedKey } from './plan-metadata';

/** The highest amount Stripe charges, in minor units. */
export const HIGHEST_AMOUNT = 99_999_999;
/** As many metadata keys as Stripe keeps per object, so that a plan's metadata fits there. */
const MOST_METADATA = 50;
const FEATURE = /^[a-z0-9_.-]{1,64}$/;
const MOST_FEATURES = 100;

/**
 * All rules of a plan that a field alone cannot tell.
 * @param knownMetrics keys of the meters, built-in and own
 * @throws BillingError validation_failed with every mistake
 */
export function assertPlanRules(plan: Plan, knownMetrics: ReadonlySet<string>): void {
  const errors = [
    ...priceMistakes(plan),
    ...intervalMistakes(plan),
    ...validateLimits(plan.limits, knownMetrics),
    ...validateLimitGrace(plan.limitGrace, knownMetrics),
    ...featureMistakes(plan.features),
    ...invoicingMistakes(plan),
    ...metadataMistakes(plan.metadata),
  ];
  if (errors.length > 0) throw new BillingError('validation_failed', { errors });
}

/**
 * A number as the limit of a metric that takes none.
 * @param unlimitable keys of those meters
 * @throws BillingError unprocessable
 */
export function assertLimitable({ limits }: Plan, unlimitable: ReadonlySet<string>): void {
  const wrong = Object.entries(limits).filter(([metric, limit]) => limit !== null && unlimitable.has(metric));
  if (wrong.length === 0) return;
  throw new BillingError('unprocessable', {
    detail: 'Meters of the aggregations max and latest take no limit but null.',
    errors: wrong.map(([metric]) =>
      mistake(`/limits/${metric}`, 'not_limitable', 'Use null, or leave it out.'),
    ),
  });
}

function priceMistakes({ currency, amount }: Plan): FieldError[] {
  try {
    const step = chargeStep(currencyOf(currency));
    if (amount % step === 0) return [];
    return [mistake('/amount', 'not_chargeable', `In this currency amounts come in steps of ${step}.`)];
  } catch {
    return [mistake('/currency', 'unknown_currency', 'Use a lower-case ISO 4217 code such as usd.')];
  }
}

function intervalMistakes({ interval, intervalCount }: Plan): FieldError[] {
  const most = interval === 'year' ? 3 : 12;
  if (intervalCount <= most) return [];
  return [mistake('/interval_count', 'max', `A price renews after at most ${most} of this interval.`)];
}

function featureMistakes(features: readonly unknown[]): FieldError[] {
  if (features.length > MOST_FEATURES)
    return [mistake('/features', 'too_many', `A plan has at most ${MOST_FEATURES} features.`)];
  const seen = new Set<unknown>();
  return features.flatMap((feature, index) => {
    const pointer = `/features/${index}`;
    if (typeof feature !== 'string' || !FEATURE.test(feature))
      return [mistake(pointer, 'invalid_feature', 'Use 1 to 64 of a-z, 0-9, "_", "." and "-".')];
    if (seen.has(feature)) return [mistake(pointer, 'duplicate', 'Each feature is named once.')];
    seen.add(feature);
    return [];
  });
}

function invoicingMistakes(plan: Plan): FieldError[] {
  if (plan.manualInvoicing && plan.tenantId === null)
    return [
      mistake('/manual_invoicing', 'enterprise_only', 'Only a plan of one tenant is invoiced by hand.'),
    ];
  if (!plan.manualInvoicing && plan.daysUntilDue !== null)
    return [
      mistake('/days_until_due', 'manual_invoicing_only', 'Only plans invoiced by hand have a due date.'),
    ];
  return [];
}

function metadataMistakes(metadata: Readonly<Record<string, unknown>>): FieldError[] {
  const entries = Object.entries(metadata);
  if (entries.length > MOST_METADATA)
    return [mistake('/metadata', 'too_many', `Metadata has at most ${MOST_METADATA} keys.`)];
  return entries.flatMap(([key, value]) => {
    const pointer = `/metadata/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (key.length === 0 || key.length > 40 || /[[\]$]/.test(key))
      return [mistake(pointer, 'invalid_key', 'Use keys of 1 to 40 characters without [, ] and $.')];
    if (isReservedKey(key))
      return [mistake(pointer, 'reserved_key', 'The plan writes this key itself; use the field for it.')];
    if (typeof value !== 'string' || value.length > 500)
      return [mistake(pointer, 'invalid_value', 'Use texts of up to 500 characters.')];
    // Stripe takes an empty value as "remove this key".
    if (value.length === 0) return [mistake(pointer, 'invalid_value', 'Leave out what is empty.')];
    return [];
  });
}

function mistake(pointer: string, code: string, message: string): FieldError {
  return { pointer, code, message };
}
