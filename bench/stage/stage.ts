/** One database and the service on it: what a case measures. Gone when the case is over. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Redis from 'ioredis';
import { Client } from 'pg';
import { serviceEnvironment } from '../../sandbox/environment';
import { freePort } from '../../sandbox/ports';
import { SERVICE_NODE_FLAGS } from '../../sandbox/node-flags';
import { repositoryRoot } from '../../sandbox/repository-root';
import { ServiceApi } from '../../sandbox/service-api';
import { Profiling } from '../measure/profiling';
import { type Child, startChild } from './child';
import type { Servers } from './servers';

/** Redis has sixteen databases; stages that stand side by side must not share one. */
const REDIS_DATABASES = 16;
let opened = 0;

export interface StageOptions {
  /** Service processes on the database; 1 when left out. */
  readonly processes?: number;
  /** Records where the first process spends its time. */
  readonly profile?: boolean;
  /** Of the service, over what the sandbox would say. */
  readonly environment?: NodeJS.ProcessEnv;
}

export interface ServiceProcess {
  readonly pid: number;
  readonly port: number;
}

export class Stage {
  /** A service key: all tenants. */
  serviceKey = '';
  private readonly children: Child[] = [];

  private constructor(
    readonly servers: Servers,
    private readonly name: string,
    /** The superuser, in the stage's database: passes row-level security. */
    readonly sql: Client,
    readonly redis: Redis,
    readonly processes: ServiceProcess[],
    readonly profiling: Profiling | null,
  ) {}

  /** Makes the database and starts the service, which migrates it; limits and tenants are the case's business. */
  static async open(servers: Servers, options: StageOptions = {}): Promise<Stage> {
    const name = `bench_${randomBytes(4).toString('hex')}`;
    await onServer(servers, `create database ${name} owner owner`);
    const sql = new Client({ connectionString: inDatabase(servers.postgres.superuserUrl, name) });
    // Postgres ends the session when a run is broken off; whoever is asking learns of it from the question.
    sql.on('error', () => undefined);
    await sql.connect();
    opened += 1;
    const redis = new Redis(`${servers.redis.url}/${opened % REDIS_DATABASES}`);
    redis.on('error', () => undefined);
    await redis.flushdb();
    const profiling = options.profile ? new Profiling(join(servers.folder, `${name}.cpuprofile`)) : null;
    const stage = new Stage(servers, name, sql, redis, [], profiling);
    try {
      for (let at = 0; at < (options.processes ?? 1); at += 1) await stage.startProcess(options.environment);
      const issued = await stage.admin.post<{ secret: string }>('/v1/api-keys', {
        kind: 'service',
        name: 'Benchmark',
      });
      stage.serviceKey = issued.secret;
    } catch (error) {
      await stage.close();
      throw error;
    }
    return stage;
  }

  get process(): ServiceProcess {
    return this.processes[0]!;
  }

  get url(): string {
    return `http://127.0.0.1:${this.process.port}`;
  }

  /** The API with the operator's key. */
  get admin(): ServiceApi {
    return new ServiceApi(this.url, this.servers.secrets.adminApiKey);
  }

  /** The app role's address, for baselines that write beside the service. */
  get appUrl(): string {
    return inDatabase(this.servers.postgres.appUrl, this.name);
  }

  /** For reading what the app role may not see without a tenant. */
  get superuserUrl(): string {
    return inDatabase(this.servers.postgres.superuserUrl, this.name);
  }

  async close(): Promise<void> {
    await Promise.all(this.children.map((child) => child.stop()));
    this.redis.disconnect();
    await this.sql.end();
    await onServer(this.servers, `drop database ${this.name} with (force)`);
  }

  private async startProcess(environment: NodeJS.ProcessEnv = {}): Promise<void> {
    const { servers } = this;
    const port = await freePort();
    const parts = {
      postgres: {
        appUrl: this.appUrl,
        ownerUrl: inDatabase(servers.postgres.ownerUrl, this.name),
        superuserUrl: servers.postgres.superuserUrl,
        pid: servers.postgres.pid,
      },
      redis: { url: `${servers.redis.url}/${this.redis.options.db}`, pid: servers.redis.pid },
      stripe: { url: servers.stripe.url },
      aws: null,
      mailbox: null,
      ory: null,
      clickhouse: null,
    };
    const isFirst = this.children.length === 0;
    const profiling = isFirst ? this.profiling : null;
    const child = await startChild(servers, {
      name: `${this.name}-service-${this.children.length + 1}`,
      args: [
        ...SERVICE_NODE_FLAGS,
        ...(profiling?.nodeArguments ?? []),
        join(repositoryRoot, 'dist', 'src', 'main.js'),
      ],
      environment: {
        // Trials on the free plan: one plan decides for all tenants made over the API.
        ...serviceEnvironment(parts, servers.secrets, port, { TRIAL_PLAN_SLUG: 'free', ...environment }),
        ...profiling?.environment,
        PATH: process.env.PATH,
      },
      readyUrl: `http://127.0.0.1:${port}/readyz`,
    });
    if (profiling) profiling.pid = child.pid;
    this.children.push(child);
    this.processes.push({ pid: child.pid, port });
  }
}

function inDatabase(url: string, name: string): string {
  const address = new URL(url);
  address.pathname = `/${name}`;
  return address.toString();
}

async function onServer(servers: Servers, statement: string): Promise<void> {
  const client = new Client({ connectionString: servers.postgres.superuserUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
