import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, knownProcess, type KnownProcess } from '../../sandbox/processes';

/**
 * The folder of one cluster, and what runs in it. Named and described as test/support/servers.ts does it, so that
 * the next test run clears away what a killed one has left behind.
 */
export class RunFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'tenant-billing-test-'));
  private readonly servers: KnownProcess[] = [];
  private readonly atExit = (): void => this.killAtOnce();

  constructor() {
    // Postgres may run as another user, who has to pass through.
    chmodSync(this.path, 0o711);
    this.record();
    process.once('exit', this.atExit);
  }

  /** A process that must not outlive the run. */
  remember(pid: number): void {
    const known = knownProcess(pid);
    if (known) this.servers.push(known);
    this.record();
  }

  remove(): void {
    process.off('exit', this.atExit);
    rmSync(this.path, { recursive: true, force: true });
  }

  private record(): void {
    const run = { owner: knownProcess(process.pid), servers: this.servers };
    writeFileSync(join(this.path, 'run.json'), JSON.stringify(run));
  }

  private killAtOnce(): void {
    for (const server of this.servers) if (isRunning(server)) process.kill(server.pid, 'SIGKILL');
    rmSync(this.path, { recursive: true, force: true });
  }
}
