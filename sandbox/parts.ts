/** The parts around the service, started side by side; each is skipped when its variable names a real one. */
import { join } from 'node:path';
import { startAws } from './aws/server';
import { startClickhouseFront } from './clickhouse/front';
import { recordProcess } from './folder';
import { startMailbox } from './mail/server';
import { startOry } from './ory/server';
import type { PortPlan } from './port-plan';
import { startPostgres } from './postgres/server';
import { startRedis } from './redis/server';
import type { SandboxSecrets } from './secrets';
import { startStripeSandbox } from './stripe/server';

/** A part that can be stopped. */
export interface Stoppable {
  readonly name: string;
  stop(): Promise<void>;
}

/** Where each part is; null: a real one was given, or the part is not there. */
export interface Parts {
  readonly postgres: { appUrl: string; ownerUrl: string; superuserUrl: string; pid: number } | null;
  readonly redis: { url: string; pid: number } | null;
  readonly stripe: { url: string } | null;
  readonly aws: {
    url: string;
    region: string;
    topicArn: string;
    eventsQueueUrl: string;
    referralQueueUrl: string;
    tenantQueueUrl: string;
    pid: number;
  } | null;
  readonly mailbox: { url: string; smtpUrl: string } | null;
  readonly ory: { url: string } | null;
  readonly clickhouse: { url: string } | null;
}

export interface PartsOptions {
  readonly folder: string;
  readonly ports: PortPlan;
  readonly secrets: SandboxSecrets;
  readonly environment: NodeJS.ProcessEnv;
  /** Told about each part as soon as it runs, so that it can be stopped whatever happens next. */
  onStarted(part: Stoppable): void;
  /** Told when a server ended that nobody stopped. */
  onLost(name: string): void;
}

/** Starts all parts that no variable replaces. Rejects with the first one that does not start. */
export async function startParts(options: PartsOptions): Promise<Parts> {
  const { folder, ports, secrets, onStarted, onLost } = options;
  const given = (...names: string[]) => names.some((name) => options.environment[name]);
  const unless = async <Part extends { stop(): Promise<void> }>(
    replaced: boolean,
    name: string,
    start: () => Promise<Part>,
  ): Promise<Part | null> => {
    if (replaced) return null;
    const part = await start();
    onStarted({ name, stop: () => part.stop() });
    return part;
  };

  // All are waited for, also when one fails: what did start has to be known to be stopped.
  const results = await Promise.allSettled([
    unless(given('DATABASE_URL'), 'Postgres', async () => {
      const postgres = await startPostgres({ dir: join(folder, 'postgres'), port: ports.parts.postgres });
      recordProcess(folder, 'postgres', postgres.pid);
      void postgres.ended.then(() => onLost('Postgres'));
      return postgres;
    }),
    unless(given('REDIS_URL'), 'Redis', async () => {
      const redis = await startRedis({ dir: join(folder, 'redis'), port: ports.parts.redis });
      recordProcess(folder, 'redis', redis.pid);
      void redis.ended.then(() => onLost('Redis'));
      return redis;
    }),
    unless(given('STRIPE_SECRET_KEY'), 'Stripe sandbox', async () => {
      const stripe = await startStripeSandbox({
        port: ports.parts.stripe,
        secretKey: secrets.stripeSecretKey,
        dataDir: join(folder, 'stripe'),
        webhooks: [
          {
            url: `http://127.0.0.1:${ports.service}/v1/webhooks/stripe`,
            secret: secrets.stripeWebhookSecret,
          },
          {
            url: `http://127.0.0.1:${ports.service}/v1/webhooks/stripe/events`,
            secret: secrets.stripeEventsSecret,
            event_payload: 'thin',
          },
        ],
      });
      return { url: stripe.url, stop: () => stripe.close() };
    }),
    unless(given('SNS_TOPIC_ARN', 'AWS_ENDPOINT_URL'), 'SNS/SQS', async () => {
      const aws = await startAws({ dir: join(folder, 'aws'), port: ports.parts.aws });
      recordProcess(folder, 'aws', aws.pid);
      return aws;
    }),
    unless(given('SMTP_URL'), 'mailbox', () =>
      startMailbox({
        dir: join(folder, 'mail'),
        port: ports.parts.mailbox,
        smtpPort: ports.parts.smtp,
      }),
    ),
    unless(given('ORY_URL'), 'Ory stand-in', () => startOry({ port: ports.parts.ory })),
    unless(given('CLICKHOUSE_URL'), 'ClickHouse', () =>
      startClickhouseFront({ dir: join(folder, 'clickhouse'), port: ports.parts.clickhouse }),
    ),
  ] as const);
  const [postgres, redis, stripe, aws, mailbox, ory, clickhouse] = results;
  return {
    postgres: started(postgres),
    redis: started(redis),
    stripe: started(stripe),
    aws: started(aws),
    mailbox: started(mailbox),
    ory: started(ory),
    clickhouse: started(clickhouse),
  };
}

function started<Part>(result: PromiseSettledResult<Part>): Part {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}
