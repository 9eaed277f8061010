import { isAscii } from 'node:buffer';
import { BillingError } from '../../contracts/errors';

/** Deepest nesting a body may have; deeper ones are an attack, not a request (B-056). */
const MAX_DEPTH = 32;
/** Longest array or object a body may have. */
const MAX_MEMBERS = 10_000;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Parses a request body the way validation, storage and signature checks must all see it: strict UTF-8
 * without a BOM, one document, no duplicate keys, no keys that reach prototypes, bounded depth and width
 * (security S-39, S-49). JSON.parse alone keeps the last of two equal keys.
 * @throws BillingError invalid_json for what is not such a document; validation_failed for forbidden keys,
 *   excess depth or width, and U+0000, which Postgres cannot store
 */
export function parseStrictJson(bytes: Buffer): unknown {
  const text = decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BillingError('invalid_json');
  }
  checkKeys(text);
  // Valid UTF-8 has neither NUL nor lone surrogates, so only an escape can bring them; most bodies have none.
  if (text.includes('\\u')) checkText(value, '');
  return value;
}

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Buffer): string {
  if (bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    throw new BillingError('invalid_json', { detail: 'The body must not begin with a byte order mark.' });
  try {
    // Latin text is copied in one step; the decoder is for all other.
    return isAscii(bytes) ? bytes.toString('latin1') : STRICT_UTF8.decode(bytes);
  } catch {
    throw new BillingError('invalid_json', { detail: 'The body is not valid UTF-8.' });
  }
}

/** Walks the already valid text once, keeping the keys of each open object. */
function checkKeys(text: string): void {
  const open: Level[] = [];
  let expectKey = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) {
      const end = endOfString(text, at);
      if (expectKey) {
        addKey(open.at(-1)!.keys!, text.slice(at, end + 1));
        expectKey = false;
      }
      at = end;
    } else if (character === OPEN_OBJECT || character === OPEN_ARRAY) {
      if (open.length >= MAX_DEPTH) throw tooLarge(`The body is nested deeper than ${MAX_DEPTH} levels.`);
      open.push({ keys: character === OPEN_OBJECT ? [] : null, members: 1 });
      expectKey = character === OPEN_OBJECT;
    } else if (character === CLOSE_OBJECT || character === CLOSE_ARRAY) {
      open.pop();
      expectKey = false;
    } else if (character === COMMA) {
      const level = open.at(-1)!;
      if (++level.members > MAX_MEMBERS) throw tooLarge(`A list in the body is longer than ${MAX_MEMBERS}.`);
      expectKey = level.keys !== null;
    }
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
}

/** An object or a list that is open where the walk is; the keys of an object so far. */
interface Level {
  readonly keys: (string[] & { all?: Set<string> }) | null;
  members: number;
}

/** Most objects have few keys, which a look along a list finds faster than a set is made. */
const MANY_KEYS = 16;

function addKey(keys: NonNullable<Level['keys']>, literal: string): void {
  const key = literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
  const isKnown = keys.all ? keys.all.has(key) : keys.includes(key);
  if (isKnown) throw new BillingError('invalid_json', { detail: 'An object has the same key twice.' });
  if (FORBIDDEN_KEYS.has(key))
    throw new BillingError('validation_failed', {
      errors: [{ pointer: '', code: 'forbidden_key', message: 'A key of this name is not allowed.' }],
    });
  keys.push(key);
  if (keys.all) keys.all.add(key);
  else if (keys.length > MANY_KEYS) keys.all = new Set(keys);
}

/** Lone surrogates and NUL are legal JSON but not text that we can store and give back. */
function checkText(value: unknown, pointer: string): void {
  if (typeof value === 'string') {
    if (value.includes('\u0000')) throw badText(pointer, 'A text must not contain U+0000.');
    if (!value.isWellFormed())
      throw new BillingError('invalid_json', { detail: 'A text has a lone surrogate.' });
  } else if (Array.isArray(value)) {
    value.forEach((member, index) => checkText(member, `${pointer}/${index}`));
  } else if (value !== null && typeof value === 'object') {
    for (const [key, member] of Object.entries(value)) {
      checkText(key, pointer);
      checkText(member, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    }
  }
}

function badText(pointer: string, message: string): BillingError {
  return new BillingError('validation_failed', { errors: [{ pointer, code: 'invalid_text', message }] });
}

function tooLarge(message: string): BillingError {
  return new BillingError('validation_failed', { errors: [{ pointer: '', code: 'too_large', message }] });
}
