import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlreadyRunning, leaveFolder, readyFile, recordProcess, takeFolder } from '../../sandbox/folder';
import { writeJson } from '../../sandbox/json-file';
import { isRunning, knownProcess, stopKnownProcess } from '../../sandbox/processes';
import { sandboxSecrets } from '../../sandbox/secrets';
import { parseApiKey } from '../../src/platform/api-key-format';

let dir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tb-folder-'));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** A process that ignores being asked when `stubborn`. */
async function someProcess(stubborn = false): Promise<number> {
  const code = `${stubborn ? "process.on('SIGTERM', () => {});" : ''} process.stdout.write('up'); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await new Promise((up) => child.stdout.once('data', up));
  return child.pid as number;
}

describe('the folder of the sandbox', () => {
  it('belongs to one launcher at a time, and tells the second where the first one is', async () => {
    await takeFolder(dir, false);
    writeJson(readyFile(dir), { web: 'http://localhost:3456' });
    const second = await takeFolder(dir, false).catch((error: unknown) => error);
    expect(second).toBeInstanceOf(AlreadyRunning);
    expect(String(second)).toContain('at http://localhost:3456');
    expect(existsSync(readyFile(dir))).toBe(true);
    leaveFolder(dir);
    await takeFolder(dir, false);
  });

  it('is taken over from a launcher that was killed, whose processes are ended first', async () => {
    const pid = await someProcess();
    const orphan = knownProcess(pid)!;
    recordProcess(dir, 'service', pid);
    writeJson(join(dir, 'lock.json'), { pid: process.pid, mark: 'an earlier life of this id' });
    writeJson(readyFile(dir), { web: 'stale' });
    await takeFolder(dir, false);
    expect(isRunning(orphan)).toBe(false);
    expect(existsSync(readyFile(dir))).toBe(false);
  });

  it('leaves a stranger alone who got the id of an old process', async () => {
    const pid = await someProcess();
    writeJson(join(dir, 'processes.json'), [{ name: 'service', pid, mark: 'somebody else' }]);
    await takeFolder(dir, false);
    expect(isRunning(knownProcess(pid)!)).toBe(true);
  });

  it('loses its data with --fresh, and nothing that is not its own', async () => {
    sandboxSecrets(dir);
    mkdirSync(join(dir, 'mail'));
    writeFileSync(join(dir, 'thesis.txt'), 'not ours');
    await takeFolder(dir, true);
    expect(readdirSync(dir).sort()).toEqual(['lock.json', 'thesis.txt']);
  });
});

describe('the secrets of the sandbox', () => {
  it('are made once, readable by nobody else, and refused by production', () => {
    const secrets = sandboxSecrets(dir);
    expect(sandboxSecrets(dir)).toEqual(secrets);
    expect(statSync(join(dir, 'secrets.json')).mode & 0o777).toBe(0o600);
    expect(parseApiKey(secrets.adminApiKey)).not.toBeNull();
    expect(secrets.stripeSecretKey).toContain('sandbox');
  });
});

describe('stopping a process', () => {
  it('forces one that does not listen', async () => {
    const known = knownProcess(await someProcess(true))!;
    await stopKnownProcess(known, 'SIGTERM', 100);
    expect(isRunning(known)).toBe(false);
  });
});
