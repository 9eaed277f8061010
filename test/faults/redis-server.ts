import Redis from 'ioredis';
import { startRedis, type RunningRedis } from '../../sandbox/redis/server';

/** The Redis of a cluster: flushed, killed, frozen, started again, or made a replica that refuses writes. */
export class RedisServer {
  private admin: Redis;

  private constructor(
    private running: RunningRedis,
    private readonly dir: string,
  ) {
    this.admin = this.connect();
  }

  static async start(dir: string): Promise<RedisServer> {
    return new RedisServer(await startRedis({ dir }), dir);
  }

  get pid(): number {
    return this.running.pid;
  }

  get port(): number {
    return this.running.port;
  }

  get url(): string {
    return this.running.url;
  }

  async flush(): Promise<void> {
    await this.admin.flushall();
  }

  /** SIGKILL, `downMs` without a server, and a start from what it had written to disk. */
  async crashAndRestart(downMs: number): Promise<void> {
    this.admin.disconnect();
    process.kill(this.running.pid, 'SIGKILL');
    await this.running.ended;
    await new Promise((resolve) => setTimeout(resolve, downMs));
    this.running = await startRedis({ dir: this.dir, port: this.running.port });
    this.admin = this.connect();
  }

  /** As in a failover: for so long it is a replica and answers every write with READONLY. */
  async readOnlyFor(ms: number): Promise<void> {
    // Port 1 has no server, so it keeps what it has.
    await this.admin.replicaof('127.0.0.1', 1);
    await new Promise((resolve) => setTimeout(resolve, ms));
    await this.admin.replicaof('NO', 'ONE');
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await this.running.stop();
  }

  private connect(): Redis {
    const client = new Redis(this.running.url, { maxRetriesPerRequest: 20 });
    client.on('error', () => undefined);
    return client;
  }
}
