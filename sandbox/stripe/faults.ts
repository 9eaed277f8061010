/** Switches that make the sandbox misbehave as the real world does. Probabilities are 0 to 1. */
export interface Faults {
  /** Each delivery is sent a second time. */
  duplicate?: number;
  /** A delivery is lost for ever; only `resend` or the events list bring it back. */
  drop?: number;
  /** Deliveries arrive in an order of chance. */
  shuffle?: boolean;
  /** Deliveries wait this long before the first attempt. */
  delay_ms?: number;
  /** Every API answer waits this long before the operation runs. */
  latency_ms?: number;
  /** Every API connection is cut before anything happens. */
  outage?: boolean;
  /** The operation runs and is stored, then the connection is cut without an answer. */
  cut_after_execute?: number;
  /** Answers instead of an execution: 429 and 409 are not stored, 500 is stored under the key. */
  status?: { '429'?: number; '409'?: number; '500'?: number };
  /** Meter events are accepted and then reported as errors. */
  meter_error?: number;
  /** Seed of the chance above; the same seed and the same requests give the same faults. */
  seed?: number;
}

const PROBABILITIES = ['duplicate', 'drop', 'cut_after_execute', 'meter_error'] as const;
const DURATIONS = ['delay_ms', 'latency_ms'] as const;
const SWITCHES = ['shuffle', 'outage'] as const;
const STATUSES = ['429', '409', '500'] as const;
const MAX_DURATION_MS = 600_000;

/**
 * Reads faults from outside.
 * @throws RangeError with a message for people: unknown key or a value out of range.
 */
export function readFaults(input: unknown): Faults {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new RangeError('Faults are a JSON object; {} clears them.');
  }
  for (const [key, value] of Object.entries(input)) checkFault(key, value);
  return structuredClone(input) as Faults;
}

function checkFault(key: string, value: unknown): void {
  if (isOneOf(key, PROBABILITIES)) return checkProbability(key, value);
  if (isOneOf(key, SWITCHES)) {
    if (typeof value !== 'boolean') throw new RangeError(`${key} is true or false.`);
    return;
  }
  if (isOneOf(key, DURATIONS)) {
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > MAX_DURATION_MS) {
      throw new RangeError(`${key} is a whole number of milliseconds from 0 to ${MAX_DURATION_MS}.`);
    }
    return;
  }
  if (key === 'seed') {
    if (!Number.isSafeInteger(value)) throw new RangeError('seed is a whole number.');
    return;
  }
  if (key === 'status') {
    if (typeof value !== 'object' || value === null)
      throw new RangeError('status is an object, e.g. {"429": 0.1}.');
    for (const [status, probability] of Object.entries(value)) {
      if (!isOneOf(status, STATUSES))
        throw new RangeError(`status knows ${STATUSES.join(', ')}, not ${status}.`);
      checkProbability(`status.${status}`, probability);
    }
    return;
  }
  throw new RangeError(`Unknown fault: ${key}.`);
}

function checkProbability(key: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1))
    throw new RangeError(`${key} is a number from 0 to 1.`);
}

function isOneOf<T extends string>(key: string, names: readonly T[]): key is T {
  return (names as readonly string[]).includes(key);
}
