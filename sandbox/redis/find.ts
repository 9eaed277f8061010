/** Finds a Redis server on this machine, and on Debian installs one when there is none. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['redis-server', 'valkey-server'];

/**
 * The path of `redis-server` or `valkey-server`.
 * None on PATH: on Debian as root it is installed with apt (its service is not started).
 * @throws one line that says how to install it
 */
export function findRedisServer(): string {
  const found = onPath();
  if (found) return found;
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    process.stderr.write('No redis-server on this machine: installing it with apt …\n');
    installWithApt();
    const installed = onPath();
    if (installed) return installed;
  }
  throw new Error(
    'No redis-server or valkey-server on PATH. Install one (Debian: sudo apt-get install redis-server, ' +
      'macOS: brew install redis) or give REDIS_URL.',
  );
}

function onPath(): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of NAMES) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        continue;
      }
    }
  }
  return null;
}

/** Debian starts a service when it is installed, unless policy-rc.d forbids it (101, invoke-rc.d(8)). */
const INSTALL = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod +x "$policy"
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server
`;

function installWithApt(): void {
  const result = spawnSync('sh', ['-c', INSTALL], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (result.status !== 0) process.stderr.write('apt could not install redis-server.\n');
}
