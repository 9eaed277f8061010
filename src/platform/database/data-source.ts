import { DataSourceOptions, DefaultNamingStrategy, NamingStrategyInterface } from 'typeorm';

/**
 * Options of the running service's pool. The schema is made by migrations only; `synchronize` stays off.
 * Budgets as in reliability C.14: a statement 5 s, a lock 2 s, an idle transaction 5 s, the pool 1 s.
 */
export function appDataSourceOptions(url: string, poolSize: number): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    poolSize,
    namingStrategy: new SnakeCaseNames(),
    synchronize: false,
    // null or undefined in a where would silently widen it (F-71).
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    extra: {
      connectionTimeoutMillis: 5000,
      statement_timeout: 5000,
      lock_timeout: 2000,
      idle_in_transaction_session_timeout: 5000,
      application_name: 'tenant-billing',
      keepAlive: true,
    },
  };
}

/** Columns are the snake_case of their properties: `trialEndsAt` -> `trial_ends_at`. */
export class SnakeCaseNames extends DefaultNamingStrategy implements NamingStrategyInterface {
  override columnName(propertyName: string, customName: string | undefined): string {
    return customName ?? propertyName.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  }
}
