import { Inject, Injectable } from '@nestjs/common';
import { TenantId } from '../../contracts/ids';
import { scopesOf } from '../../contracts/permissions';
import { parseApiKey } from '../../platform/api-key-format';
import { Clock } from '../../platform/clock';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { equalDigests, sha256 } from '../../platform/crypto';
import { CredentialVerifier, Principal } from '../../platform/http/credentials';
import { Logger } from '../../platform/logger';
import { ShortCache } from '../../platform/short-cache';
import { BOOTSTRAP_KEY_ID, statusOfKey, StoredApiKey } from './api-key';
import { ApiKeysRepository } from './api-keys.repository';

/** With the 400 ms of the edge, a revoked key is noticed within a second on every replica. */
const REMEMBER_MS = 500;
const REMEMBER_KEYS = 10_000;
const USED_EVERY_MS = 60_000;
/** Compared when there is no such key, so that both ways take equally long (security S-14). */
const NOBODYS_DIGEST = Buffer.alloc(32);

/** Is this text a key of ours, and whose? The one place that answers. */
@Injectable()
export class ApiKeyVerifier extends CredentialVerifier {
  private readonly logger = new Logger('api-keys');
  private readonly known: ShortCache<StoredApiKey | null>;
  private readonly bootstrapDigest: Buffer | null;

  constructor(
    private readonly keys: ApiKeysRepository,
    private readonly clock: Clock,
    @Inject(CONFIG) config: Config,
  ) {
    super();
    this.known = new ShortCache(clock, REMEMBER_MS, REMEMBER_KEYS);
    this.bootstrapDigest = config.adminApiKey === null ? null : sha256(config.adminApiKey);
  }

  /** Null for malformed, unknown, revoked and expired alike. */
  async verify(presented: string): Promise<Principal | null> {
    if (this.bootstrapDigest && equalDigests(sha256(presented), this.bootstrapDigest)) return BOOTSTRAP;
    const parts = parseApiKey(presented);
    if (!parts) return null;
    const key = await this.known.get(parts.publicId, () =>
      this.keys.findByPublicIdAcrossTenants(parts.publicId),
    );
    const proven = equalDigests(sha256(parts.secret), key?.secretHash ?? NOBODYS_DIGEST);
    if (!key || !proven || statusOfKey(key, this.clock.now()) !== 'active') return null;
    this.noteUse(key);
    return toPrincipal(key);
  }

  /** Makes a change of the key count at once in this process; the others follow within a second. */
  forget(publicId: string): void {
    this.known.forget(publicId);
    this.changes += 1;
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
