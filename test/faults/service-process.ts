import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const START_MS = 40_000;

/** One replica of the built service, to be killed, frozen and started again on the same port. */
export class ServiceProcess {
  /** How often it ended although nobody ended it, with its last words (I13). */
  readonly ownExits: string[] = [];
  kills = 0;
  private child: ChildProcess | null = null;
  private isEnding = false;

  constructor(
    readonly name: string,
    readonly port: number,
    private readonly env: Record<string, string>,
    private readonly logFile: string,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number | null {
    return this.isRunning ? (this.child?.pid ?? null) : null;
  }

  get isRunning(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts the process and waits until it is ready. @throws with its last words when it ends instead */
  async start(): Promise<void> {
    const main = join(__dirname, '..', '..', 'dist', 'src', 'main.js');
    const log = openSync(this.logFile, 'a', 0o600);
    const env = { PATH: process.env.PATH, TZ: process.env.TZ, ...this.env, PORT: String(this.port) };
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', log, log] });
    closeSync(log);
    this.child = child;
    this.isEnding = false;
    child.once('exit', (code, signal) => {
      if (!this.isEnding) this.ownExits.push(`${this.name} ended (${code ?? signal}): ${this.lastWords()}`);
    });
    await this.untilReady(child);
  }

  /** SIGKILL; answers when the process is gone. */
  async kill(): Promise<void> {
    this.kills++;
    await this.end('SIGKILL');
  }

  /** SIGTERM; answers when the process is gone. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** SIGSTOP: it keeps its sockets and its locks, and does nothing. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  /** SIGCONT. */
  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  /** For a harness that is ending itself. */
  killAtOnce(): void {
    this.isEnding = true;
    this.child?.kill('SIGKILL');
  }

  /** Lines of its log that hold the text. */
  logged(text: string): string[] {
    return readFileSync(this.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes(text));
  }

  private async untilReady(child: ChildProcess): Promise<void> {
    const end = performance.now() + START_MS;
    while (performance.now() < end) {
      if (child.exitCode !== null || child.signalCode !== null) {
        // Killed again while it started: that is its next start's business.
        if (this.isEnding || this.child !== child) return;
        throw new Error(`${this.name} ended at start: ${this.lastWords()}`);
      }
      const isReady = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2000) }).then(
        (answer) => answer.ok,
        () => false,
      );
      if (isReady) return;
      await pause(50);
    }
    throw new Error(`${this.name} was not ready in time: ${this.lastWords()}`);
  }

  private async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.child;
    if (!child || !this.isRunning) return;
    this.isEnding = true;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  private lastWords(): string {
    return readFileSync(this.logFile, 'utf8').slice(-1500);
  }
}
