/**
 * The long fault tests, each on a cluster of its own, with a table of figures at the end.
 *
 *   npm run test:faults                     all of them
 *   npm run test:faults -- R-01 R-06        some
 *   npm run test:faults -- --short R-08     as `npm test` runs them
 *
 * Ends with 1 when a promise was not kept.
 */
import { parseArgs } from 'node:util';
import { Cluster } from './cluster';
import type { Report, Scenario, Size } from './scenario';
import { SCENARIOS } from './scenarios';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  });
  const wanted = positionals.map((id) => id.toUpperCase());
  const unknown = wanted.filter((id) => !SCENARIOS.some((scenario) => scenario.id === id));
  if (unknown.length > 0)
    throw new Error(
      `No such scenario: ${unknown.join(', ')}. There are ${SCENARIOS.map(({ id }) => id).join(', ')}.`,
    );
  const chosen = SCENARIOS.filter(({ id }) => wanted.length === 0 || wanted.includes(id));
  const size: Size = values.short ? 'short' : 'long';
  const reports: { scenario: Scenario; report: Report }[] = [];
  for (const scenario of chosen) {
    say(`${scenario.id}  ${scenario.title} …`);
    const report = await runOne(scenario, size);
    reports.push({ scenario, report });
    say(describe(scenario, report));
  }
  if (values.json)
    process.stdout.write(
      `${JSON.stringify(
        reports.map(({ scenario: { id }, report }) => ({ id, ...report })),
        null,
        2,
      )}\n`,
    );
  else
    process.stdout.write(
      `\n${reports.map(({ scenario, report }) => describe(scenario, report)).join('\n')}\n`,
    );
  process.exitCode = reports.every(({ report }) => report.failures.length === 0) ? 0 : 1;
}

async function runOne(scenario: Scenario, size: Size): Promise<Report> {
  const cluster = scenario.needsCluster === false ? null : await Cluster.start({ fsync: size === 'long' });
  try {
    return await scenario.run(cluster as Cluster, size);
  } catch (error) {
    return { figures: {}, failures: [(error as Error).stack ?? String(error)] };
  } finally {
    await cluster?.close();
  }
}

function describe({ id }: Scenario, { figures, failures }: Report): string {
  const line = Object.entries(figures)
    .map(([name, value]) => `${name}=${typeof value === 'number' ? value.toLocaleString('en') : value}`)
    .join(' · ');
  const verdict = failures.length === 0 ? 'ok' : 'NOT OK';
  return [
    `${id.padEnd(6)} ${verdict.padEnd(7)} ${line}`,
    ...failures.map((failure) => `         ${failure}`),
  ].join('\n');
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

main().then(
  // Keep-alive sockets of the harness would hold the process for a while.
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  },
);
