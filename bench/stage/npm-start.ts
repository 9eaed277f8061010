/** `npm start` in a folder of its own, as a person types it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../sandbox/ports';
import { repositoryRoot } from '../../sandbox/repository-root';
import { answers } from './child';

const START_MS = 180_000;
const LOOK_EVERY_MS = 20;

export interface Started {
  /** From the command to the first 200 of GET /v1/plans. */
  readonly seconds: number;
  /** Whether the command built first, because a source had changed: not a warm start then. */
  readonly built: boolean;
  readonly servicePid: number;
  stop(): Promise<void>;
}

/**
 * Runs the command and waits until everything answers.
 * @param folder keeps the data, so that the second start is a warm one
 * @throws with what it printed when that does not happen within three minutes
 */
export async function npmStart(folder: string): Promise<Started> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn('npm', ['start'], {
    cwd: repositoryRoot,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SANDBOX_DIR: folder, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // npm and the launcher below it are told to stop together, as by Ctrl-C.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGINT');
    await gone;
  };
  try {
    await until(child, () => answers(`http://127.0.0.1:${port}/v1/plans`));
    const seconds = (performance.now() - startedAt) / 1000;
    await until(child, () => readPid(folder) !== null);
    return { seconds, built: output.includes('Building'), servicePid: readPid(folder)!, stop };
  } catch (error) {
    await stop();
    throw new Error(`npm start: ${(error as Error).message}\n${output.slice(-2000)}`, { cause: error });
  }
}

async function until(child: ChildProcess, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + START_MS;
  while (!(await isSo())) {
    if (child.exitCode !== null) throw new Error('it ended by itself');
    if (performance.now() > giveUpAt) throw new Error(`not ready within ${START_MS / 1000} s`);
    await pause(LOOK_EVERY_MS);
  }
}

/** `ready.json` exists exactly while everything answers. */
function readPid(folder: string): number | null {
  try {
    const ready = JSON.parse(readFileSync(join(folder, 'ready.json'), 'utf8')) as {
      pids: { service: number };
    };
    return ready.pids.service;
  } catch {
    return null;
  }
}
