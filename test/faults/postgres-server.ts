import { Client, Pool } from 'pg';
import { startPostgres, type RunningPostgres } from '../../sandbox/postgres/server';

/** The Postgres of a cluster: crashed and started again on its port, and looked into by the superuser. */
export class PostgresServer {
  private pool: Pool;

  private constructor(
    private running: RunningPostgres,
    private readonly dir: string,
    private readonly fsync: boolean,
  ) {
    this.pool = this.openPool();
  }

  static async start(dir: string, fsync: boolean): Promise<PostgresServer> {
    return new PostgresServer(await startPostgres({ dir, fsync }), dir, fsync);
  }

  get pid(): number {
    return this.running.pid;
  }

  get port(): number {
    return this.running.port;
  }

  get ownerUrl(): string {
    return this.running.ownerUrl;
  }

  get appUrl(): string {
    return this.running.appUrl;
  }

  /** The superuser, in the service's database: passes row-level security. */
  get superuserUrl(): string {
    const url = new URL(this.running.superuserUrl);
    url.pathname = new URL(this.running.ownerUrl).pathname;
    return url.toString();
  }

  async rows<Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return (await this.pool.query(sql, parameters)).rows as Row[];
  }

  /**
   * What `pg_ctl restart -m immediate` does: no checkpoint, no goodbye, recovery from the log.
   * @returns milliseconds from the crash until it took connections again
   */
  async crashAndRestart(downMs = 0): Promise<number> {
    const begun = performance.now();
    await this.pool.end().catch(() => undefined);
    process.kill(this.running.pid, 'SIGQUIT');
    await this.running.ended;
    if (downMs > 0) await new Promise((resolve) => setTimeout(resolve, downMs));
    this.running = await startPostgres({ dir: this.dir, port: this.running.port, fsync: this.fsync });
    this.pool = this.openPool();
    return performance.now() - begun;
  }

  /** Ends all sessions of the service. @returns how many there were */
  async terminateSessions(): Promise<number> {
    const ended = await this.rows(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'`,
    );
    return ended.length;
  }

  /** Sessions of the service that hold a transaction open and have done nothing for so long (I16). */
  async idleInTransaction(seconds: number): Promise<number> {
    const [row] = await this.rows<{ sessions: string }>(
      `select count(*) as sessions from pg_stat_activity
       where usename = 'app' and state like 'idle in transaction%'
         and state_change < clock_timestamp() - make_interval(secs => $1)`,
      [seconds],
    );
    return Number(row!.sessions);
  }

  /** A session of its own, for locks and long transactions. */
  async client(): Promise<Client> {
    const client = new Client({ connectionString: this.superuserUrl });
    await client.connect();
    return client;
  }

  async stop(): Promise<void> {
    await this.pool.end().catch(() => undefined);
    await this.running.stop();
  }

  private openPool(): Pool {
    const pool = new Pool({ connectionString: this.superuserUrl, max: 4 });
    // A crash of the server ends idle sessions of ours too; the next query opens new ones.
    pool.on('error', () => undefined);
    return pool;
  }
}
