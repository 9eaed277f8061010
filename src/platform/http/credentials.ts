import { TenantId } from '../../contracts/ids';
import { KeyKind, Scope } from '../../contracts/permissions';

/** A verified credential. */
export interface Principal {
  keyId: string;
  kind: KeyKind;
  scopes: ReadonlySet<Scope>;
  /** tenant keys: their tenant. */
  tenantId: TenantId | null;
  /** service keys: the tenants they may act for; null means all. */
  tenantIds: ReadonlySet<TenantId> | null;
}

/** Port to the key store; implemented by modules/api-keys. */
export abstract class CredentialVerifier {
  /** The principal behind a presented key, or null for unknown, revoked, expired: all alike. */
  abstract verify(presented: string): Promise<Principal | null>;

  /** The same, if the key was verified before and has not changed since; null asks to verify it. */
  abstract recall(presented: string): Principal | null;
}

/** Port to the tenants; implemented by modules/tenants. */
export abstract class TenantDirectory {
  /** The tenant's status for the x-tenant-status header, or null when there is no such tenant. */
  abstract statusOf(tenantId: TenantId): Promise<string | null>;

  /** The same, if it is known without asking; null asks to ask. */
  abstract recall(tenantId: TenantId): string | null;
}
