/** The service itself, as a child of the sandbox. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVICE_NODE_FLAGS } from './node-flags';
import { stopChild } from './processes';
import { repositoryRoot } from './repository-root';

const READY_MS = 90_000;
const STOP_MS = 12_000;

export interface RunningService {
  readonly pid: number;
  readonly url: string;
  /** How it ended, in words, whenever that is. */
  readonly ended: Promise<string>;
  /** Rejects when the service ends before it is ready, or is not ready within 90 s. */
  ready(): Promise<void>;
  /** Lets it finish what it accepted; by force after 12 s. */
  stop(): Promise<void>;
}

/** Starts `dist/src/main.js`; its output is ours. It migrates by itself before it is ready. */
export function startService(environment: NodeJS.ProcessEnv): RunningService {
  const child = spawn(process.execPath, [...SERVICE_NODE_FLAGS, 'dist/src/main.js'], {
    cwd: repositoryRoot,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
    // Its own group: Ctrl-C reaches it once, through us, and before the parts it needs to finish.
    detached: true,
  });
  const url = `http://127.0.0.1:${environment.PORT}`;
  const ended = howItEnds(child);
  return {
    pid: child.pid ?? 0,
    url,
    ended,
    ready: () =>
      Promise.race([
        untilReady(url),
        ended.then((how) => Promise.reject(new Error(`The service ${how} before it was ready.`))),
      ]),
    stop: () => stopChild(child, 'SIGTERM', STOP_MS),
  };
}

function howItEnds(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started (${error.message})`));
    child.once('exit', (code, signal) =>
      resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`),
    );
  });
}

async function untilReady(url: string): Promise<void> {
  const giveUpAt = Date.now() + READY_MS;
  let last = 'no answer';
  while (Date.now() < giveUpAt) {
    try {
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) });
      if (answer.status === 200) return void (await answer.arrayBuffer());
      last = `${answer.status} ${await answer.text()}`;
    } catch {
      // Not listening yet.
    }
    await sleep(40);
  }
  throw new Error(`The service is not ready after ${READY_MS / 1000} s; /readyz says: ${last}`);
}
