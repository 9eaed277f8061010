/** What the service is told about its surroundings. */
import type { Parts } from './parts';
import { installedFile } from './repository-root';
import type { SandboxSecrets } from './secrets';

/**
 * The service's environment: the sandbox's parts, overruled by whatever the user set, except for where it
 * listens, which was decided by what is free.
 * @param port where the service answers
 */
export function serviceEnvironment(
  parts: Parts,
  secrets: SandboxSecrets,
  port: number,
  user: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const { postgres, redis, stripe, aws, mailbox, ory, clickhouse } = parts;
  const sandbox: NodeJS.ProcessEnv = {
    NODE_ENV: 'development',
    ROLE: 'all',
    HOST: '127.0.0.1',
    PUBLIC_URL: `http://localhost:${port}`,
    SANDBOX: 'true',
    LOG_LEVEL: 'warn',
    MAIL_FROM: 'Tenant Billing <billing@localhost>',
    TRIAL_PLAN_SLUG: 'starter',
    FREE_PLAN_SLUG: 'free',
    ADMIN_API_KEY: secrets.adminApiKey,
    APP_SECRET: secrets.appSecret,
    // Node from 22.1 on keeps compiled code there and starts sooner; older ones do not look.
    NODE_COMPILE_CACHE: installedFile('.cache', 'compiled'),
    // On Node 20 the AWS SDK announces at each start when it will drop it.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    ...(postgres && { DATABASE_URL: postgres.appUrl, MIGRATION_DATABASE_URL: postgres.ownerUrl }),
    ...(redis && { REDIS_URL: redis.url }),
    ...(stripe && {
      STRIPE_SECRET_KEY: secrets.stripeSecretKey,
      STRIPE_API_BASE: stripe.url,
      STRIPE_WEBHOOK_SECRET: secrets.stripeWebhookSecret,
      STRIPE_EVENTS_SECRET: secrets.stripeEventsSecret,
    }),
    ...(aws && {
      AWS_ENDPOINT_URL: aws.url,
      AWS_REGION: aws.region,
      AWS_ACCESS_KEY_ID: 'sandbox',
      AWS_SECRET_ACCESS_KEY: 'sandbox',
      SNS_TOPIC_ARN: aws.topicArn,
      SQS_TENANT_QUEUE_URL: aws.tenantQueueUrl,
      SQS_REFERRAL_QUEUE_URL: aws.referralQueueUrl,
    }),
    ...(mailbox && { SMTP_URL: mailbox.smtpUrl }),
    ...(ory && { ORY_URL: ory.url }),
    ...(clickhouse && { CLICKHOUSE_URL: clickhouse.url }),
  };
  const chosen = Object.entries(user).filter(([, value]) => value !== undefined && value !== '');
  return { ...sandbox, ...Object.fromEntries(chosen), PORT: String(port) };
}
