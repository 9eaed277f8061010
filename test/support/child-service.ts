import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { callApi, type ApiAnswer, type ApiRequest } from './api';

/** The built service in a process of its own, to be killed without a word. */
export class ChildService {
  private child: ChildProcess | null = null;

  private constructor(
    readonly port: number,
    private readonly env: Record<string, string>,
  ) {}

  static async create(env: Record<string, string>): Promise<ChildService> {
    return new ChildService(await freePort(), env);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it and waits until it is ready. */
  async start(): Promise<void> {
    const main = join(__dirname, '..', '..', 'dist', 'src', 'main.js');
    const env = { PATH: process.env.PATH, ...this.env, PORT: String(this.port) };
    this.child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    this.child.stderr!.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    const end = performance.now() + 20_000;
    while (performance.now() < end) {
      if (this.child.exitCode !== null) throw new Error(`the service ended at start: ${complaint}`);
      const ready = await fetch(`${this.url}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (ready) return;
      await pause(50);
    }
    throw new Error(`the service was not ready in time: ${complaint}`);
  }

  api(method: string, path: string, request: ApiRequest = {}): Promise<ApiAnswer> {
    return callApi(this.url, method, path, request);
  }

  /** SIGKILL; answers when the process is gone. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM; answers the exit code. */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  private async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill(signal);
    return gone;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
