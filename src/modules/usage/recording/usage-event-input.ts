import type { FieldError } from '../../../contracts/errors';

/**
 * Usage events as callers send them, checked by hand: class-validator takes 13.6 ms for a thousand, this 1.7
 * (decisions 16). UsageEventDto says the same to the OpenAPI document, and a property test that both agree.
 */
export interface UsageEventInput {
  readonly event_id: string;
  readonly metric: string;
  readonly quantity: number | string;
  readonly timestamp: string | null;
  readonly subject: string | null;
  readonly metadata: Record<string, string> | null;
}

export const MOST_EVENTS = 1000;
export const EVENT_ID = /^[A-Za-z0-9._:-]{1,128}$/;
export const METRIC_KEY = /^[a-z][a-z0-9_]{0,62}$/;
/** Above 0, at most 38 digits in all, no exponent and no leading zeros. */
export const QUANTITY_TEXT = /^(?:0|[1-9][0-9]*)(?:\.[0-9]{1,9})?$/;
export const LONGEST_SUBJECT = 255;
const MOST_DIGITS = 38;
const MOST_METADATA_KEYS = 50;
const LONGEST_METADATA_KEY = 40;
const LONGEST_METADATA_VALUE = 500;
/** ISO 8601 with a zone; leap seconds and 24:00 are no moments of ours. */
const MOMENT =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;
const FIELDS = new Set(['event_id', 'metric', 'quantity', 'timestamp', 'subject', 'metadata']);

/**
 * The event, or what is wrong with it.
 * @param pointer JSON pointer of the event in the body
 */
export function readUsageEvent(value: unknown, pointer: string): UsageEventInput | FieldError[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [{ pointer, code: 'not_object', message: 'An event must be an object.' }];
  const event = value as Record<string, unknown>;
  const errors: FieldError[] = [];
  const wrong = (field: string, code: string, message: string): void => {
    errors.push({ pointer: `${pointer}/${escaped(field)}`, code, message });
  };
  for (const field in event)
    if (!FIELDS.has(field)) wrong(field, 'unknown_field', 'This field is not known here.');

  const { event_id, metric, quantity = 1, timestamp = null, subject = null, metadata = null } = event;
  if (typeof event_id !== 'string' || !EVENT_ID.test(event_id))
    wrong('event_id', 'invalid_event_id', 'event_id must be 1 to 128 of A-Z a-z 0-9 . _ : -');
  if (typeof metric !== 'string' || !METRIC_KEY.test(metric))
    wrong('metric', 'invalid_metric', 'metric must be the key of a meter.');
  const counted = readQuantity(quantity);
  if (counted === null)
    wrong(
      'quantity',
      'invalid_quantity',
      'quantity must be a whole number from 1 to 2^53-1, or a decimal text above 0 with at most 38 digits.',
    );
  if (timestamp !== null && !isMoment(timestamp))
    wrong('timestamp', 'invalid_timestamp', 'timestamp must be an ISO 8601 date and time with a zone.');
  if (subject !== null && !isSubject(subject))
    wrong('subject', 'invalid_subject', `subject must be a text of 1 to ${LONGEST_SUBJECT} characters.`);
  if (metadata !== null && !isEventMetadata(metadata))
    wrong(
      'metadata',
      'invalid_metadata',
      `metadata must be an object of at most ${MOST_METADATA_KEYS} texts, keys up to ` +
        `${LONGEST_METADATA_KEY} and values up to ${LONGEST_METADATA_VALUE} characters.`,
    );
  if (errors.length > 0) return errors;
  return {
    event_id: event_id as string,
    metric: metric as string,
    quantity: counted!,
    timestamp: timestamp as string | null,
    subject: subject as string | null,
    metadata: metadata as Record<string, string> | null,
  };
}

/** A quantity above 0 as it is counted: whole ones as numbers where safe, all others canonical; null when it is none. */
export function readQuantity(value: unknown): number | string | null {
  // -0 is not above 0, 1.0 and 1e3 are the whole numbers they name.
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? value : null;
  if (typeof value !== 'string' || value.length > MOST_DIGITS + 1 || !QUANTITY_TEXT.test(value)) return null;
  if (value.replace('.', '').length > MOST_DIGITS) return null;
  const shortest = value.includes('.') ? value.replace(/\.?0+$/, '') : value;
  if (shortest === '0') return null;
  const number = Number(shortest);
  return Number.isSafeInteger(number) ? number : shortest;
}

/** A moment between the years 1970 and 9998, written as ISO 8601 with a zone. */
export function isMoment(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > 40) return false;
  const match = MOMENT.exec(value);
  if (!match) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  // Date.parse moves 30 February into March.
  return year >= 1970 && year <= 9998 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

export function isSubject(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length >= 1 &&
    value.length <= LONGEST_SUBJECT &&
    // eslint-disable-next-line no-control-regex -- control characters are what is refused
    !/[\u0000-\u001f\u007f]/.test(value)
  );
}

/** At most 50 texts by key, within Stripe's bounds. */
export function isEventMetadata(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= MOST_METADATA_KEYS &&
    entries.every(
      ([key, text]) =>
        key.length >= 1 &&
        key.length <= LONGEST_METADATA_KEY &&
        typeof text === 'string' &&
        text.length <= LONGEST_METADATA_VALUE,
    )
  );
}

function escaped(field: string): string {
  return field.replaceAll('~', '~0').replaceAll('/', '~1');
}
