import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BillingError } from '../../contracts/errors';
import { isUuid, TenantId } from '../../contracts/ids';
import { TenantContext } from '../database/tenant-context';
import { RequestContext } from '../request-context';
import { AccessRule } from './access';
import { CredentialVerifier, Principal, TenantDirectory } from './credentials';

/** Who came in, for which tenant. */
export interface Admission {
  readonly principal: Principal;
  readonly tenantId: TenantId | null;
  readonly status: string | null;
}

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
   * Answers at once (null) for a known key and tenant: hashing a key three times and asking for the tenant's
   * status would be a fifth of a short request's time.
   * @throws BillingError unauthenticated, tenant_header_required, tenant_header_invalid, tenant_mismatch,
   *   insufficient_scope, validation_failed for two credentials that differ
   */
  admit(request: FastifyRequest, reply: FastifyReply, rule: AccessRule): Promise<void> | null {
    if (rule.kind === 'public') return null;
    const presented = presentedKey(request);
    if (presented === null && rule.kind === 'optional') return null;
    if (presented === null) throw new BillingError('unauthenticated');
    const named = rawValues(request, 'tenant-id');
    const principal = this.verifier.recall(presented);
    if (!principal) return this.verify(presented, named, reply, rule);
    this.requestContext.setActor({ kind: principal.kind, id: principal.keyId });
    const tenantId = tenantFor(namedTenant(named), principal, rule);
    const status = tenantId && this.directory.recall(tenantId);
    if (tenantId && status === null) return this.askStatus(principal, tenantId, reply, rule);
    this.enter({ principal, tenantId, status }, reply, rule);
    return null;
  }

  /**
   * Who may do this on a route that needs a tenant, if key and tenant are known and all is well; else null, and
   * `admit` says what is wrong.
   */
  recognise(presented: string, named: string | null, rule: KeyRule): Admission | null {
    const principal = this.verifier.recall(presented);
    if (!principal?.scopes.has(rule.scope)) return null;
    const tenantId = named === null ? principal.tenantId : (named.toLowerCase() as TenantId);
    if (tenantId === null || (principal.tenantId !== null && principal.tenantId !== tenantId)) return null;
    if (principal.tenantIds && !principal.tenantIds.has(tenantId)) return null;
    const status = this.directory.recall(tenantId);
    return status === null ? null : { principal, tenantId, status };
  }

  /** Fills the context of a request whose caller was recognised. */
  resume({ principal, tenantId }: Admission): void {
    this.requestContext.setActor({ kind: principal.kind, id: principal.keyId });
    if (tenantId) this.tenantContext.enter(tenantId);
  }

  private async verify(
    presented: string,
    named: readonly string[],
    reply: FastifyReply,
    rule: KeyRule,
  ): Promise<void> {
    const principal = await this.verifier.verify(presented);
    if (!principal) throw new BillingError('unauthenticated');
    this.requestContext.setActor({ kind: principal.kind, id: principal.keyId });
    const tenantId = tenantFor(namedTenant(named), principal, rule);
    if (tenantId) await this.askStatus(principal, tenantId, reply, rule);
    else this.enter({ principal, tenantId, status: null }, reply, rule);
  }

  private async askStatus(
    principal: Principal,
    tenantId: TenantId,
    reply: FastifyReply,
    rule: KeyRule,
  ): Promise<void> {
    const status = await this.directory.statusOf(tenantId);
    // An unknown tenant looks like a foreign one.
    if (status === null) throw new BillingError('tenant_mismatch');
    this.enter({ principal, tenantId, status }, reply, rule);
  }

  private enter(admission: Admission, reply: FastifyReply, rule: KeyRule): void {
    const { principal, tenantId, status } = admission;
    this.resume(admission);
    if (tenantId) void reply.header('x-tenant-status', status);
    if (!principal.scopes.has(rule.scope)) throw new BillingError('insufficient_scope');
  }
}

type KeyRule = Exclude<AccessRule, { kind: 'public' }>;

function tenantFor(named: TenantId | null, principal: Principal, rule: KeyRule): TenantId | null {
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

function namedTenant(values: readonly string[]): TenantId | null {
  if (values.length === 0) return null;
  const [value] = values;
  if (values.length > 1 || !isUuid(value!)) throw new BillingError('tenant_header_invalid');
  return value!.toLowerCase() as TenantId;
}

/** All values of a header as sent; Node joins or drops repeated ones in `headers` (decisions 17). */
export function rawValues(request: FastifyRequest, name: string): string[] {
  const { rawHeaders } = request.raw;
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const header = rawHeaders[at]!;
    if (header.length === name.length && header.toLowerCase() === name) values.push(rawHeaders[at + 1]!);
  }
  return values;
}
