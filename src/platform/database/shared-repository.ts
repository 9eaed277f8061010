import { EntityManager, EntityTarget, FindOptionsOrder, FindOptionsWhere, ObjectLiteral } from 'typeorm';
import { QueryDeepPartialEntity } from 'typeorm/query-builder/QueryPartialEntity';
import { Database } from './database';

type Where<E> = FindOptionsWhere<E> | FindOptionsWhere<E>[];

/**
 * Rows that belong to nobody or to all (plans, tenants, keys, the Stripe inbox, slots). Row-level policies of
 * their own decide what a tenant's transaction sees of them; system work goes through `acrossTenants`.
 */
export abstract class SharedRepository<E extends ObjectLiteral> {
  constructor(
    protected readonly entity: EntityTarget<E>,
    protected readonly database: Database,
  ) {}

  protected findOne(where: Where<E>, order?: FindOptionsOrder<E>): Promise<E | null> {
    return this.database.inTransaction((manager) => manager.findOne(this.entity, { where, order }));
  }

  protected find(where: Where<E>, order?: FindOptionsOrder<E>, take?: number): Promise<E[]> {
    return this.database.inTransaction((manager) => manager.find(this.entity, { where, order, take }));
  }

  protected lockOne(where: Where<E>): Promise<E | null> {
    return this.database.inTransaction((manager) =>
      manager.findOne(this.entity, { where, lock: { mode: 'pessimistic_write' } }),
    );
  }

  protected async add(row: QueryDeepPartialEntity<E>): Promise<void> {
    await this.database.inTransaction((manager) => manager.insert(this.entity, row));
  }

  /** Inserts unless a unique key exists; true when a row was born. */
  protected async addOnce(row: QueryDeepPartialEntity<E>): Promise<boolean> {
    return this.database.inTransaction(async (manager) => {
      const result = await manager
        .createQueryBuilder()
        .insert()
        .into(this.entity)
        .values(row)
        .orIgnore()
        .returning('*')
        .execute();
      return (result.raw as unknown[]).length > 0;
    });
  }

  protected async update(where: FindOptionsWhere<E>, changes: QueryDeepPartialEntity<E>): Promise<number> {
    const result = await this.database.inTransaction((manager) =>
      manager.update(this.entity, where, changes),
    );
    return result.affected ?? 0;
  }

  protected sql<Row>(text: string, ...parameters: unknown[]): Promise<Row[]> {
    return this.database.inTransaction((manager) => manager.query<Row[]>(text, parameters));
  }

  /** The calling method's name must end in AcrossTenants. */
  protected acrossTenants<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.database.acrossTenants(work);
  }
}
