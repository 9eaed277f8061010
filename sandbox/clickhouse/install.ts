/** Fetches the ClickHouse engine (`chdb`, 543 MB) the first time somebody asks it something. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installedFile } from '../repository-root';

const VERSION = '3.4.0';

/** Kept beside the other build caches: it survives `npm start -- --fresh` and serves sandbox and tests alike. */
const CACHE = installedFile('.cache');

let installing: Promise<string> | null = null;

/**
 * The folder whose node_modules holds `chdb`. All callers wait for one installation; a failed one is tried
 * again at the next question.
 * @param signal ends an installation under way (the sandbox is being stopped)
 * @throws with npm's own words when it cannot be installed (no package for this platform, no registry)
 */
export function chdbFolder(signal: AbortSignal): Promise<string> {
  const folder = join(CACHE, `chdb-${VERSION}`);
  if (existsSync(folder)) return Promise.resolve(folder);
  installing ??= install(folder, signal).finally(() => (installing = null));
  return installing;
}

async function install(folder: string, signal: AbortSignal): Promise<string> {
  process.stderr.write('Fetching the ClickHouse engine (once, 543 MB) …\n');
  // Installed aside and renamed: another process never sees half a package.
  const aside = `${folder}.${process.pid}`;
  mkdirSync(aside, { recursive: true });
  try {
    await npmInstall(aside, signal);
    if (!existsSync(folder)) renameSync(aside, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return folder;
}

function npmInstall(folder: string, signal: AbortSignal): Promise<void> {
  const args = ['install', '--prefix', folder, `chdb@${VERSION}`];
  const options = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  return new Promise((done, fail) => {
    const npm = spawn('npm', [...args, ...options], {
      cwd: folder,
      signal,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    npm.stderr.on('data', (chunk) => (complaint += String(chunk)));
    npm.once('error', fail);
    npm.once('close', (code) => {
      if (code === 0) done();
      else fail(new Error(`The ClickHouse engine cannot be installed: ${complaint.trim()}`));
    });
  });
}
