/**
 * Looks at a database of the service, whoever runs on it, and says which invariants are broken.
 *
 *   npm run test:invariants -- postgres://superuser@host/billing [--redis redis://host] [--tenant <id>]…
 *
 * Ends with 0 when all hold, with 1 when one is broken, with 2 when it could not look.
 */
import { parseArgs } from 'node:util';
import { CHECKS, describeViolations, findViolations } from './invariants/invariants';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'database-url': { type: 'string' },
      redis: { type: 'string' },
      tenant: { type: 'string', multiple: true },
    },
  });
  const databaseUrl = values['database-url'] ?? positionals[0];
  if (!databaseUrl) throw new Error('Give the URL of the database, as a superuser.');
  const begun = performance.now();
  const violations = await findViolations({ databaseUrl, redisUrl: values.redis, tenants: values.tenant });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  if (violations.length > 0) process.stdout.write(`${describeViolations(violations)}\n`);
  process.stdout.write(`${CHECKS} rules looked at in ${seconds} s, ${violations.length} broken\n`);
  return violations.length === 0 ? 0 : 1;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 2;
  },
);
