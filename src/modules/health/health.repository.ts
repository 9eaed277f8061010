import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database';
import { migrationClasses } from '../../platform/database/migrate';

/** What the database says of its schema and of the role we came in with. */
export interface DatabaseState {
  isMigrated: boolean;
  /** Superuser or BYPASSRLS: row-level security would not hold. */
  isUnsafeRole: boolean;
  /** The role owns tables: it could take the policies off (decisions 1). */
  isOwner: boolean;
}

interface Row {
  ran: string[] | null;
  unsafe: boolean;
  owner: boolean;
}

@Injectable()
export class HealthRepository {
  private expected: Promise<string[]> | null = null;

  constructor(private readonly database: Database) {}

  /** @throws Error when Postgres cannot be asked */
  async read(): Promise<DatabaseState> {
    const [row] = await this.database.inNewTransaction((manager) =>
      manager.query<Row[]>(
        `select (select array_agg(name::text) from schema_migrations) as ran,
                role.rolsuper or role.rolbypassrls as unsafe,
                exists (select 1 from pg_class where relname = 'tenants' and relowner = role.oid) as owner
         from pg_roles role where role.rolname = current_user`,
      ),
    );
    const ran = new Set(row?.ran ?? []);
    const expected = await this.expectedMigrations();
    return {
      isMigrated: expected.every((name) => ran.has(name)),
      isUnsafeRole: row?.unsafe ?? true,
      isOwner: row?.owner ?? true,
    };
  }

  private expectedMigrations(): Promise<string[]> {
    this.expected ??= migrationClasses().then((classes) => classes.map(({ name }) => name));
    return this.expected;
  }
}
