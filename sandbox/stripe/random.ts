import { randomBytes } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A random text of letters and digits. */
export function randomText(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 in a byte: above it letters would be uneven.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62];
    }
  }
  return text;
}

// Stripe's own lengths: objects of the billing core are "1" + 23 characters, older ones 14.
const LONG = new Set([
  'sub',
  'in',
  'price',
  'pi',
  'pm',
  'seti',
  'evt',
  'promo',
  'we',
  'il',
  'ch',
  'inpay',
  'li',
  'di',
]);

/** A new id in Stripe's form, e.g. `cus_…`. Ids are never seeded: a restarted sandbox must not repeat them. */
export function newId(prefix: string): string {
  if (prefix === 'cs') return `cs_test_a1${randomText(56)}`;
  if (prefix === 'coupon') return randomText(8);
  return `${prefix}_${LONG.has(prefix) ? `1${randomText(23)}` : randomText(14)}`;
}

/** A repeatable stream of numbers in [0, 1) (mulberry32): the same seed gives the same faults. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
