/** A Redis server of our own for the sandbox and for the tests. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../ports';
import { type KnownProcess, knownProcess, stopChild, stopKnownProcess } from '../processes';
import { findRedisServer } from './find';

const START_MS = 10_000;
const STOP_MS = 10_000;

export interface RedisOptions {
  /** Folder for data and log; made when missing, kept when the server stops. */
  readonly dir: string;
  /** Port on 127.0.0.1; any free one when left out. */
  readonly port?: number;
}

export interface RunningRedis {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the server has ended by itself or by {@link stop}. */
  readonly ended: Promise<void>;
  /** Writes everything to disk and ends. */
  stop(): Promise<void>;
}

/**
 * Starts the server in `dir`, with an append-only file and without eviction (Bull's jobs must not vanish).
 * A server left over from a killed launcher is stopped first.
 * @throws with the end of the server's log when it does not answer within 10 s
 */
export async function startRedis(options: RedisOptions): Promise<RunningRedis> {
  const dir = resolve(options.dir);
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  await stopLeftOver(dir);
  const program = findRedisServer();
  const port = options.port || (await freePort());
  const settings: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    dir,
    appendonly: 'yes',
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
  const logFile = join(dir, 'redis.log');
  const log = openSync(logFile, 'w', 0o600);
  const server = spawn(
    program,
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    // Its own group: Ctrl-C in the terminal must reach it last, through us, after the service has finished.
    { stdio: ['ignore', log, log], detached: true, cwd: dir },
  );
  closeSync(log);
  let failure: Error | null = null;
  server.once('error', (error) => (failure = error));
  const known = server.pid === undefined ? null : knownProcess(server.pid);
  if (known) writeFileSync(processFile(dir), JSON.stringify(known));

  const giveUpAt = Date.now() + START_MS;
  while (!(await answers(port, server.pid))) {
    if (failure) throw failure;
    if (server.exitCode !== null || server.signalCode !== null || Date.now() > giveUpAt) {
      await stopChild(server, 'SIGTERM', STOP_MS);
      throw new Error(`Redis did not start:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    }
    await sleep(10);
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: server.pid as number,
    ended: new Promise((done) => server.once('exit', () => done())),
    stop: async () => {
      await stopChild(server, 'SIGTERM', STOP_MS);
      rmSync(processFile(dir), { force: true });
    },
  };
}

function processFile(dir: string): string {
  return join(dir, 'process.json');
}

/** Redis writes its command line anew, so its folder cannot be read off it: we remember the process itself. */
async function stopLeftOver(dir: string): Promise<void> {
  if (!existsSync(processFile(dir))) return;
  const known = JSON.parse(readFileSync(processFile(dir), 'utf8')) as KnownProcess;
  await stopKnownProcess(known, 'SIGTERM', STOP_MS);
  rmSync(processFile(dir), { force: true });
}

/**
 * Whether this very server says PONG: while it loads its data it says LOADING, and on a port that was taken
 * in the last moment a stranger would answer.
 */
function answers(port: number, pid: number | undefined): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port });
    let said = '';
    const finish = (yes: boolean) => {
      socket.destroy();
      done(yes);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('connect', () => socket.write('INFO server\r\nPING\r\n'));
    socket.on('data', (chunk) => {
      said += String(chunk);
      if (/^-LOADING/m.test(said)) finish(false);
      if (said.endsWith('+PONG\r\n')) finish(said.includes(`process_id:${pid}\r\n`));
    });
  });
}
