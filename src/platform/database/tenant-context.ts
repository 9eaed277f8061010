import { Injectable } from '@nestjs/common';
import { TransactionHost } from '@nestjs-cls/transactional';
import { ClsService, ClsServiceManager } from 'nestjs-cls';
import { isUuid, TenantId } from '../../contracts/ids';
import { CONTEXT_KEYS } from '../context-keys';

const { tenantId: TENANT, acrossTenants: ACROSS } = CONTEXT_KEYS;

/** Thrown when code that needs a tenant runs without one: a mistake of ours, never an answer to a caller. */
export class MissingTenantContext extends Error {
  constructor() {
    super('This code needs a tenant context: run it inside tenantContext.run(tenantId, ...)');
    this.name = 'MissingTenantContext';
  }
}

/**
 * Whose data may be touched now. Filled by authentication (or by a job, from the row it owns), read by the
 * tenant-aware repositories and by every transaction for row-level security. There is no default tenant.
 */
@Injectable()
export class TenantContext {
  private readonly cls: ClsService = ClsServiceManager.getClsService();

  /** Enters a verified tenant for the rest of this request. Only authentication calls it. */
  enter(tenantId: TenantId): void {
    this.cls.set(TENANT, assertTenant(tenantId));
  }

  /**
   * Runs `fn` for one tenant. A transaction that sees all tenants may go on inside it (an operator's action
   * on one tenant stays atomic); another tenant's transaction is left, never carried over.
   */
  run<T>(tenantId: TenantId, fn: () => Promise<T>): Promise<T> {
    assertTenant(tenantId);
    return this.cls.run({ ifNested: 'inherit' }, () => {
      const mayGoOn = this.isAcrossTenants || this.cls.get(TENANT) === tenantId;
      this.cls.set(TENANT, tenantId);
      return mayGoOn ? fn() : TransactionHost.getInstance().withoutTransaction(fn);
    });
  }

  /** Runs `fn` with sight of all tenants; only `Database.acrossTenants` calls it. */
  runAcross<T>(fn: () => Promise<T>): Promise<T> {
    return this.cls.run({ ifNested: 'inherit' }, () => {
      this.cls.set(ACROSS, true);
      return fn();
    });
  }

  /** @throws MissingTenantContext */
  get tenantId(): TenantId {
    const tenantId = this.tenantIdOrNull;
    if (tenantId === null) throw new MissingTenantContext();
    return tenantId;
  }

  get tenantIdOrNull(): TenantId | null {
    return this.cls.isActive() ? ((this.cls.get(TENANT) as TenantId | undefined) ?? null) : null;
  }

  get isAcrossTenants(): boolean {
    return this.cls.isActive() && this.cls.get(ACROSS) === true;
  }

  /** The value of `app.tenant_id` for a new transaction: all, one, or none (which sees nothing). */
  get rowScope(): string {
    return this.isAcrossTenants ? '*' : (this.tenantIdOrNull ?? '');
  }
}

function assertTenant(tenantId: TenantId): TenantId {
  // A made-up scope such as '*' must never reach the database setting.
  if (typeof tenantId !== 'string' || !isUuid(tenantId)) throw new MissingTenantContext();
  return tenantId;
}
