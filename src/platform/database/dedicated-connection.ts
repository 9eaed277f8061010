import { Client, QueryConfig, QueryResult, QueryResultRow } from 'pg';

const CONNECT_MS = 2000;

/**
 * One connection of a hot path's own: prepared statements stay on it, and nothing else waits for it. It is
 * opened at the first query and again after it broke; one query runs at a time.
 */
export class DedicatedConnection {
  private client: Promise<Client> | null = null;
  private opened: Client | null = null;

  constructor(
    private readonly url: string,
    private readonly name: string,
  ) {}

  /** @throws what the driver throws; whether the statement took effect is then unknown */
  async query<Row extends QueryResultRow>(query: QueryConfig): Promise<QueryResult<Row>> {
    const client = await (this.client ??= this.open());
    try {
      return await client.query<Row>(query);
    } catch (error) {
      // Not the server's word: nobody knows what this connection is about to say.
      if ((error as { severity?: string }).severity === undefined) this.drop(client);
      throw error;
    }
  }

  async close(): Promise<void> {
    const client = await this.client?.catch(() => null);
    this.client = null;
    await client?.end().catch(() => undefined);
  }

  private async open(): Promise<Client> {
    const client = new Client({
      connectionString: this.url,
      application_name: this.name,
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: 5000,
      query_timeout: 6000,
      lock_timeout: 2000,
      idle_in_transaction_session_timeout: 5000,
    });
    // Without a handler a broken connection would end the process (F-68).
    client.on('error', () => this.drop(client));
    client.on('end', () => this.drop(client));
    this.opened = client;
    try {
      await client.connect();
      return client;
    } catch (error) {
      this.drop(client);
      throw error;
    }
  }

  private drop(client: Client): void {
    if (this.opened !== client) return;
    this.opened = null;
    this.client = null;
    // end() would wait for a connection that does not answer.
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }
}
