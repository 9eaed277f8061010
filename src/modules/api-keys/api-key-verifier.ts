import { Inject, Injectable } from '@nestjs/common';
import { TenantId } from '../../contracts/ids';
import { scopesOf } from '../../contracts/permissions';
import { parseApiKey } from '../../platform/api-key-format';
import { Clock } from '../../platform/clock';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { equalDigests, sha256 } from '../../platform/crypto';
import { Announcements } from '../../platform/database/announcements';
import { CredentialVerifier, Principal } from '../../platform/http/credentials';
import { Logger } from '../../platform/logger';
import { ShortCache } from '../../platform/short-cache';
import { BOOTSTRAP_KEY_ID, statusOfKey, StoredApiKey } from './api-key';
import { ApiKeysRepository } from './api-keys.repository';

/** How old a key's row may be while changes are heard, and while they are not: a second is the promise. */
const HEARD_MS = 60_000;
const UNHEARD_MS = 500;
const MOST_KEYS = 50_000;
/** Rows that proved nothing: whoever guesses does not ask the database each time. */
const MOST_GUESSED = 10_000;
const USED_EVERY_MS = 60_000;
/** Compared when there is no such key, so that both ways take equally long (security S-14). */
const NOBODYS_DIGEST = Buffer.alloc(32);

/** A key that somebody has shown. */
interface Proven {
  readonly key: StoredApiKey | null;
  readonly principal: Principal;
  readonly publicId: string;
  readonly loadedAt: number;
}

/** Is this text a key of ours, and whose? The one place that answers. Postgres announces when a key changes. */
@Injectable()
export class ApiKeyVerifier extends CredentialVerifier {
  private readonly logger = new Logger('api-keys');
  private readonly known: ShortCache<StoredApiKey | null>;
  /** By what was presented. */
  private readonly proven = new Map<string, Proven>();
  private readonly presented = new Map<string, string>();
  /** Raised by each change heard: what was being read then may be from before it. */
  private changes = 0;
  private readonly bootstrapDigest: Buffer | null;

  constructor(
    private readonly keys: ApiKeysRepository,
    private readonly clock: Clock,
    private readonly announcements: Announcements,
    @Inject(CONFIG) config: Config,
  ) {
    super();
    this.known = new ShortCache(clock, UNHEARD_MS, MOST_GUESSED);
    announcements.on('api_keys', (publicId) =>
      publicId === null ? this.forgetAll() : this.forget(publicId),
    );
    this.bootstrapDigest = config.adminApiKey === null ? null : sha256(config.adminApiKey);
  }

  /** Null for malformed, unknown, revoked and expired alike. */
  async verify(presented: string): Promise<Principal | null> {
    const { changes } = this;
    const loadedAt = this.clock.monotonicMs();
    if (this.bootstrapDigest && equalDigests(sha256(presented), this.bootstrapDigest)) {
      this.remember(presented, { key: null, principal: BOOTSTRAP, publicId: BOOTSTRAP_KEY_ID, loadedAt });
      return BOOTSTRAP;
    }
    const parts = parseApiKey(presented);
    if (!parts) return null;
    const key = await this.known.get(parts.publicId, () =>
      this.keys.findByPublicIdAcrossTenants(parts.publicId),
    );
    const proven = equalDigests(sha256(parts.secret), key?.secretHash ?? NOBODYS_DIGEST);
    if (!key || !proven || statusOfKey(key, this.clock.now()) !== 'active') return null;
    this.noteUse(key);
    const principal = toPrincipal(key);
    // Its row may have been read a little earlier.
    const since = loadedAt - UNHEARD_MS;
    if (changes === this.changes)
      this.remember(presented, { key, principal, publicId: parts.publicId, loadedAt: since });
    return principal;
  }

  recall(presented: string): Principal | null {
    const known = this.proven.get(presented);
    if (!known) return null;
    const most = this.announcements.isHearing ? HEARD_MS : UNHEARD_MS;
    if (this.clock.monotonicMs() - known.loadedAt >= most) return null;
    if (known.key && statusOfKey(known.key, this.clock.now()) !== 'active') return null;
    if (known.key) this.noteUse(known.key);
    return known.principal;
  }

  /** Makes a change of the key count at once in this process; the others hear of it. */
  forget(publicId: string): void {
    this.changes += 1;
    this.known.forget(publicId);
    const presented = this.presented.get(publicId);
    if (presented !== undefined) this.proven.delete(presented);
    this.presented.delete(publicId);
  }

  private forgetAll(): void {
    this.changes += 1;
    this.known.clear();
    this.proven.clear();
    this.presented.clear();
  }

  private remember(presented: string, proven: Proven): void {
    if (this.proven.size >= MOST_KEYS) {
      this.proven.clear();
      this.presented.clear();
    }
    this.proven.set(presented, proven);
    this.presented.set(proven.publicId, presented);
  }

  /** Beside the request: a key that cannot be marked as used still opens the door. */
  private noteUse(key: StoredApiKey): void {
    const now = this.clock.now();
    if (key.lastUsedAt !== null && now.getTime() - key.lastUsedAt.getTime() < USED_EVERY_MS) return;
    key.lastUsedAt = now;
    this.keys
      .markUsedAcrossTenants(key.id, now)
      .catch((error) => this.logger.debug('api_key.use_not_noted', { message: String(error) }));
  }
}

const BOOTSTRAP: Principal = {
  keyId: BOOTSTRAP_KEY_ID,
  kind: 'admin',
  scopes: new Set(scopesOf('admin')),
  tenantId: null,
  tenantIds: null,
};

function toPrincipal(key: StoredApiKey): Principal {
  // A scope that its kind may no longer hold is not held, whatever the row says.
  const allowed = scopesOf(key.kind);
  return {
    keyId: key.id,
    kind: key.kind,
    scopes: new Set(key.scopes.filter((scope) => allowed.includes(scope))),
    tenantId: key.tenantId,
    tenantIds: key.tenantIds === null ? null : new Set<TenantId>(key.tenantIds),
  };
}
