import type Stripe from 'stripe';

/** Values of meter events are decimals: up to 15 digits before the point and 12 after it. */
const VALUE = /^(-?)(\d{1,15})(?:\.(\d{1,12}))?$/;
const DECIMALS = 12;
const ONE = 10n ** BigInt(DECIMALS);

/** Whether Stripe can count this value; the reason by Stripe's name when it can not. */
export function valueProblem(
  text: string | undefined,
): 'meter_event_invalid_value' | 'meter_event_value_too_many_digits' | null {
  if (text !== undefined && VALUE.test(text)) return null;
  const isNumber = text !== undefined && /^-?\d+(\.\d+)?$/.test(text);
  return isNumber ? 'meter_event_value_too_many_digits' : 'meter_event_invalid_value';
}

/**
 * What a meter makes of values, in the order of their times: the sum, how many, or the last.
 * Sums are exact; the answer is a JSON number, as Stripe's is.
 */
export function aggregate(
  formula: Stripe.Billing.Meter.DefaultAggregation.Formula,
  values: readonly string[],
): number {
  if (formula === 'count') return values.length;
  if (formula === 'last') return Number(values.at(-1) ?? '0');
  const sum = values.reduce((total, value) => total + scaled(value), 0n);
  const whole = sum / ONE;
  const rest = sum % ONE;
  return rest === 0n ? Number(whole) : Number(sum) / Number(ONE);
}

function scaled(text: string): bigint {
  const [, sign = '', whole = '0', fraction = ''] = VALUE.exec(text) ?? [];
  const value = BigInt(whole) * ONE + BigInt(fraction.padEnd(DECIMALS, '0'));
  return sign === '-' ? -value : value;
}
