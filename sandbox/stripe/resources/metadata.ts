import type Stripe from 'stripe';
import { invalidRequest } from '../errors';

const MAX_KEYS = 50;
const MAX_KEY_LENGTH = 40;
const MAX_VALUE_LENGTH = 500;

/**
 * Metadata after an update: given keys are set, keys with an empty value removed, `''` removes all.
 * @throws StripeApiError 400 beyond Stripe's limits (50 keys, 40 and 500 characters).
 */
export function mergeMetadata(
  current: Stripe.Metadata | null | undefined,
  change: Stripe.Emptyable<Stripe.MetadataParam> | undefined,
): Stripe.Metadata {
  if (change === undefined) return current ?? {};
  if (change === '' || change === null) return {};
  const merged: Stripe.Metadata = { ...current };
  for (const [key, value] of Object.entries(change)) {
    if (value === '' || value === null) delete merged[key];
    else merged[key] = checked(key, String(value));
  }
  if (Object.keys(merged).length > MAX_KEYS) {
    throw invalidRequest(`You can have up to ${MAX_KEYS} metadata keys.`, 'metadata');
  }
  return merged;
}

function checked(key: string, value: string): string {
  if (key.length > MAX_KEY_LENGTH) {
    throw invalidRequest(
      `Metadata keys must be at most ${MAX_KEY_LENGTH} characters long.`,
      `metadata[${key}]`,
    );
  }
  if (value.length > MAX_VALUE_LENGTH) {
    throw invalidRequest(
      `Metadata values can have up to ${MAX_VALUE_LENGTH} characters.`,
      `metadata[${key}]`,
    );
  }
  return value;
}
