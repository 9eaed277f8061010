/** Talks to the engine's process: started with the first question, started again if it dies. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { stopChild } from '../processes';
import { repositoryRoot } from '../repository-root';
import { chdbFolder } from './install';

export interface EngineQuery {
  /** Statements before the query that set parameters, settings and the database for it. */
  readonly setup: string[];
  readonly sql: string;
  /** Format of the answer when the query names none. */
  readonly format: string;
  /** Statements after the query that take the setup back. */
  readonly cleanup: string[];
}

export interface EngineAnswer {
  readonly body: Uint8Array;
  readonly rowsRead: number;
  /** Seconds. */
  readonly elapsed: number;
}

/** What ClickHouse says when it refuses a query, with its own number. */
export class EngineError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

interface Waiting {
  resolve(answer: EngineAnswer): void;
  reject(error: Error): void;
}

type Message =
  | { ready: true }
  | ({ id: number } & EngineAnswer)
  | { id: number; error: { code: number; message: string } };

/** One engine over one data folder. */
export class ClickhouseEngine {
  private child: Promise<ChildProcess> | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private readonly stopping = new AbortController();
  private lastId = 0;

  constructor(private readonly dataFolder: string) {}

  /**
   * Runs one query; queries run one after the other.
   * @throws EngineError with ClickHouse's code when it refuses
   */
  async query(query: EngineQuery): Promise<EngineAnswer> {
    this.child ??= this.start();
    const child = await this.child;
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      child.send({ id, ...query }, (error) => {
        if (error) this.settle(id)?.reject(error);
      });
    });
  }

  /** Lets accepted queries finish and ends the process; the data stays. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const child = await this.child?.catch(() => null);
    if (!child) return;
    child.disconnect();
    await new Promise<void>((done) => {
      if (child.exitCode !== null || child.signalCode !== null) done();
      const force = setTimeout(() => void stopChild(child, 'SIGKILL', 1000), 10_000);
      child.once('exit', () => {
        clearTimeout(force);
        done();
      });
    });
  }

  private async start(): Promise<ChildProcess> {
    try {
      const packageFolder = await chdbFolder(this.stopping.signal);
      mkdirSync(this.dataFolder, { recursive: true });
      const child = fork(
        join(repositoryRoot, 'sandbox', 'clickhouse', 'engine-process.cjs'),
        [packageFolder, this.dataFolder],
        // Binary answers travel as they are; its own group, so that Ctrl-C reaches it through us.
        {
          serialization: 'advanced',
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
          detached: true,
          execArgv: [],
        },
      );
      child.on('message', (message) => this.receive(message as Message));
      child.once('exit', () => this.lost());
      await new Promise<void>((ready, fail) => {
        child.once('message', () => ready());
        child.once('error', fail);
        child.once('exit', () => fail(new EngineError(1002, 'The ClickHouse engine did not start.')));
      });
      return child;
    } catch (error) {
      this.child = null;
      throw error;
    }
  }

  private receive(message: Message): void {
    if ('ready' in message) return;
    const waiting = this.settle(message.id);
    if ('error' in message) waiting?.reject(new EngineError(message.error.code, message.error.message));
    else waiting?.resolve(message);
  }

  private settle(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    return waiting;
  }

  private lost(): void {
    this.child = null;
    for (const id of [...this.waiting.keys()]) {
      this.settle(id)?.reject(
        new EngineError(1002, 'The ClickHouse engine ended in the middle of the query.'),
      );
    }
  }
}
