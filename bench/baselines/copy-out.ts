/** B8's baseline: the same rows by COPY … TO STDOUT, from this process. */
import { Client, type Connection, type Submittable } from 'pg';

/** Counts what COPY sends, and nothing else. @returns rows */
export async function copyOut(url: string, select: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await new Promise<number>((resolve, reject) => {
      client.query(new CopyOut(`copy (${select}) to stdout (format csv)`, resolve, reject));
    });
  } finally {
    await client.end();
  }
}

/** `pg` knows COPY only as messages; this takes them (pg's own `Submittable`). */
class CopyOut implements Submittable {
  private rows = 0;

  constructor(
    private readonly statement: string,
    private readonly resolve: (rows: number) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  submit(connection: Connection): void {
    connection.query(this.statement);
  }

  /** One message holds one row (protocol-flow, COPY Operations). */
  handleCopyData(): void {
    this.rows += 1;
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.resolve(this.rows);
  }

  handleError(error: Error): void {
    this.reject(error);
  }
}
