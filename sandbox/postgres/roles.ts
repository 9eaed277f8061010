/** The two roles of decision 1, and the passwords they have here. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';

/** Passwords by role: `postgres` is the superuser, `owner` migrates, `app` runs. */
export interface PostgresPasswords {
  readonly postgres: string;
  readonly owner: string;
  readonly app: string;
}

/** The passwords of the cluster in `dir`, made once and kept readable by us alone. */
export function clusterPasswords(dir: string): PostgresPasswords {
  const file = join(dir, 'passwords.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as PostgresPasswords;
  const password = () => randomBytes(24).toString('base64url');
  const passwords = { postgres: password(), owner: password(), app: password() };
  writeFileSync(file, JSON.stringify(passwords), { mode: 0o600 });
  return passwords;
}

/**
 * Makes the roles `owner` and `app`, or gives existing ones these passwords.
 * `app` can log in and nothing else: no superuser, no BYPASSRLS, owner of nothing (decision 1).
 */
export async function ensureRoles(superuserUrl: string, passwords: PostgresPasswords): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    for (const role of ['owner', 'app'] as const) {
      const known = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
      const verb = known.rowCount === 0 ? 'CREATE' : 'ALTER';
      await client.query(
        `${verb} ROLE ${client.escapeIdentifier(role)} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE ` +
          `PASSWORD ${client.escapeLiteral(passwords[role])}`,
      );
    }
  });
}

/** Makes a database that belongs to `owner`, in which `app` may do only what it is granted. */
export async function ensureDatabase(superuserUrl: string, name: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    const known = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (known.rowCount === 0)
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)} OWNER owner`);
  });
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
