import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Type } from '@nestjs/common';
import Redis from 'ioredis';
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { startStripeSandbox, type StripeSandbox } from '../../sandbox/stripe/server';
import { loadConfig } from '../../src/platform/config/env';
import { OutboxRelay } from '../../src/platform/outbox/outbox-relay';
import { StripeEventsJobs } from '../../src/modules/billing/stripe-events/stripe-events.jobs';
import { StripeClient } from '../../src/stripe/stripe-client';
import { startService } from '../../src/service';
import { callApi, type Answered, type ApiAnswer, type ApiRequest } from './api';
import { ChildService } from './child-service';
import { createTestDatabase, queryAsSuperuser, type TestDatabase } from './database';

export interface TestServiceOptions {
  /** Further environment of the service. */
  env?: Record<string, string>;
  /** Bring your own Stripe sandbox. */
  stripe?: StripeSandbox;
}

export interface TestTenant {
  id: string;
  name: string;
  key: string;
}

/** The real service in this process: real Postgres, real Redis, the Stripe sandbox over HTTP. */
export class TestService {
  readonly adminKey: string;
  readonly webhookSecret: string;
  /** Of the endpoint for event notifications. */
  readonly eventsSecret: string;

  private constructor(
    private readonly running: Awaited<ReturnType<typeof startService>>,
    readonly database: TestDatabase,
    readonly stripe: StripeSandbox,
    readonly env: Record<string, string>,
    private readonly ownsStripe: boolean,
  ) {
    this.adminKey = env.ADMIN_API_KEY!;
    this.webhookSecret = env.STRIPE_WEBHOOK_SECRET!;
    this.eventsSecret = env.STRIPE_EVENTS_SECRET!;
  }

  static async start(options: TestServiceOptions = {}): Promise<TestService> {
    const database = await createTestDatabase();
    const stripe = options.stripe ?? (await startStripeSandbox({ retryDelaysMs: [50, 100, 200, 500] }));
    const env = { ...(await surroundings(database, stripe)), ...options.env };
    const running = await startService(loadConfig(env)).catch(async (error: unknown) => {
      // What was opened for a service that never came up must not keep Jest from ending.
      if (!options.stripe) await stripe.close();
      await database.drop();
      throw error;
    });
    const service = new TestService(running, database, stripe, env, options.stripe === undefined);
    stripe.setWebhooks([
      { url: `${running.url}/v1/webhooks/stripe`, secret: service.webhookSecret },
      {
        url: `${running.url}/v1/webhooks/stripe/events`,
        secret: service.eventsSecret,
        event_payload: 'thin',
      },
    ]);
    return service;
  }

  get url(): string {
    return this.running.url;
  }

  get app(): NestFastifyApplication {
    return this.running.app;
  }

  /**
   * A second replica on the same Postgres, Redis and Stripe, in a process of its own: the transaction host of
   * @nestjs-cls is one per process, so two services in one would share it. Stop it yourself.
   */
  async replica(env: Record<string, string> = {}): Promise<ChildService> {
    const child = await ChildService.create({ ...this.env, ...env });
    await child.start();
    return child;
  }

  /** An instance of the service's own, for looking behind the API. */
  get<T>(type: Type<T> | (abstract new (...args: never[]) => T)): T {
    return this.running.app.get(type as Type<T>, { strict: false });
  }

  api(method: string, path: string, request: ApiRequest = {}): Promise<ApiAnswer> {
    return callApi(this.url, method, path, request);
  }

  /** The same with the operator's key; throws when the answer is an error. */
  async admin(method: string, path: string, body?: unknown): Promise<Answered> {
    const answer = await this.api(method, path, { key: this.adminKey, body });
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  /** A tenant of the test's own, with a key. */
  async makeTenant(fields: Record<string, unknown> = {}): Promise<TestTenant> {
    const name = `Tenant ${randomBytes(4).toString('hex')}`;
    const email = `${randomBytes(6).toString('hex')}@example.test`;
    const tenant = await this.admin('POST', '/v1/admin/tenants', { name, email, ...fields });
    const key = await this.admin('POST', '/v1/api-keys', {
      name: 'test',
      kind: 'tenant',
      tenant_id: tenant.id,
    });
    return { id: tenant.id, name: tenant.name, key: key.secret };
  }

  /** A plan of the test's own, with its product and price in the Stripe sandbox. */
  makePlan(fields: Record<string, unknown> = {}): Promise<Answered> {
    const slug = `plan-${randomBytes(5).toString('hex')}`;
    return this.admin('POST', '/v1/admin/plans', {
      name: slug,
      slug,
      currency: 'usd',
      amount: 2900,
      interval: 'month',
      limits: { campaigns: 10, seats: 5 },
      features: ['reports'],
      ...fields,
    });
  }

  /** Checks out and pays; returns when the webhook made the tenant's subscription live. */
  async subscribe(tenant: TestTenant, planId: string): Promise<Answered> {
    const opened = await this.api('POST', '/v1/billings/subscription/checkout', {
      key: tenant.key,
      body: { plan_id: planId },
    });
    if (opened.status !== 201) throw new Error(`checkout: ${opened.status} ${opened.text}`);
    await this.stripe.completeCheckout(opened.body.id, 'success');
    return this.until(async () => {
      const { body } = await this.api('GET', '/v1/billings/subscription', { key: tenant.key });
      return body.status === 'ACTIVE' || body.status === 'TRIALING' ? body : null;
    });
  }

  /** Waits until `look` finds something; fails after ten seconds. */
  async until<T>(look: () => Promise<T | null | undefined | false>, timeoutMs = 10_000): Promise<T> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (performance.now() > end) throw new Error('what was waited for did not come');
      await pause(25);
    }
  }

  /** Everything in flight is done: deliveries made, inbox empty, facts told. */
  async settle(timeoutMs = 20_000): Promise<void> {
    await this.stripe.deliveriesIdle();
    await this.until(async () => {
      await this.get(StripeEventsJobs).sweep();
      const [row] = await this.rows<{ waiting: number }>(
        `select (select count(*) from stripe_events where status = 'pending')
              + (select count(*) from outbox where dispatched_at is null) as waiting`,
      );
      return Number(row!.waiting) === 0;
    }, timeoutMs);
  }

  /** Ends all faults of the Stripe sandbox, and waits until the service dares to ask it again. */
  async stripeIsBack(): Promise<void> {
    this.stripe.setFaults({});
    const client = this.get(StripeClient);
    await this.until(() =>
      client
        .call('customers.list', (stripe, options) => stripe.customers.list({ limit: 1 }, options))
        .then(
          () => true,
          () => false,
        ),
    );
  }

  /** Publishes and dispatches all recorded facts now. */
  drain(): Promise<void> {
    return this.get(OutboxRelay).drain();
  }

  rows<Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return queryAsSuperuser<Row>(this.database, sql, parameters);
  }

  async close(): Promise<void> {
    await this.running.stop();
    if (this.ownsStripe) await this.stripe.close();
    await this.database.drop();
  }
}

/** Starts a service with everything it needs; close it in afterAll. */
export function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  return TestService.start(options);
}

async function surroundings(database: TestDatabase, stripe: StripeSandbox): Promise<Record<string, string>> {
  return {
    NODE_ENV: 'test',
    ROLE: 'all',
    HOST: '127.0.0.1',
    PORT: '0',
    PUBLIC_URL: 'http://billing.test',
    CHECKOUT_REDIRECT_ORIGINS: 'https://app.example.test',
    SANDBOX: 'true',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    DATABASE_URL: database.appUrl,
    MIGRATION_DATABASE_URL: database.ownerUrl,
    REDIS_URL: await ownRedis(),
    STRIPE_SECRET_KEY: stripe.secretKey,
    STRIPE_API_BASE: stripe.url,
    STRIPE_WEBHOOK_SECRET: `whsec_${randomBytes(24).toString('hex')}`,
    STRIPE_EVENTS_SECRET: `whsec_${randomBytes(24).toString('hex')}`,
    ADMIN_API_KEY: `admin-${randomUUID()}`,
    APP_SECRET: randomBytes(32).toString('hex'),
    TRIAL_PLAN_SLUG: 'starter',
    FREE_PLAN_SLUG: 'free',
  };
}

/** Each Jest worker has a Redis database of its own, emptied: one file's jobs never reach another's workers. */
async function ownRedis(): Promise<string> {
  const url = new URL(process.env.TEST_REDIS_URL!);
  url.pathname = `/${process.env.JEST_WORKER_ID ?? '1'}`;
  const redis = new Redis(url.toString());
  await redis.flushdb();
  redis.disconnect();
  return url.toString();
}
