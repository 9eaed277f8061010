import { Inject, Injectable } from '@nestjs/common';
import { BillingError, FieldError } from '../../contracts/errors';
import { ApiKeyId, isUuid, TenantId } from '../../contracts/ids';
import { KeyKind, Scope, scopesOf } from '../../contracts/permissions';
import { makeApiKey, parseApiKey } from '../../platform/api-key-format';
import { AuditRecorder } from '../../platform/audit/audit-recorder';
import { Clock } from '../../platform/clock';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { sha256, uuidV7 } from '../../platform/crypto';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';
import { Outbox } from '../../platform/outbox/outbox';
import { RequestContext } from '../../platform/request-context';
import { TenantsService } from '../tenants/tenants.service';
import { ApiKey, BOOTSTRAP_KEY_ID } from './api-key';
import { ApiKeyVerifier } from './api-key-verifier';
import { toApiKeyView } from './api-keys.dto';
import { ApiKeysRepository, KeyPosition } from './api-keys.repository';

/** What a new key shall be. */
export interface NewApiKey {
  name: string;
  kind: KeyKind;
  tenantId?: TenantId | null;
  tenantIds?: TenantId[] | null;
  scopes?: Scope[];
  expiresAt?: Date | null;
}

export interface IssuedApiKey {
  key: ApiKey;
  /** The whole text of the key; exists here and nowhere else. */
  secret: string;
}

/** Issues, shows and revokes keys. Whether a presented text is one of them is the verifier's question. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly keys: ApiKeysRepository,
    private readonly verifier: ApiKeyVerifier,
    private readonly tenants: TenantsService,
    private readonly database: Database,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
    private readonly audit: AuditRecorder,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Makes a key. A key never makes a stronger one: it hands on at most the scopes it holds itself (S-17).
   * @throws BillingError validation_failed, tenant_not_found, insufficient_scope
   */
  async issue(request: NewApiKey): Promise<IssuedApiKey> {
    const mistakes = mistakesIn(request, this.clock.now());
    if (mistakes.length > 0) throw new BillingError('validation_failed', { errors: mistakes });
    const named = request.tenantId ? [request.tenantId] : (request.tenantIds ?? []);
    if ((await this.tenants.missingAcrossTenants(named)).length > 0)
      throw new BillingError('tenant_not_found');

    const scopes = await this.scopesFor(request);
    const text = makeApiKey(this.config.stripe.livemode ? 'live' : 'test');
    const { publicId, secret } = parseApiKey(text)!;
    const key: ApiKey = {
      id: uuidV7(this.clock.realNow().getTime()) as ApiKeyId,
      tenantId: request.tenantId ?? null,
      kind: request.kind,
      name: request.name,
      publicId,
      scopes,
      tenantIds: request.tenantIds ?? null,
      expiresAt: request.expiresAt ?? null,
      revokedAt: null,
      lastUsedAt: null,
      createdAt: this.clock.now(),
    };
    await this.database.acrossTenants(async () => {
      await this.keys.addAcrossTenants({ ...key, secretHash: sha256(secret) });
      await this.tell('issued', key);
    });
    return { key, secret: text };
  }

  /** @throws BillingError not_found */
  async get(id: string): Promise<ApiKey> {
    const key = isUuid(id) ? await this.keys.findAcrossTenants(id) : null;
    if (!key) throw new BillingError('not_found');
    return key;
  }

  /** The key that makes this request; null for the operator's key from the environment, which has no row. */
  async calling(): Promise<ApiKey | null> {
    const { id } = this.requestContext.actor;
    return id === BOOTSTRAP_KEY_ID ? null : this.get(id);
  }

  /** Newest first; one key more than `limit` when there are more. */
  list(tenantId: TenantId | null, after: KeyPosition | null, limit: number): Promise<ApiKey[]> {
    return this.keys.pageAcrossTenants(tenantId, after, limit);
  }

  /**
   * Ends a key for ever; in force here at once and everywhere within a second. Doing it again changes nothing.
   * @throws BillingError not_found
   */
  async revoke(id: string): Promise<ApiKey> {
    if (!isUuid(id)) throw new BillingError('not_found');
    const revoked = await this.database.acrossTenants(async () => {
      const key = await this.keys.lockAcrossTenants(id);
      if (!key) throw new BillingError('not_found');
      if (key.revokedAt !== null) return key;
      const ended = { ...key, revokedAt: this.clock.now() };
      await this.keys.markRevokedAcrossTenants(key.id, ended.revokedAt);
      await this.tell('revoked', ended, key);
      return ended;
    });
    this.verifier.forget(revoked.publicId);
    return revoked;
  }

  /** Audit row and event, in the tenant's chain for its own keys and in the system's for all others. */
  private async tell(what: 'issued' | 'revoked', key: ApiKey, before?: ApiKey): Promise<void> {
    const now = this.clock.now();
    const view = { ...toApiKeyView(key, now) };
    const record = async (): Promise<void> => {
      await this.outbox.record({
        type: `api_key.${what}`,
        aggregateType: 'api_key',
        aggregateId: key.id,
        data: view,
        previous: before ? { status: 'active', revoked_at: null } : null,
      });
      await this.audit.record({
        action: what === 'issued' ? 'API_KEY_ISSUED' : 'API_KEY_REVOKED',
        targetType: 'api_key',
        targetId: key.id,
        before: before ? { ...toApiKeyView(before, now) } : null,
        after: view,
      });
    };
    await (key.tenantId ? this.tenantContext.run(key.tenantId, record) : record());
  }

  private async scopesFor(request: NewApiKey): Promise<Scope[]> {
    const own = await this.scopesOfIssuer();
    const possible = scopesOf(request.kind).filter((scope) => own.has(scope));
    const scopes = request.scopes ?? possible;
    if (scopes.length === 0 || scopes.some((scope) => !own.has(scope)))
      throw new BillingError('insufficient_scope', { detail: 'A key hands on only scopes that it holds.' });
    return scopes;
  }

  private async scopesOfIssuer(): Promise<ReadonlySet<Scope>> {
    const { kind, id } = this.requestContext.actor;
    if (kind === 'system' || id === BOOTSTRAP_KEY_ID) return new Set(scopesOf('admin'));
    return new Set((await this.get(id)).scopes);
  }
}

function mistakesIn(request: NewApiKey, now: Date): FieldError[] {
  const mistakes: FieldError[] = [];
  const wrong = (pointer: string, code: string, message: string): void => {
    mistakes.push({ pointer, code, message });
  };
  if (request.kind === 'tenant' && !request.tenantId)
    wrong('/tenant_id', 'required', 'A key of kind tenant is bound to one tenant.');
  if (request.kind !== 'tenant' && request.tenantId)
    wrong('/tenant_id', 'not_allowed', 'Only keys of kind tenant are bound to one tenant.');
  if (request.kind !== 'service' && request.tenantIds)
    wrong('/tenant_ids', 'not_allowed', 'Only keys of kind service carry a list of tenants.');
  if (request.expiresAt && request.expiresAt <= now)
    wrong('/expires_at', 'in_the_past', 'expires_at must be in the future.');
  const allowed = scopesOf(request.kind);
  request.scopes?.forEach((scope, index) => {
    if (!allowed.includes(scope))
      wrong(`/scopes/${index}`, 'not_allowed', 'This kind of key may not hold this scope.');
  });
  return mistakes;
}
