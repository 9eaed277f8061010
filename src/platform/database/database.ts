import { Injectable } from '@nestjs/common';
import { Propagation, TransactionHost } from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { DataSource, EntityManager } from 'typeorm';
import { ClsServiceManager } from 'nestjs-cls';
import { TenantContext } from './tenant-context';

/** Says whose rows a transaction may see, for as long as it lasts. */
export const SCOPE_TRANSACTION = "select set_config('app.tenant_id', $1, true)";

/**
 * The transactional adapter with our first statement: every transaction says whose rows it may see before
 * it does anything else, transaction-locally and by bind parameter (decisions 3, security S-05).
 */
export class TenantScopedAdapter extends TransactionalAdapterTypeOrm {
  constructor(dataSourceToken: unknown, scope: () => string) {
    super({ dataSourceToken });
    const inherited = this.optionsFactory;
    this.optionsFactory = (dataSource: DataSource) => ({
      ...inherited(dataSource),
      wrapWithTransaction: (options, fn, setClient) =>
        dataSource.transaction(options?.isolationLevel ?? 'READ COMMITTED', async (manager) => {
          await manager.query(SCOPE_TRANSACTION, [scope()]);
          setClient(manager);
          return fn();
        }),
    });
  }
}

/** Opens transactions in the right scope. Repositories get their manager here and nowhere else. */
@Injectable()
export class Database {
  constructor(
    private readonly host: TransactionHost<TransactionalAdapterTypeOrm>,
    private readonly context: TenantContext,
  ) {}

  /** Joins the running transaction or opens one, in the scope of the context. */
  inTransaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.host.withTransaction(Propagation.Required, () => work(this.host.tx));
  }

  /** Commits on its own, whatever becomes of the surrounding transaction. */
  inNewTransaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.host.withTransaction(Propagation.RequiresNew, () => work(this.host.tx));
  }

  /**
   * Joins or opens a transaction for the tenant of the context.
   * @throws MissingTenantContext
   */
  async inTenant<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    void this.context.tenantId;
    return this.inTransaction(work);
  }

  /**
   * Sees the rows of all tenants, in a transaction of its own (or the running one, if that is across
   * tenants already). Only methods whose names end in AcrossTenants may call it.
   */
  acrossTenants<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (this.context.isAcrossTenants) return this.inTransaction(work);
    return this.context.runAcross(() => this.inNewTransaction(work));
  }

  /** Runs `fn` outside any transaction: what calls other services over the network belongs here. */
  outsideTransaction<T>(fn: () => Promise<T>): Promise<T> {
    return this.host.withoutTransaction(fn);
  }

  get isInTransaction(): boolean {
    return ClsServiceManager.getClsService().isActive() && this.host.isTransactionActive();
  }
}
