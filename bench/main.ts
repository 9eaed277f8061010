/** `npm run bench`: each case beside its baseline, in turns, in one run. See docs/performance.md. */
import { loadavg } from 'node:os';
import { AlreadyRunning } from '../sandbox/folder';
import { type BenchCase, Incorrect, type Outcome } from './bench-case';
import { CASES } from './cases';
import { type BenchOptions, readOptions, USAGE } from './options';
import { table } from './report';
import { type Servers, startServers } from './stage/servers';

/** Above this somebody else is using the machine. */
const BUSY = 0.7;

async function main(): Promise<void> {
  const options = optionsOrExit();
  const chosen = chosenCases(options);
  const load = loadavg()[0]!;
  if (load > BUSY) say(`The machine is busy (load ${load.toFixed(1)}): the figures will be poor.`);
  const servers = await startServers();
  stopOnSignals(servers);
  const results: { id: string; outcome: Outcome }[] = [];
  let isCorrect = true;
  for (const benchCase of chosen) {
    say(`${benchCase.id} ${benchCase.title}`);
    const outcome = await outcomeOf(benchCase, servers, options);
    isCorrect &&= outcome.lines.every((line) => line.figure !== null);
    results.push({ id: benchCase.id, outcome });
    for (const note of outcome.notes) say(`  ${note}`);
  }
  const lines = results.flatMap(({ outcome }) => outcome.lines);
  const print = options.json ? say : (text: string) => process.stdout.write(`${text}\n`);
  print(`\n${table(lines)}`);
  if (options.json) process.stdout.write(`${JSON.stringify({ options, load, results }, null, 2)}\n`);
  await servers.stop();
  process.exitCode = isCorrect ? 0 : 1;
}

/** A case that fails has no figure, and the others go on. */
async function outcomeOf(benchCase: BenchCase, servers: Servers, options: BenchOptions): Promise<Outcome> {
  try {
    return await benchCase.run({ servers, options, say });
  } catch (error) {
    const faults = error instanceof Incorrect ? error.faults : [String((error as Error).stack ?? error)];
    const line = { case: benchCase.id, what: benchCase.title, unit: '', goal: '', ok: false };
    return {
      lines: [{ ...line, figure: null, baseline: null, ratio: null }],
      notes: faults.map((fault) => `${benchCase.id}: ${fault}`),
      sides: {},
    };
  }
}

function optionsOrExit(): BenchOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    say(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

function chosenCases(options: BenchOptions): BenchCase[] {
  const unknown = options.cases.filter((id) => !CASES.some((benchCase) => benchCase.id === id));
  if (unknown.length > 0) {
    say(`No such case: ${unknown.join(', ')}. There are ${CASES.map(({ id }) => id).join(', ')}.\n${USAGE}`);
    process.exit(2);
  }
  return CASES.filter(({ id }) => options.cases.length === 0 || options.cases.includes(id));
}

/** Ctrl-C leaves nothing behind either. */
function stopOnSignals(servers: Servers): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => void servers.stop().finally(() => process.exit(130)));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

main().catch((error: unknown) => {
  say(
    error instanceof AlreadyRunning ? 'Another benchmark is running here.' : String((error as Error).stack),
  );
  process.exitCode = 1;
});
