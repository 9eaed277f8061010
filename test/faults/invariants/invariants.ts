import { Client } from 'pg';
import { checkAuditChains } from './audit-check';
import type { Check, Violation } from './check';
import { PLATFORM_CHECKS } from './platform-checks';
import { checkCache } from './redis-check';
import { USAGE_CHECKS } from './usage-checks';

export interface InvariantOptions {
  /** A superuser's: row-level security would hide what is wrong. */
  databaseUrl: string;
  /** With it the cached numbers are compared too (I4). */
  redisUrl?: string;
  /** Looks at these tenants only; at all of them when left out. */
  tenants?: string[];
  /** LIMIT_GRACE_PERCENT of the service; 0 when left out. */
  gracePercent?: number;
}

const SHOWN = 5;

/** Everything in a database that breaks an invariant of reliability A; empty when all hold. */
export async function findViolations(options: InvariantOptions): Promise<Violation[]> {
  const client = new Client({ connectionString: options.databaseUrl });
  await client.connect();
  try {
    return await findViolationsWith(client, options);
  } finally {
    await client.end();
  }
}

/** The same over a connection that is open already. */
export async function findViolationsWith(
  client: Client,
  { redisUrl, tenants, gracePercent = 0 }: Omit<InvariantOptions, 'databaseUrl'>,
): Promise<Violation[]> {
  const whose = tenants ?? null;
  // One moment for all questions: between two of them the service may have moved on.
  await client.query('begin isolation level repeatable read read only');
  try {
    const found: Violation[] = [];
    for (const check of [...USAGE_CHECKS, ...PLATFORM_CHECKS])
      found.push(...(await ask(client, check, whose, gracePercent)));
    found.push(...(await checkAuditChains(client, whose)));
    if (redisUrl) found.push(...(await checkCache(client, redisUrl, whose)));
    return found;
  } finally {
    await client.query('rollback');
  }
}

/** What a person reads: one line a rule, and where it is broken. */
export function describeViolations(violations: readonly Violation[]): string {
  return violations
    .map(({ id, holds, where, count }) => {
      const places = where.map((place) => `      ${JSON.stringify(place)}`).join('\n');
      return `  ${id} broken ${count}×: ${holds}\n${places}`;
    })
    .join('\n');
}

/** @throws Error that names every violation */
export async function expectInvariants(options: InvariantOptions): Promise<void> {
  const violations = await findViolations(options);
  if (violations.length > 0) throw new Error(`invariants are broken:\n${describeViolations(violations)}`);
}

/** How many rules are looked at. */
export const CHECKS = USAGE_CHECKS.length + PLATFORM_CHECKS.length + 1;

async function ask(
  client: Client,
  check: Check,
  tenants: string[] | null,
  gracePercent: number,
): Promise<Violation[]> {
  // Said outright, or left out: with "all of them, or these" Postgres would read everything to find a few.
  const sql = check.sql
    .replaceAll('{grace}', `${(100 + gracePercent) / 100}`)
    .replace(/\[([\w.]+)\]/g, tenants === null ? 'true' : '$1 = any($$1)');
  const { rows } = await client.query<Record<string, unknown>>(sql, sql.includes('$1') ? [tenants] : []);
  if (rows.length === 0) return [];
  return [{ id: check.id, holds: check.holds, where: rows.slice(0, SHOWN), count: rows.length }];
}
