/** Postgres refuses to run as root; this finds the account it runs as instead. */
import { chownSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

/** Who runs the server, and how its programs have to be started. */
export interface ServerAccount {
  /** Command put in front of the program; empty when none is needed. */
  readonly prefix: readonly string[];
  /** For `spawn`; empty when the server runs as ourselves or the prefix changes the user. */
  readonly identity: { readonly uid?: number; readonly gid?: number };
  /** Hands a file or a folder with everything in it to the account; makes the folder when there is nothing. */
  own(path: string): void;
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account for a server whose data is in `folder` and whose programs are in `programs`.
 * Not root: ourselves. Root: the system's `postgres` or `nobody`; when that user may not enter the folders
 * (a clone below /root, say) it is given the right to read its way through, and only that.
 */
export function serverAccount(folder: string, programs: string): ServerAccount {
  if (process.getuid?.() !== 0) return { prefix: [], identity: {}, own: makeFolder };
  const user = unprivilegedUser();
  const own = (path: string) => ownAll(path, user);
  if (mayEnter(programs, user) && mayEnter(dirname(folder), user)) return { prefix: [], identity: user, own };
  if (spawnSync('setpriv', ['--version']).status !== 0) {
    throw new Error(
      `Postgres cannot run as root, and an ordinary user may not enter ${dirname(folder)}. ` +
        'Move the project to a folder everybody may enter, or give DATABASE_URL.',
    );
  }
  const prefix = [
    'setpriv',
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    '--clear-groups',
    '--inh-caps=+dac_read_search',
    '--ambient-caps=+dac_read_search',
    '--',
  ];
  return { prefix, identity: {}, own };
}

function unprivilegedUser(): User {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    const uid = Number(fields?.[2]);
    const gid = Number(fields?.[3]);
    if (uid > 0 && gid >= 0) return { uid, gid };
  }
  throw new Error(
    'Postgres cannot run as root, and there is neither a user postgres nor nobody to run it as.',
  );
}

function mayEnter(folder: string, user: User): boolean {
  const stat = statSync(folder);
  const bit = stat.uid === user.uid ? 0o100 : stat.gid === user.gid ? 0o010 : 0o001;
  if ((stat.mode & bit) === 0) return false;
  const parent = dirname(folder);
  return parent === folder || mayEnter(parent, user);
}

function makeFolder(path: string): void {
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
}

function ownAll(path: string, user: User): void {
  makeFolder(path);
  if (statSync(path).uid === user.uid) return;
  const walk = (entry: string): void => {
    chownSync(entry, user.uid, user.gid);
    if (lstatSync(entry).isDirectory()) for (const name of readdirSync(entry)) walk(join(entry, name));
  };
  walk(path);
}
