import { DataSource } from 'typeorm';

/**
 * For TypeORM's command line only (`npx typeorm migration:show -d dist/ormconfig.js`). The service itself
 * migrates at start under an advisory lock: src/platform/database/migrate.ts.
 */
export default new DataSource({
  type: 'postgres',
  url: process.env.MIGRATION_DATABASE_URL,
  migrations: [`${__dirname}/migrations/[0-9]*-*.{js,ts}`],
  migrationsTableName: 'schema_migrations',
  migrationsTransactionMode: 'each',
});
