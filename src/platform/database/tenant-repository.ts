import { EntityManager, EntityTarget, FindOptionsOrder, FindOptionsWhere, ObjectLiteral } from 'typeorm';
import { QueryDeepPartialEntity } from 'typeorm/query-builder/QueryPartialEntity';
import { TenantId } from '../../contracts/ids';
import { Database } from './database';
import { TenantContext } from './tenant-context';

interface TenantOwned extends ObjectLiteral {
  tenantId: TenantId;
}

type Where<E> = FindOptionsWhere<E> | FindOptionsWhere<E>[];

/**
 * Rows of one tenant. Every method reads the tenant from the context, ANDs it to every branch of the
 * condition, stamps it on inserts and refuses it in updates; row-level security stands behind (R-24, F-72).
 * There is no save(): it would update by primary key and could move a row between tenants (F-74).
 */
export abstract class TenantRepository<E extends TenantOwned> {
  constructor(
    private readonly entity: EntityTarget<E>,
    protected readonly database: Database,
    protected readonly context: TenantContext,
  ) {}

  protected findOne(where: Where<E>, order?: FindOptionsOrder<E>): Promise<E | null> {
    return this.database.inTenant((manager) =>
      manager.findOne(this.entity, { where: this.withTenant(where), order }),
    );
  }

  protected find(where: Where<E>, order?: FindOptionsOrder<E>, take?: number): Promise<E[]> {
    return this.database.inTenant((manager) =>
      manager.find(this.entity, { where: this.withTenant(where), order, take }),
    );
  }

  /** Reads one row and holds it until the transaction ends. Needs a running transaction to be of use. */
  protected lockOne(where: Where<E>): Promise<E | null> {
    return this.database.inTenant((manager) =>
      manager.findOne(this.entity, {
        where: this.withTenant(where),
        lock: { mode: 'pessimistic_write' },
      }),
    );
  }

  protected async add(row: Omit<QueryDeepPartialEntity<E>, 'tenantId'>): Promise<void> {
    await this.database.inTenant((manager) =>
      manager.insert(this.entity, this.stamped(row as QueryDeepPartialEntity<E>)),
    );
  }

  /** Inserts unless the unique key exists; true when a row was born. */
  protected async addOnce(row: Omit<QueryDeepPartialEntity<E>, 'tenantId'>): Promise<boolean> {
    return this.database.inTenant(async (manager) => {
      const result = await manager
        .createQueryBuilder()
        .insert()
        .into(this.entity)
        .values(this.stamped(row as QueryDeepPartialEntity<E>))
        .orIgnore()
        .returning('*')
        .execute();
      return (result.raw as unknown[]).length > 0;
    });
  }

  /** Changes the rows that match; returns how many. */
  protected async update(where: Where<E>, changes: QueryDeepPartialEntity<E>): Promise<number> {
    if ('tenantId' in changes) throw new Error('A row never changes its tenant');
    return this.database.inTenant(async (manager) => {
      const branches = this.withTenant(where);
      let affected = 0;
      for (const branch of Array.isArray(branches) ? branches : [branches])
        affected += (await manager.update(this.entity, branch, changes)).affected ?? 0;
      return affected;
    });
  }

  protected async remove(where: Where<E>): Promise<number> {
    return this.database.inTenant(async (manager) => {
      const branches = this.withTenant(where);
      let affected = 0;
      for (const branch of Array.isArray(branches) ? branches : [branches])
        affected += (await manager.delete(this.entity, branch)).affected ?? 0;
      return affected;
    });
  }

  /** Hand-written SQL for one tenant; `$1` is always the tenant. */
  protected async sql<Row>(text: string, ...parameters: unknown[]): Promise<Row[]> {
    if (!text.includes('$1')) throw new Error('Tenant SQL must use $1, the tenant');
    return this.database.inTenant((manager) =>
      manager.query<Row[]>(text, [this.context.tenantId, ...parameters]),
    );
  }

  /** For questions over all tenants; the calling method's name must end in AcrossTenants. */
  protected acrossTenants<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.database.acrossTenants(work);
  }

  private withTenant(where: Where<E>): Where<E> {
    const tenantId = this.context.tenantId;
    const branch = (condition: FindOptionsWhere<E>): FindOptionsWhere<E> => {
      if ('tenantId' in condition) throw new Error('The tenant comes from the context, not from a condition');
      return { ...condition, tenantId } as FindOptionsWhere<E>;
    };
    return Array.isArray(where) ? where.map(branch) : branch(where);
  }

  private stamped(row: QueryDeepPartialEntity<E>): QueryDeepPartialEntity<E> {
    if ('tenantId' in row) throw new Error('The tenant comes from the context, not from the row');
    return { ...row, tenantId: this.context.tenantId } as QueryDeepPartialEntity<E>;
  }
}
