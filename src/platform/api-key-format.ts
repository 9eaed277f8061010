import { randomBytes } from 'node:crypto';
import { sha256 } from './crypto';

/**
 * The format of our keys: `tb_<env>_<12-char id>_<43-char secret><6-char checksum>`.
 * The id finds the row, the secret (256 random bits) proves it, the checksum lets secret scanners and us
 * refuse a mistyped key without asking the database.
 */
export interface ApiKeyParts {
  publicId: string;
  secret: string;
}

const FORMAT = /^tb_(?:live|test)_([a-z0-9]{12})_([A-Za-z0-9_-]{43})([0-9a-f]{6})$/;
const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** The longest text worth looking at; anything longer is refused unread (B-033). */
export const API_KEY_MAX_LENGTH = 80;

/** Makes a new key. The whole text is shown once and never stored. */
export function makeApiKey(env: 'live' | 'test'): string {
  const publicId = Array.from(randomBytes(12), (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join('');
  const body = `tb_${env}_${publicId}_${randomBytes(32).toString('base64url')}`;
  return body + checksum(body);
}

/** Splits a presented key; null when it cannot be one of ours. */
export function parseApiKey(text: string): ApiKeyParts | null {
  if (text.length > API_KEY_MAX_LENGTH) return null;
  const match = FORMAT.exec(text);
  if (!match || checksum(text.slice(0, -6)) !== match[3]) return null;
  return { publicId: match[1]!, secret: match[2]! };
}

function checksum(body: string): string {
  return sha256(body).toString('hex').slice(0, 6);
}
