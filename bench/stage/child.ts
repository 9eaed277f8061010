/** A process of the run: its output goes to a file, and it is known to be ended should the run be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { recordProcess } from '../../sandbox/folder';
import { stopChild } from '../../sandbox/processes';
import { repositoryRoot } from '../../sandbox/repository-root';

const READY_MS = 60_000;
const STOP_MS = 15_000;

export interface ChildOptions {
  /** For its log file, and for messages. */
  readonly name: string;
  /** Arguments of Node, the program among them. */
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Where it answers 200 once it is ready. */
  readonly readyUrl: string;
}

/** The run that a child belongs to. */
export interface Run {
  readonly folder: string;
  /** Ended with the run, if nobody did it before. */
  readonly children: Set<Child>;
}

export interface Child {
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * Starts Node and waits until `readyUrl` answers 200.
 * @throws with the end of its output when that does not happen within a minute
 */
export async function startChild(run: Run, options: ChildOptions): Promise<Child> {
  const logFile = join(run.folder, `${options.name}.log`);
  const log = openSync(logFile, 'w', 0o600);
  const child = spawn(process.execPath, options.args, {
    cwd: repositoryRoot,
    env: options.environment,
    stdio: ['ignore', log, log],
    // Its own group: Ctrl-C in the terminal must not end it before us.
    detached: true,
  });
  closeSync(log);
  if (child.pid !== undefined) recordProcess(run.folder, options.name, child.pid);
  try {
    await untilReady(child, options.readyUrl);
  } catch (error) {
    await stopChild(child, 'SIGKILL', STOP_MS);
    const output = readFileSync(logFile, 'utf8').slice(-2000);
    throw new Error(`${options.name} did not start: ${(error as Error).message}\n${output}`, {
      cause: error,
    });
  }
  const started: Child = {
    pid: child.pid as number,
    stop: async () => {
      await stopChild(child, 'SIGTERM', STOP_MS);
      run.children.delete(started);
    },
  };
  run.children.add(started);
  return started;
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const giveUpAt = performance.now() + READY_MS;
  while (performance.now() < giveUpAt) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended by itself');
    if (await answers(url)) return;
    await pause(25);
  }
  throw new Error(`no 200 from ${url} within ${READY_MS / 1000} s`);
}

/** Whether a GET of the address is answered 200 now. */
export async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}
