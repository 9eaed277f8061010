import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BillingError } from '../../contracts/errors';
import { isUuid, TenantId } from '../../contracts/ids';
import { TenantContext } from '../database/tenant-context';
import { RequestContext } from '../request-context';
import { AccessRule } from './access';
import { CredentialVerifier, Principal, TenantDirectory } from './credentials';

/** Longer ones are refused before anything is hashed (B-033). */
const MAX_CREDENTIAL = 200;

/**
 * Credential -> principal -> tenant, before the body is read (decisions 17). The tenant always comes from
 * the credential or is checked against it; a header alone never chooses one.
 */
@Injectable()
export class Authentication {
  constructor(
    private readonly verifier: CredentialVerifier,
    private readonly directory: TenantDirectory,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
  ) {}

  /**
   * @throws BillingError unauthenticated, tenant_header_required, tenant_header_invalid, tenant_mismatch,
   *   insufficient_scope, validation_failed for two credentials that differ
   */
  async admit(request: FastifyRequest, reply: FastifyReply, rule: AccessRule): Promise<void> {
    if (rule.kind === 'public') return;
    const presented = presentedKey(request);
    if (presented === null && rule.kind === 'optional') return;
    const principal = presented === null ? null : await this.verifier.verify(presented);
    if (!principal) throw new BillingError('unauthenticated');
    this.requestContext.setActor({ kind: principal.kind, id: principal.keyId });

    const tenantId = await this.tenantFor(request, principal, rule);
    if (tenantId) {
      const status = await this.directory.statusOf(tenantId);
      // An unknown tenant looks like a foreign one.
      if (status === null) throw new BillingError('tenant_mismatch');
      this.tenantContext.enter(tenantId);
      void reply.header('x-tenant-status', status);
    }
    if (!principal.scopes.has(rule.scope)) throw new BillingError('insufficient_scope');
  }

  private async tenantFor(
    request: FastifyRequest,
    principal: Principal,
    rule: AccessRule,
  ): Promise<TenantId | null> {
    const named = namedTenant(request);
    if (principal.tenantId !== null) {
      if (named !== null && named !== principal.tenantId) throw new BillingError('tenant_mismatch');
      return principal.tenantId;
    }
    if (rule.kind === 'key' && rule.tenant === 'none') return null;
    if (named === null) {
      if (rule.kind === 'optional') return null;
      throw new BillingError('tenant_header_required');
    }
    if (principal.tenantIds && !principal.tenantIds.has(named)) throw new BillingError('tenant_mismatch');
    return named;
  }
}

/** The key of Authorization: Bearer or x-api-key; both may be sent only if they are equal (B-036). */
function presentedKey(request: FastifyRequest): string | null {
  const authorizations = rawValues(request, 'authorization');
  const apiKeys = rawValues(request, 'x-api-key');
  const keys = [...authorizations.map(bearerToken), ...apiKeys];
  if (keys.length === 0) return null;
  if (new Set(keys).size > 1)
    throw new BillingError('validation_failed', {
      errors: [{ pointer: 'header:authorization', code: 'ambiguous', message: 'Send one credential only.' }],
    });
  const key = keys[0]!;
  if (key.length === 0 || key.length > MAX_CREDENTIAL) throw new BillingError('unauthenticated');
  return key;
}

function bearerToken(header: string): string {
  const match = /^Bearer ([\x21-\x7e]+)$/i.exec(header);
  if (!match) throw new BillingError('unauthenticated');
  return match[1]!;
}

function namedTenant(request: FastifyRequest): TenantId | null {
  const values = rawValues(request, 'tenant-id');
  if (values.length === 0) return null;
  const [value] = values;
  if (values.length > 1 || !isUuid(value!)) throw new BillingError('tenant_header_invalid');
  return value!.toLowerCase() as TenantId;
}

/** All values of a header as sent; Node joins or drops repeated ones in `headers` (decisions 17). */
export function rawValues(request: FastifyRequest, name: string): string[] {
  const { rawHeaders } = request.raw;
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.toLowerCase() === name) values.push(rawHeaders[at + 1]!);
  return values;
}
