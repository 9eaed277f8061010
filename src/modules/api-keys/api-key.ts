import { ApiKeyId, TenantId } from '../../contracts/ids';
import { KeyKind, Scope } from '../../contracts/permissions';

/** A key as everyone may know it: without its secret and without the digest of it. */
export interface ApiKey {
  id: ApiKeyId;
  /** tenant keys: the tenant they are bound to. */
  tenantId: TenantId | null;
  kind: KeyKind;
  name: string;
  /** The part of the key's text that finds its row; may be shown. */
  publicId: string;
  scopes: Scope[];
  /** service keys: the tenants they may act for; null means all. */
  tenantIds: TenantId[] | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
  createdAt: Date;
}

export interface StoredApiKey extends ApiKey {
  secretHash: Buffer;
}

export const API_KEY_STATUSES = ['active', 'revoked', 'expired'] as const;
export type ApiKeyStatus = (typeof API_KEY_STATUSES)[number];

/** Whether the key opens anything at `now`; a revoked key stays revoked after its expiry. */
export function statusOfKey(key: Pick<ApiKey, 'revokedAt' | 'expiresAt'>, now: Date): ApiKeyStatus {
  if (key.revokedAt !== null) return 'revoked';
  return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : 'active';
}

/** Id of the operator's key from the environment, which has no row. */
export const BOOTSTRAP_KEY_ID = 'bootstrap';
