import { Readable } from 'node:stream';
import { Client, type Connection, escapeLiteral, type Submittable } from 'pg';
import type { TenantId } from '../../contracts/ids';
import { SCOPE_TRANSACTION } from './database';

const CONNECT_MS = 2000;
/** Of one chunk of the stream, and so of what waits for a slow reader. */
const CHUNK_BYTES = 64 * 1024;
/** A reader that takes nothing for so long keeps a snapshot of the whole database open: it is hung up on. */
const STALLED_MS = 60_000;
/** The longest that one export may take. */
const STATEMENT_MS = 3_600_000;
const CR = 13;
const LF = 10;

export interface CopyOutOptions {
  readonly url: string;
  /** What the database knows the connection as. */
  readonly name: string;
  /** Whose rows may be seen. */
  readonly tenantId: TenantId;
  /** A SELECT; `$1`, `$2` … stand for the parameters. */
  readonly select: string;
  readonly parameters: readonly (string | null)[];
  readonly stalledMs?: number;
}

/**
 * The rows of a SELECT as CSV (RFC 4180, with a header, UTF-8), straight from COPY: any number of them in the
 * memory of one chunk. It has a connection of its own, which ends with it, however it ends.
 */
export class CopyOut extends Readable implements Submittable {
  private chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  private filled = 0;
  private connection: Connection | null = null;
  private isComplete = false;
  private stalled: NodeJS.Timeout | null = null;

  private constructor(
    private readonly client: Client,
    private readonly statement: string,
    private readonly stalledMs: number,
  ) {
    super({ highWaterMark: 4 * CHUNK_BYTES });
  }

  /**
   * Answers when the first row is about to come, so that what goes wrong before is thrown, not streamed.
   * @throws what the driver throws
   */
  static async open({
    url,
    name,
    tenantId,
    select,
    parameters,
    stalledMs,
  }: CopyOutOptions): Promise<CopyOut> {
    const client = new Client({
      connectionString: url,
      application_name: name,
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      lock_timeout: 2000,
    });
    // Without a handler a broken connection would end the process (F-68); the running query hears of it, too.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('begin read only');
      await client.query(SCOPE_TRANSACTION, [tenantId]);
      // Else a server that is still sorting would not notice that nobody listens any more.
      await client.query(`set local client_connection_check_interval = '2s'; set local datestyle = 'ISO'`);
      const copy = new CopyOut(
        client,
        `copy (${bound(select, parameters)}) to stdout (format csv, header true)`,
        stalledMs ?? STALLED_MS,
      );
      await copy.begin();
      return copy;
    } catch (error) {
      hangUp(client);
      throw error;
    }
  }

  /** Called by the driver. */
  submit(connection: Connection): void {
    this.connection = connection;
    connection.query(this.statement);
  }

  /** Called by the driver with each row, whose bytes are the driver's own: they are copied at once. */
  handleCopyData({ chunk }: { chunk: Buffer }): void {
    // One message is one row and ends with a line feed (protocol, "Message Formats", CopyData).
    const length = chunk.length - 1;
    if (this.filled + length + 2 > this.chunk.length) this.flush(length + 2);
    chunk.copy(this.chunk, this.filled, 0, length);
    this.filled += length;
    this.chunk[this.filled++] = CR;
    this.chunk[this.filled++] = LF;
  }

  /** Called by the driver. */
  handleCommandComplete(): void {
    this.isComplete = true;
  }

  /** Called by the driver. */
  handleReadyForQuery(): void {
    if (!this.isComplete) return;
    this.flush(0);
    this.push(null);
    this.client.end().catch(() => undefined);
  }

  /** Called by the driver: the statement failed, or the connection broke. */
  handleError(error: Error): void {
    this.destroy(error);
  }

  override _read(): void {
    this.stopWaiting();
    socketOf(this.connection)?.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.stopWaiting();
    hangUp(this.client);
    callback(error);
  }

  private begin(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.once('error', reject);
      this.client.query(this);
      (this.connection as unknown as NodeJS.EventEmitter | null)?.once('copyOutResponse', () => {
        this.off('error', reject);
        resolve();
      });
    });
  }

  /** Hands the filled chunk on, and makes room for a row of `needed` bytes. */
  private flush(needed: number): void {
    const chunk = this.chunk.subarray(0, this.filled);
    this.chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, needed));
    this.filled = 0;
    if (chunk.length === 0 || this.push(chunk)) return;
    socketOf(this.connection)?.pause();
    this.stalled ??= setTimeout(
      () => this.destroy(new Error('the reader has stopped reading')),
      this.stalledMs,
    ).unref();
  }

  private stopWaiting(): void {
    if (this.stalled) clearTimeout(this.stalled);
    this.stalled = null;
  }
}

/**
 * COPY takes no parameters, so they become literals, each quoted by the driver.
 * @throws Error for a number without a parameter
 */
function bound(select: string, parameters: readonly (string | null)[]): string {
  return select.replaceAll(/\$(\d+)/g, (_, number: string) => {
    const value = parameters[Number(number) - 1];
    if (value === undefined) throw new Error(`the statement names no parameter $${number}`);
    return value === null ? 'null' : escapeLiteral(value);
  });
}

/** end() would wait for a server that is still sending; the closed socket ends its statement. */
function hangUp(client: Client): void {
  socketOf((client as unknown as { connection: Connection }).connection)?.destroy();
}

function socketOf(connection: Connection | null): { pause(): void; resume(): void; destroy(): void } | null {
  return (
    (connection as unknown as { stream: { pause(): void; resume(): void; destroy(): void } } | null)
      ?.stream ?? null
  );
}
