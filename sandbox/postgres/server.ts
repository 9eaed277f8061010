/** A real Postgres server for the sandbox and for the tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../ports';
import { commandLine, knownProcess, stopChild, stopKnownProcess } from '../processes';
import { type ServerAccount, serverAccount } from './account';
import { postgresBinaries } from './binaries';
import { clusterPasswords, ensureDatabase, ensureRoles, type PostgresPasswords } from './roles';

/** The database of the sandbox. */
export const DATABASE = 'billing';
const START_MS = 30_000;
const STOP_MS = 10_000;

export interface PostgresOptions {
  /** Folder for data, log and passwords; made when missing, kept when the server stops. */
  readonly dir: string;
  /** Port on 127.0.0.1; any free one when left out. */
  readonly port?: number;
  /** false: faster, and a power cut may cost everything (tests only). Default true. */
  readonly fsync?: boolean;
}

export interface RunningPostgres {
  /** Role `owner` in the database `billing`: migrates. */
  readonly ownerUrl: string;
  /** Role `app` in the database `billing`: runs the service. */
  readonly appUrl: string;
  /** The superuser, in the database `postgres`. */
  readonly superuserUrl: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly passwords: PostgresPasswords;
  /** Settles when the server has ended by itself or by {@link stop}. */
  readonly ended: Promise<void>;
  /** Fast shutdown: sessions are ended, everything committed is on disk. */
  stop(): Promise<void>;
}

/**
 * Starts the server in `dir`, making the cluster, the two roles and the database at the first start.
 * A server left over from a killed launcher is stopped first.
 * @throws with the end of the server's log when it does not answer within 30 s
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const dir = resolve(options.dir);
  const data = join(dir, 'data');
  const complete = join(dir, 'complete');
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  const binaries = postgresBinaries();
  const account = serverAccount(data, dirname(binaries.postgres));
  const fsync = options.fsync ?? true;

  await stopLeftOver(data);
  // Without the mark of completion the first start was cut off somewhere: nothing in there is anybody's yet.
  if (!existsSync(complete)) rmSync(data, { recursive: true, force: true });
  const passwords = clusterPasswords(dir);
  account.own(data);
  if (!existsSync(join(data, 'PG_VERSION'))) {
    await makeCluster(binaries.initdb, dir, data, account, passwords.postgres, fsync);
  }

  const port = options.port || (await freePort());
  const server = await runServer(binaries.postgres, dir, data, account, port, fsync);
  const url = (role: keyof PostgresPasswords, database: string) =>
    `postgres://${role}:${passwords[role]}@127.0.0.1:${port}/${database}`;
  const superuserUrl = url('postgres', 'postgres');
  try {
    if (!existsSync(complete)) {
      await ensureRoles(superuserUrl, passwords);
      await ensureDatabase(superuserUrl, DATABASE);
      writeFileSync(complete, '');
    }
  } catch (error) {
    await stopChild(server, 'SIGINT', STOP_MS);
    throw error;
  }
  return {
    ownerUrl: url('owner', DATABASE),
    appUrl: url('app', DATABASE),
    superuserUrl,
    host: '127.0.0.1',
    port,
    pid: server.pid as number,
    passwords,
    ended: new Promise((done) => server.once('exit', () => done())),
    stop: () => stopChild(server, 'SIGINT', STOP_MS),
  };
}

/** A launcher that was killed leaves its server behind; two servers on one folder would refuse each other. */
async function stopLeftOver(data: string): Promise<void> {
  const lock = join(data, 'postmaster.pid');
  if (!existsSync(lock)) return;
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0]);
  const known = knownProcess(pid);
  if (known && commandLine(pid).includes(data)) await stopKnownProcess(known, 'SIGINT', STOP_MS);
  // The id in a stale lock may belong to a stranger by now, which would keep the server from starting.
  rmSync(lock, { force: true });
}

async function makeCluster(
  initdb: string,
  dir: string,
  data: string,
  account: ServerAccount,
  password: string,
  fsync: boolean,
): Promise<void> {
  // A file for the moment: on the command line everybody on the machine could read the password.
  const passwordFile = join(dir, 'initial-password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  account.own(passwordFile);
  const args = [
    `--pgdata=${data}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Letters fold as in Unicode and sort by code point, the same on every machine.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(fsync ? [] : ['--no-sync']),
  ];
  const [program, ...rest] = [...account.prefix, initdb, ...args] as [string, ...string[]];
  const child = spawn(program, rest, {
    ...account.identity,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  rmSync(passwordFile, { force: true });
  if (code !== 0) throw new Error(`initdb failed in ${dir}:\n${output.trim()}`);
}

async function runServer(
  postgres: string,
  dir: string,
  data: string,
  account: ServerAccount,
  port: number,
  fsync: boolean,
): Promise<ChildProcess> {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // Socket paths have a length limit that a deep folder passes; TCP is enough here.
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '128MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(fsync ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const args = [
    '-D',
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const [program, ...rest] = [...account.prefix, postgres, ...args] as [string, ...string[]];
  const logFile = join(dir, 'postgres.log');
  const log = openSync(logFile, 'w', 0o600);
  const server = spawn(program, rest, {
    ...account.identity,
    cwd: '/',
    stdio: ['ignore', log, log],
    // Its own group: Ctrl-C in the terminal must reach it last, through us, after the service has finished.
    detached: true,
  });
  closeSync(log);
  let failure: Error | null = null;
  server.once('error', (error) => (failure = error));

  const giveUpAt = Date.now() + START_MS;
  while (!isReady(data)) {
    if (failure) throw failure;
    if (server.exitCode !== null || server.signalCode !== null || Date.now() > giveUpAt) {
      await stopChild(server, 'SIGQUIT', STOP_MS);
      throw new Error(`Postgres did not start:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    }
    await sleep(10);
  }
  return server;
}

/** The eighth line of postmaster.pid says how far the server is (miscinit.h, LOCK_FILE_LINE_PM_STATUS). */
function isReady(data: string): boolean {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}
