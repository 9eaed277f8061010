import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { claimPorts } from '../../sandbox/ports';
import { startStripeSandbox, type StripeSandbox } from '../../sandbox/stripe/server';
import { callApi, type Answered, type ApiAnswer, type ApiRequest } from '../support/api';
import { FaultClient, type FaultClientOptions } from './fault-client';
import { FaultProxy } from './fault-proxy';
import { PostgresServer } from './postgres-server';
import { RedisServer } from './redis-server';
import { RunFolder } from './run-folder';
import { ServiceProcess } from './service-process';

export interface ClusterOptions {
  /** Service processes; 3 when left out. */
  replicas?: number;
  /** Whether Postgres writes through to the disk: yes in the long runs. */
  fsync?: boolean;
  /** Seed of the proxies' faults. */
  seed?: number;
  /** Further environment of the service. */
  env?: Record<string, string>;
  /** ROLE of each replica, in order; `all` where there is none. */
  roles?: readonly string[];
}

export interface ClusterTenant {
  id: string;
  key: string;
}

/**
 * Service processes on one Postgres, one Redis and one Stripe, with a fault proxy before each of them.
 * Postgres, Redis and the processes are the cluster's own; the Stripe sandbox runs in this process.
 */
export class Cluster {
  readonly adminKey: string;
  readonly webhookSecret: string;
  /** The plan of tenants that bought nothing; its limits are unlimited until a test gives a tenant others. */
  freePlan: Answered;
  private readonly operator: FaultClient;

  private constructor(
    private readonly folder: RunFolder,
    readonly postgres: PostgresServer,
    readonly redis: RedisServer,
    readonly stripe: StripeSandbox,
    readonly postgresProxy: FaultProxy,
    readonly redisProxy: FaultProxy,
    readonly replicas: ServiceProcess[],
    /** Before each replica, in the same order. */
    readonly serviceProxies: FaultProxy[],
    env: Record<string, string>,
  ) {
    this.adminKey = env.ADMIN_API_KEY!;
    this.webhookSecret = env.STRIPE_WEBHOOK_SECRET!;
    this.operator = this.client();
  }

  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const folder = new RunFolder();
    const seed = options.seed ?? 1;
    const count = options.replicas ?? 3;
    const [postgres, redis, stripe] = await Promise.all([
      PostgresServer.start(join(folder.path, 'postgres'), options.fsync ?? false),
      RedisServer.start(join(folder.path, 'redis')),
      startStripeSandbox({ retryDelaysMs: [50, 100, 200, 500, 1000, 2000, 5000] }),
    ]);
    folder.remember(postgres.pid);
    folder.remember(redis.pid);
    const postgresProxy = await FaultProxy.start(postgres.port, seed);
    const redisProxy = await FaultProxy.start(redis.port, seed + 1);
    const env = {
      ...environment(postgres, redis, stripe, postgresProxy, redisProxy),
      ...options.env,
    };
    const ports = await claimPorts(Array.from({ length: count }, () => 0));
    const replicas = ports.map(
      (port, at) =>
        new ServiceProcess(
          `replica ${at + 1}`,
          port,
          { ...env, ROLE: options.roles?.[at] ?? 'all' },
          join(folder.path, `replica-${at + 1}.log`),
        ),
    );
    const serviceProxies = await Promise.all(ports.map((port, at) => FaultProxy.start(port, seed + 2 + at)));
    const cluster = new Cluster(
      folder,
      postgres,
      redis,
      stripe,
      postgresProxy,
      redisProxy,
      replicas,
      serviceProxies,
      env,
    );
    try {
      // Without it Postgres acknowledges what a crash of its own would lose, which is no fault of the service.
      if (!options.fsync) await postgres.rows('alter role app set synchronous_commit = on');
      await Promise.all(replicas.map((_, at) => cluster.startReplica(at)));
      stripe.setWebhooks(
        replicas
          .slice(0, 1)
          .map(({ url }) => ({ url: `${url}/v1/webhooks/stripe`, secret: env.STRIPE_WEBHOOK_SECRET! })),
      );
      cluster.freePlan = await cluster.admin('POST', '/v1/admin/plans', FREE_PLAN);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** Starts a replica, or starts it again after its end. */
  async startReplica(at: number): Promise<void> {
    const replica = this.replicas[at]!;
    const started = replica.start();
    if (replica.pid !== null) this.folder.remember(replica.pid);
    await started;
  }

  /** SIGKILL, and a start right after. */
  async killAndRestart(at: number): Promise<void> {
    await this.replicas[at]!.kill();
    await this.startReplica(at);
  }

  /** A client that spreads its requests over all replicas and never gives up without a definite answer. */
  client(options: FaultClientOptions & { throughProxies?: boolean } = {}): FaultClient {
    // A proxy takes connections for a process that is gone, so past it the client knows more.
    const doors = options.throughProxies ? this.serviceProxies : this.replicas;
    return new FaultClient(
      doors.map(({ port }) => port),
      options,
    );
  }

  /** One request to one replica, past the proxies. */
  api(method: string, path: string, request: ApiRequest = {}, at = 0): Promise<ApiAnswer> {
    return callApi(this.replicas[at]!.url, method, path, request);
  }

  /** With the operator's key; throws when the answer is an error. */
  async admin(method: string, path: string, body?: unknown): Promise<Answered> {
    const answer = await this.api(method, path, { key: this.adminKey, body });
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  /** A tenant on the free plan, with a key. */
  async makeTenant(): Promise<ClusterTenant> {
    const name = `Tenant ${randomBytes(4).toString('hex')}`;
    const email = `${randomBytes(6).toString('hex')}@example.test`;
    const tenant = await this.admin('POST', '/v1/admin/tenants', { name, email });
    const key = await this.admin('POST', '/v1/api-keys', {
      name: 'faults',
      kind: 'tenant',
      tenant_id: tenant.id,
    });
    return { id: tenant.id as string, key: key.secret as string };
  }

  /** Tenants made a few at a time. */
  async makeTenants(count: number): Promise<ClusterTenant[]> {
    const tenants: ClusterTenant[] = [];
    while (tenants.length < count) {
      const batch = Math.min(8, count - tenants.length);
      tenants.push(...(await Promise.all(Array.from({ length: batch }, () => this.makeTenant()))));
    }
    return tenants;
  }

  /** A plan that costs something. */
  makePlan(fields: Record<string, unknown> = {}): Promise<Answered> {
    const slug = `plan-${randomBytes(5).toString('hex')}`;
    const terms = { currency: 'usd', amount: 2900, interval: 'month', limits: {}, features: [] };
    return this.admin('POST', '/v1/admin/plans', { name: slug, slug, ...terms, ...fields });
  }

  /** Checks out and pays; answers the id of the subscription in Stripe once it is known here. */
  async subscribe(tenant: ClusterTenant, planId: string): Promise<string> {
    const { status, body } = await this.operator.settle({
      method: 'POST',
      path: '/v1/billings/subscription/checkout',
      key: tenant.key,
      body: { plan_id: planId },
    });
    if (status !== 201) throw new Error(`checkout: ${status} ${JSON.stringify(body)}`);
    await this.stripe.completeCheckout(body.id as string, 'success');
    return this.until('the subscription', async () => {
      const [row] = await this.postgres.rows<{ id: string }>(
        `select stripe_subscription_id as id from billings where tenant_id = $1 and is_live
            and stripe_subscription_id is not null`,
        [tenant.id],
      );
      return row?.id;
    });
  }

  /** Waits until Stripe has delivered everything and the inbox is worked off. */
  async untilInboxIsEmpty(timeoutMs = 60_000): Promise<void> {
    await this.stripe.deliveriesIdle(timeoutMs);
    await this.until(
      'an empty inbox',
      async () => {
        const [row] = await this.postgres.rows<{ n: string }>(
          `select count(*) as n from stripe_events where status = 'pending'`,
        );
        return row!.n === '0';
      },
      timeoutMs,
    );
  }

  /** A limit of the tenant's own, in force on the next request; also while replicas are being killed. */
  async setLimit(tenant: ClusterTenant, metric: string, limit: number | null): Promise<void> {
    const { status, body } = await this.operator.settle({
      method: 'PUT',
      path: `/v1/admin/tenants/${tenant.id}/limit-overrides/${metric}`,
      key: this.adminKey,
      body: { limit, reason: 'fault test' },
    });
    if (status !== 200) throw new Error(`limit of ${metric}: ${status} ${JSON.stringify(body)}`);
  }

  /** A meter that operators could have made. */
  async makeMeter(meter: { key: string; aggregation: string; kind?: string; scale?: number }): Promise<void> {
    await this.postgres.rows(
      `insert into meters (key, name, unit, aggregation, kind, scale) values ($1, $1, 'units', $2, $3, $4)
       on conflict (key) do nothing`,
      [meter.key, meter.aggregation, meter.kind ?? 'flow', meter.scale ?? 0],
    );
  }

  /** Everything is as it should be again: no faults, and all replicas run. */
  async heal(): Promise<void> {
    for (const proxy of [this.postgresProxy, this.redisProxy, ...this.serviceProxies]) proxy.heal();
    for (const replica of this.replicas) replica.thaw();
    await this.restartEnded();
  }

  /** What an orchestrator would do: starts those again that have ended. */
  async restartEnded(): Promise<void> {
    for (const [at, replica] of this.replicas.entries()) if (!replica.isRunning) await this.startReplica(at);
  }

  /** Exits that nobody caused, since the start (I13). */
  ownExits(): string[] {
    return this.replicas.flatMap((replica) => replica.ownExits);
  }

  /** What the replicas logged about a request. */
  logged(requestId: string): string[] {
    return this.replicas.flatMap((replica) => replica.logged(requestId));
  }

  /** Whether no session of the service is in the middle of anything, and every replica answers. */
  async isIdle(): Promise<boolean> {
    const [busy] = await this.postgres.rows<{ sessions: string }>(
      `select count(*) as sessions from pg_stat_activity where usename = 'app' and state <> 'idle'`,
    );
    const answers = await Promise.all(
      this.replicas.map((_, at) =>
        this.api('GET', '/readyz', {}, at).then(
          ({ status }) => status,
          () => 0,
        ),
      ),
    );
    return Number(busy!.sessions) === 0 && answers.every((status) => status === 200);
  }

  async until<T>(
    what: string,
    look: () => Promise<T | null | undefined | false>,
    timeoutMs = 30_000,
  ): Promise<T> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (performance.now() > end) throw new Error(`waited in vain for: ${what}`);
      await pause(25);
    }
  }

  async close(): Promise<void> {
    this.operator.close();
    for (const replica of this.replicas) replica.thaw();
    await Promise.all(this.replicas.map((replica) => replica.stop()));
    await Promise.all(
      [this.postgresProxy, this.redisProxy, ...this.serviceProxies].map((proxy) => proxy.close()),
    );
    await Promise.all([this.postgres.stop(), this.redis.stop(), this.stripe.close()]);
    this.folder.remove();
  }
}

const UNLIMITED = ['referred_users', 'campaigns', 'seats', 'leaderboard_entries', 'email_sends', 'api_calls'];

const FREE_PLAN = {
  name: 'Free',
  slug: 'free',
  currency: 'usd',
  amount: 0,
  interval: 'month',
  limits: Object.fromEntries(UNLIMITED.map((metric) => [metric, null])),
  features: [],
};

function environment(
  postgres: PostgresServer,
  redis: RedisServer,
  stripe: StripeSandbox,
  postgresProxy: FaultProxy,
  redisProxy: FaultProxy,
): Record<string, string> {
  return {
    NODE_ENV: 'test',
    ROLE: 'all',
    HOST: '127.0.0.1',
    PUBLIC_URL: 'http://billing.test',
    CHECKOUT_REDIRECT_ORIGINS: 'https://app.example.test',
    SANDBOX: 'true',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'error',
    DATABASE_URL: postgresProxy.through(postgres.appUrl),
    MIGRATION_DATABASE_URL: postgres.ownerUrl,
    REDIS_URL: redisProxy.through(redis.url),
    STRIPE_SECRET_KEY: stripe.secretKey,
    STRIPE_API_BASE: stripe.url,
    STRIPE_WEBHOOK_SECRET: `whsec_${randomBytes(24).toString('hex')}`,
    ADMIN_API_KEY: `admin-${randomUUID()}`,
    APP_SECRET: randomBytes(32).toString('hex'),
    FREE_PLAN_SLUG: 'free',
  };
}
