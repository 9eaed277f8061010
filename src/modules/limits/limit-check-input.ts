import type { FieldError } from '../../contracts/errors';
import type { Amount } from '../../domain/usage-standing';
import { METRIC_KEY, readQuantity } from '../usage/recording/usage-event-input';

/** What is asked: may so much more of a metric be used? */
export interface LimitQuestion {
  readonly metric: string;
  readonly count: Amount;
}

/** How many metrics may be asked about at once. */
export const MOST_METRICS = 100;

/**
 * The body of a check, or what is wrong with it. By hand: the validation pipe would take longer than the answer
 * (decisions 16). LimitCheckDto says the same to the OpenAPI document, and a property test that both agree.
 */
export function readLimitCheck(body: unknown): LimitQuestion | FieldError[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return [fault('', 'not_object', 'The body must be an object with a metric.')];
  const { metric, count = 1 } = body as { metric?: unknown; count?: unknown };
  const amount = readQuantity(count);
  const errors: FieldError[] = [];
  for (const field in body)
    if (field !== 'metric' && field !== 'count')
      errors.push(fault(`/${escaped(field)}`, 'unknown_field', 'This field is not known here.'));
  if (typeof metric !== 'string' || !METRIC_KEY.test(metric))
    errors.push(fault('/metric', 'invalid_metric', 'metric must be the key of a meter.'));
  if (amount === null) errors.push(fault('/count', 'invalid_quantity', WRONG_AMOUNT));
  return errors.length > 0 ? errors : { metric: metric as string, count: amount! };
}

/** The amounts to be validated, by metric, or what is wrong with them. 0 asks about what is used already. */
export function readWantedAmounts(value: unknown): Map<string, Amount> | FieldError[] {
  const entries =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  if (entries.length === 0 || entries.length > MOST_METRICS)
    return [fault('/metrics', 'invalid_metrics', `metrics must name 1 to ${MOST_METRICS} metrics.`)];
  const errors: FieldError[] = [];
  const wanted = new Map<string, Amount>();
  for (const [metric, count] of entries) {
    const pointer = `/metrics/${escaped(metric)}`;
    const amount = isNothing(count) ? 0 : readQuantity(count);
    if (!METRIC_KEY.test(metric))
      errors.push(fault(pointer, 'invalid_metric', 'It must be the key of a meter.'));
    else if (amount === null) errors.push(fault(pointer, 'invalid_quantity', WRONG_AMOUNT));
    else wanted.set(metric, amount);
  }
  return errors.length > 0 ? errors : wanted;
}

const WRONG_AMOUNT =
  'It must be a whole number from 1 to 2^53-1, or a decimal text above 0 with at most 38 digits.';

function isNothing(count: unknown): boolean {
  return Object.is(count, 0) || count === '0';
}

function fault(pointer: string, code: string, message: string): FieldError {
  return { pointer, code, message };
}

function escaped(field: string): string {
  return field.replaceAll('~', '~0').replaceAll('/', '~1');
}
