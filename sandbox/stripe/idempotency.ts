import { createHash } from 'node:crypto';
import { keyInUse, keyReused } from './errors';
import type { Store } from './store';
import type { IdempotencyRecord } from './tables';

// Stripe keeps keys for at least 24 hours; a restart forgets only what is well past that.
const KEPT_MS = 48 * 3600 * 1000;

/** Stripe's idempotency: one execution per key, the same bytes afterwards. */
export class Idempotency {
  private readonly running = new Set<string>();

  constructor(private readonly store: Store) {}

  /**
   * Claims a key for one request, or returns the answer it already has. A claim must be released.
   * @throws StripeApiError 409 while another request holds it, 400 when its parameters were others.
   */
  claim(key: string, fingerprint: string): IdempotencyRecord | null {
    if (this.running.has(key)) throw keyInUse(key);
    const record = this.store.find('idempotency', key);
    if (record && record.fingerprint !== fingerprint) throw keyReused(key);
    if (!record) this.running.add(key);
    return record ?? null;
  }

  /** Keeps the first answer. Part of the operation's own transaction, so a kill never parts the two. */
  keep(record: IdempotencyRecord): void {
    this.store.put('idempotency', record);
  }

  release(key: string): void {
    this.running.delete(key);
  }

  /** Forgets keys that are older than Stripe promises to keep them. */
  forgetOld(nowMs: number): void {
    this.store.transaction(() => {
      for (const record of this.store.all('idempotency')) {
        if (nowMs - record.stored_at > KEPT_MS) this.store.remove('idempotency', record.id);
      }
    });
  }
}

/** What makes two requests "the same": method, path and parameters. */
export function fingerprint(method: string, path: string, parameters: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([method, path, parameters]))
    .digest('base64');
}
