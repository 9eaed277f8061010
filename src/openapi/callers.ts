import type { DocumentBuilder } from '@nestjs/swagger';
import type { AccessRule } from '../platform/http/access';
import type { Described, Operation } from './operations';

type SecurityScheme = Parameters<DocumentBuilder['addSecurity']>[1];
type SecurityRequirement = NonNullable<Described['security']>[number];

/** How a caller proves who it is. */
export const SECURITY_SCHEMES: Record<'key' | 'x-api-key' | 'stripe-signature', SecurityScheme> = {
  key: { type: 'http', scheme: 'bearer', description: 'A key of kind admin, service or tenant.' },
  'x-api-key': {
    type: 'apiKey',
    in: 'header',
    name: 'x-api-key',
    description: 'The same key in a header of its own. Both may be sent when they are equal.',
  },
  'stripe-signature': {
    type: 'apiKey',
    in: 'header',
    name: 'Stripe-Signature',
    description: 'HMAC-SHA256 over the time and the exact bytes of the body, with the endpoint’s secret.',
  },
};

/** A key in either header. */
const ANY_KEY: SecurityRequirement[] = [{ key: [] }, { 'x-api-key': [] }];

const TENANT_ID = {
  name: 'tenant-id',
  in: 'header' as const,
  schema: { type: 'string', format: 'uuid' },
};

/** Says of each operation which credential it takes, which scope that needs, and whose tenant it acts for. */
export function describeCallers(operations: Operation[]): void {
  for (const { described, access } of operations) {
    // A public route may have named a credential of its own kind, as the webhook does.
    described.security ??= securityOf(access);
    if (access.kind !== 'public')
      described.description = [described.description, scopeNote(access)].filter(Boolean).join('\n\n');
    if (takesTenant(access))
      described.parameters = [...(described.parameters ?? []), { ...TENANT_ID, ...tenantNote(access) }];
  }
}

/** Whether the route acts for one tenant, when there is a credential. */
export function takesTenant(access: AccessRule): boolean {
  return access.kind === 'optional' || (access.kind === 'key' && access.tenant === 'required');
}

function securityOf(access: AccessRule): SecurityRequirement[] {
  if (access.kind === 'public') return [];
  return access.kind === 'optional' ? [{}, ...ANY_KEY] : ANY_KEY;
}

function scopeNote(access: Exclude<AccessRule, { kind: 'public' }>): string {
  return access.kind === 'optional'
    ? `Open to everyone; a key needs the scope \`${access.scope}\`.`
    : `Needs a key with the scope \`${access.scope}\`.`;
}

function tenantNote(access: AccessRule): { required: boolean; description: string } {
  const rule =
    access.kind === 'optional'
      ? 'Adds the plans of this tenant, with a key of kind admin or service.'
      : 'The tenant to act for. Required with a key of kind admin or service.';
  return {
    required: false,
    description: `${rule} A key of kind tenant is bound to its own; if sent, it must be that one.`,
  };
}
