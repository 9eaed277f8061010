/**
 * Who may do what, on one page: the kinds of credential and the scopes each may carry.
 * A route names one scope; a key passes when its kind may hold the scope and the key does hold it.
 */
export const KEY_KINDS = ['admin', 'service', 'tenant'] as const;
/** admin: operators. service: trusted back ends, any listed tenant. tenant: bound to one tenant. */
export type KeyKind = (typeof KEY_KINDS)[number];

const TENANT_KINDS: readonly KeyKind[] = ['admin', 'service', 'tenant'];
const ADMIN_ONLY: readonly KeyKind[] = ['admin'];

export const SCOPES = {
  'admin:plans': ADMIN_ONLY,
  'admin:tenants': ADMIN_ONLY,
  'admin:stripe': ADMIN_ONLY,
  'admin:subscriptions': ADMIN_ONLY,
  'admin:keys': ADMIN_ONLY,
  'admin:metrics': ADMIN_ONLY,
  'admin:sandbox': ADMIN_ONLY,
  'usage:read': TENANT_KINDS,
  'usage:write': TENANT_KINDS,
  'usage:correct': ['admin', 'service'],
  'billing:read': TENANT_KINDS,
  'billing:write': TENANT_KINDS,
  'plans:read': TENANT_KINDS,
} as const satisfies Record<string, readonly KeyKind[]>;

export type Scope = keyof typeof SCOPES;

/** The scopes a kind of key may carry: what a key gets when none are named at issue. */
export function scopesOf(kind: KeyKind): Scope[] {
  return (Object.keys(SCOPES) as Scope[]).filter((scope) =>
    (SCOPES[scope] as readonly KeyKind[]).includes(kind),
  );
}
