/** What `npm start` tells the person in front of it, and in ready.json the programs beside it. */
import type { Parts } from './parts';
import type { SandboxSecrets } from './secrets';
import type { Seeded } from './seed';

export interface Situation {
  readonly folder: string;
  readonly port: number;
  readonly parts: Parts;
  readonly secrets: SandboxSecrets;
  readonly seeded: Seeded;
  readonly servicePid: number;
  /** What the service was started with: the truth where a real part was given. */
  readonly environment: NodeJS.ProcessEnv;
}

/** The content of `.sandbox/ready.json` (spec 09; tests, benches, examples and the web read it). */
export function readyContent(situation: Situation): Record<string, unknown> {
  const { parts, seeded, environment, port } = situation;
  const given = (name: string) => environment[name] ?? null;
  return {
    api: `http://127.0.0.1:${port}`,
    web: environment.PUBLIC_URL,
    admin_key: environment.ADMIN_API_KEY,
    service_key: seeded.service_key,
    tenants: seeded.tenants,
    stripe: {
      url: parts.stripe?.url ?? given('STRIPE_API_BASE'),
      secret_key: given('STRIPE_SECRET_KEY'),
      webhook_secret: given('STRIPE_WEBHOOK_SECRET'),
    },
    mailbox: parts.mailbox?.url ?? null,
    // The superuser's: row-level security shows every other role nothing outside of a tenant.
    postgres: parts.postgres ? billingDatabase(parts.postgres.superuserUrl) : given('DATABASE_URL'),
    redis: given('REDIS_URL'),
    clickhouse: given('CLICKHOUSE_URL'),
    sns_topic_arn: given('SNS_TOPIC_ARN'),
    aws_endpoint_url: given('AWS_ENDPOINT_URL'),
    events_queue_url: parts.aws?.eventsQueueUrl ?? null,
    referral_queue_url: given('SQS_REFERRAL_QUEUE_URL'),
    tenant_queue_url: given('SQS_TENANT_QUEUE_URL'),
    ory: given('ORY_URL'),
    pids: {
      launcher: process.pid,
      service: situation.servicePid,
      postgres: parts.postgres?.pid ?? null,
      redis: parts.redis?.pid ?? null,
      aws: parts.aws?.pid ?? null,
    },
  };
}

/**
 * The table at the end of a start.
 * @param seconds how long the start took
 */
export function announcement(situation: Situation, seconds: number): string {
  const { parts, seeded, environment } = situation;
  const web = String(environment.PUBLIC_URL);
  const adminKey = String(environment.ADMIN_API_KEY);
  const [first] = seeded.tenants;
  const places: [string, string | undefined][] = [
    ['API', `${web}/v1`],
    ['Stripe', parts.stripe?.url ?? 'your own key (STRIPE_SECRET_KEY)'],
    ['Mailbox', parts.mailbox?.url ?? 'your own server (SMTP_URL)'],
    ['Postgres', parts.postgres ? billingDatabase(parts.postgres.superuserUrl) : 'your own (DATABASE_URL)'],
    ['Redis', parts.redis?.url ?? 'your own (REDIS_URL)'],
    ['ClickHouse', parts.clickhouse?.url ?? 'your own (CLICKHOUSE_URL)'],
    ['SNS/SQS', parts.aws?.url ?? 'your own (AWS_ENDPOINT_URL, SNS_TOPIC_ARN)'],
    ['Ory', parts.ory?.url ?? 'your own (ORY_URL)'],
  ];
  const keys: [string, string][] = [
    ['Admin', adminKey],
    ['Service', seeded.service_key],
    ...seeded.tenants.map((tenant): [string, string] => [tenant.name, tenant.key]),
  ];
  const things: [string, string][] = [
    ['Buy a plan', `${web}/pricing${first ? `#key=${first.key}` : ''}`],
    ['See plans', `curl -s ${web}/v1/plans`],
    ['See tenants', `curl -s ${web}/v1/admin/tenants -H 'authorization: Bearer ${adminKey}'`],
  ];
  return [
    '',
    `Tenant Billing is running: ${web}   (ready after ${seconds.toFixed(1)} s)`,
    '',
    'Where everything is',
    ...table(places),
    '',
    'Keys',
    ...table(keys),
    '',
    'First things to try',
    ...table(things),
    '',
    `Data is in ${situation.folder}. Ctrl-C stops everything and keeps it; npm start -- --fresh begins anew.`,
    '',
  ].join('\n');
}

function table(rows: [string, string | undefined][]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, value]) => `  ${name.padEnd(width)}${value}`);
}

function billingDatabase(superuserUrl: string): string {
  return superuserUrl.replace(/\/postgres$/, '/billing');
}
