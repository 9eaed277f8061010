/** The sandbox's folder: one launcher at a time, nothing left over from a killed one, `--fresh` empties it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readJson, writeJson } from './json-file';
import { isRunning, type KnownProcess, knownProcess, stopKnownProcess } from './processes';
import { repositoryRoot } from './repository-root';

/** Everything `--fresh` deletes; named, so that a SANDBOX_DIR with other things in it keeps those. */
const CONTENTS = [
  'postgres',
  'redis',
  'stripe',
  'aws',
  'mail',
  'clickhouse',
  'seed.json',
  'secrets.json',
  'ready.json',
];

/** Where the sandbox lives unless SANDBOX_DIR says otherwise. */
export const USUAL_FOLDER = join(repositoryRoot, '.sandbox');

interface RecordedProcess extends KnownProcess {
  readonly name: string;
}

/** Somebody else has the folder. */
export class AlreadyRunning extends Error {}

/** The folder from SANDBOX_DIR, else {@link USUAL_FOLDER}. */
export function sandboxFolder(environment: NodeJS.ProcessEnv): string {
  return resolve(repositoryRoot, environment.SANDBOX_DIR || USUAL_FOLDER);
}

/**
 * Takes the folder for this process and ends what a killed launcher left running in it.
 * @param fresh true deletes all data first
 * @throws AlreadyRunning with where the other one answers
 */
export async function takeFolder(folder: string, fresh: boolean): Promise<void> {
  // Passable for others: Postgres may run as another user. The files with secrets are closed one by one.
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  lock(folder);
  await stopLeftOvers(folder);
  rmSync(readyFile(folder), { force: true });
  if (fresh) for (const name of CONTENTS) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Gives the folder back; all recorded processes have ended by now. */
export function leaveFolder(folder: string): void {
  rmSync(processFile(folder), { force: true });
  rmSync(lockFile(folder), { force: true });
}

/** Writes down a process, so that the next start can end it should this launcher be killed. */
export function recordProcess(folder: string, name: string, pid: number): void {
  const known = knownProcess(pid);
  if (!known) return;
  const others = readJson<RecordedProcess[]>(processFile(folder)) ?? [];
  writeJson(processFile(folder), [...others, { name, ...known }]);
}

/** Exists exactly while everything answers. */
export function readyFile(folder: string): string {
  return join(folder, 'ready.json');
}

function lock(folder: string): void {
  const file = lockFile(folder);
  const us = JSON.stringify(knownProcess(process.pid));
  for (let attempt = 1; ; attempt += 1) {
    try {
      writeFileSync(file, us, { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === 3) throw error;
    }
    const owner = readJson<KnownProcess>(file);
    if (owner && isRunning(owner)) throw new AlreadyRunning(whereItRuns(folder, owner));
    rmSync(file, { force: true });
  }
}

function whereItRuns(folder: string, owner: KnownProcess): string {
  const ready = readJson<{ web: string }>(readyFile(folder));
  const state = ready ? `at ${ready.web}` : 'and still starting';
  return (
    `Tenant Billing is already running in ${folder}, ${state} (process ${owner.pid}).\n` +
    'Stop it with Ctrl-C in its terminal, or give this one another SANDBOX_DIR.'
  );
}

/** The service first: it still wants to write when it is told to stop. */
async function stopLeftOvers(folder: string): Promise<void> {
  const all = readJson<RecordedProcess[]>(processFile(folder)) ?? [];
  const running = all.filter(isRunning);
  if (running.length > 0) process.stderr.write('Ending what a killed start left running …\n');
  for (const { pid, mark } of running.filter(({ name }) => name === 'service'))
    await stopKnownProcess({ pid, mark }, 'SIGTERM', 12_000);
  await Promise.all(running.map(({ pid, mark }) => stopKnownProcess({ pid, mark }, 'SIGINT', 10_000)));
  rmSync(processFile(folder), { force: true });
}

function lockFile(folder: string): string {
  return join(folder, 'lock.json');
}

function processFile(folder: string): string {
  return join(folder, 'processes.json');
}
