import { isWeakSecret } from './secret-strength';

/**
 * The only reader of the environment. Everything is checked at start and every mistake is listed at once,
 * so that a new operator mends one list instead of meeting one error after another.
 */
export interface Config {
  env: 'development' | 'test' | 'production';
  role: 'all' | 'api' | 'worker';
  /** True only beside the sandbox of `npm start`; opens the sandbox routes. */
  sandbox: boolean;
  port: number;
  host: string;
  /** Base of links we hand out: e-mails, default checkout redirects. No trailing slash. */
  publicUrl: string;
  logLevel: string;
  metricsPort: number | null;
  /** HMAC key for cursors and signed links. */
  appSecret: string;
  adminApiKey: string | null;
  corsAllowedOrigins: string[];
  /** How many proxies in front of us may speak for the client's address. */
  trustedProxyHops: number;
  idempotencyRequired: boolean;
  /** Seconds between readiness turning off and the listener closing. */
  shutdownDelayMs: number;
  database: { url: string; migrationUrl: string; singleRole: boolean; poolSize: number };
  redisUrl: string;
  stripe: {
    secretKey: string;
    /** Set for the Stripe sandbox; null means Stripe itself. */
    apiBase: string | null;
    webhookSecrets: string[];
    /** Of the endpoint for event notifications (thin events); none when there is no such endpoint. */
    eventsSecrets: string[];
    livemode: boolean;
    timeoutMs: number;
    tax: boolean;
  };
  checkout: { allowedRedirectOrigins: string[]; sessionHours: number };
  trial: { days: number; planSlug: string | null };
  freePlanSlug: string | null;
  payment: {
    /** Days between the first failed payment and OVERDUE; 0 = at once. */
    graceDays: number;
    /** Statuses in which protected routes answer 402; in the other statuses that owe they only warn. */
    blockedStatuses: ('PAST_DUE' | 'OVERDUE' | 'FAILED')[];
  };
  usage: {
    /** Percent past a limit that still passes where the plan does not say; up to two decimals. */
    gracePercent: number;
    /** Percent of a limit at which the warning is sent. */
    warningPercent: number;
    /** Connections on which the ledger commits; more than the database has cores gain nothing. */
    lanes: number;
    /** Days that a usage event is kept in the ledger; null = for ever. */
    retentionDays: number | null;
  };
  mail: { smtpUrl: string | null; from: string; alertEmail: string | null };
  aws: {
    region: string;
    endpoint: string | null;
    snsTopicArn: string | null;
    tenantQueueUrl: string | null;
    referralQueueUrl: string | null;
  };
}

/** All that is wrong with the environment, one line each. */
export class ConfigError extends Error {
  constructor(readonly mistakes: string[]) {
    super(
      `The configuration has ${mistakes.length} mistake(s):\n${mistakes.map((m) => `  - ${m}`).join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

/**
 * Reads and checks the whole configuration.
 * @throws ConfigError naming every mistake; values of secrets are never part of it.
 */
export function loadConfig(source: NodeJS.ProcessEnv = process.env): Config {
  const read = new EnvReader(source);
  const env = read.oneOf('NODE_ENV', ['development', 'test', 'production'] as const, 'development');
  const sandbox = read.flag('SANDBOX', false);
  const port = read.integer('PORT', 3000, 0, 65535);
  const publicUrl = read.url('PUBLIC_URL', ['http:', 'https:'], `http://localhost:${port}`) ?? '';
  const secretKey = read.text('STRIPE_SECRET_KEY');
  const livemode = /^(sk|rk)_live_/.test(secretKey);
  const databaseUrl = read.url('DATABASE_URL', ['postgres:', 'postgresql:']) ?? '';
  const migrationUrl = read.url('MIGRATION_DATABASE_URL', ['postgres:', 'postgresql:'], databaseUrl) ?? '';

  const config: Config = {
    env,
    role: read.oneOf('ROLE', ['all', 'api', 'worker'] as const, 'all'),
    sandbox,
    port,
    host: read.text('HOST', '0.0.0.0'),
    publicUrl: publicUrl.replace(/\/$/, ''),
    logLevel: read.oneOf(
      'LOG_LEVEL',
      ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const,
      'info',
    ),
    metricsPort: read.optionalInteger('METRICS_PORT', 1, 65535),
    appSecret: read.text('APP_SECRET'),
    adminApiKey: read.optionalText('ADMIN_API_KEY'),
    corsAllowedOrigins: read.origins('CORS_ALLOWED_ORIGINS'),
    trustedProxyHops: read.integer('TRUSTED_PROXY_HOPS', 0, 0, 10),
    idempotencyRequired: read.flag('IDEMPOTENCY_REQUIRED', false),
    shutdownDelayMs: read.integer('SHUTDOWN_DELAY_MS', env === 'production' ? 2000 : 0, 0, 60_000),
    database: {
      url: databaseUrl,
      migrationUrl,
      singleRole: userOf(databaseUrl) === userOf(migrationUrl),
      poolSize: read.integer('DATABASE_POOL_SIZE', 20, 2, 200),
    },
    redisUrl: read.url('REDIS_URL', ['redis:', 'rediss:']) ?? '',
    stripe: {
      secretKey,
      apiBase: read.url('STRIPE_API_BASE', ['http:', 'https:'], null),
      webhookSecrets: webhookSecrets(read, livemode),
      eventsSecrets: ['STRIPE_EVENTS_SECRET', 'STRIPE_EVENTS_SECRET_PREVIOUS'].flatMap(
        (name) => read.optionalText(name) ?? [],
      ),
      livemode,
      timeoutMs: read.integer('STRIPE_TIMEOUT_MS', 10_000, 100, 60_000),
      tax: read.flag('STRIPE_TAX', false),
    },
    checkout: {
      allowedRedirectOrigins: [
        new URL(publicUrl || 'http://localhost').origin,
        // On a laptop the two names of this machine are one place.
        ...(sandbox ? [`http://localhost:${port}`, `http://127.0.0.1:${port}`] : []),
        ...read.origins('CHECKOUT_REDIRECT_ORIGINS'),
      ],
      sessionHours: read.integer('CHECKOUT_SESSION_HOURS', 24, 1, 24),
    },
    trial: { days: read.integer('TRIAL_DAYS', 14, 0, 730), planSlug: read.optionalText('TRIAL_PLAN_SLUG') },
    freePlanSlug: read.optionalText('FREE_PLAN_SLUG'),
    payment: {
      graceDays: read.integer('PAYMENT_GRACE_DAYS', 7, 0, 365),
      blockedStatuses: blockedStatuses(read),
    },
    usage: {
      gracePercent: gracePercent(read),
      warningPercent: Math.round(read.decimal('USAGE_CAP_WARNING_THRESHOLD', 0.8, 0.01, 1) * 100),
      lanes: read.integer('USAGE_LEDGER_LANES', 2, 1, 16),
      retentionDays: read.optionalInteger('USAGE_RETENTION_DAYS', 100, 36_500),
    },
    mail: {
      smtpUrl: read.url('SMTP_URL', ['smtp:', 'smtps:'], null),
      from: read.text('MAIL_FROM', 'Billing <billing@localhost>'),
      alertEmail: read.optionalText('ALERT_EMAIL'),
    },
    aws: {
      region: read.text('AWS_REGION', 'us-east-1'),
      endpoint: read.url('AWS_ENDPOINT_URL', ['http:', 'https:'], null),
      snsTopicArn: read.optionalText('SNS_TOPIC_ARN'),
      tenantQueueUrl: read.url('SQS_TENANT_QUEUE_URL', ['http:', 'https:'], null),
      referralQueueUrl: read.url('SQS_REFERRAL_QUEUE_URL', ['http:', 'https:'], null),
    },
  };

  if (env === 'production') refuseUnsafeProduction(read, config, source);
  if (read.mistakes.length > 0) throw new ConfigError(read.mistakes);
  return config;
}

/** Production refuses sandbox parts, weak secrets and a single database role (decisions 1, security S-58, S-65). */
function refuseUnsafeProduction(read: EnvReader, config: Config, source: NodeJS.ProcessEnv): void {
  if (config.sandbox) read.mistake('SANDBOX must not be true in production');
  if (config.stripe.apiBase)
    read.mistake('STRIPE_API_BASE must not be set in production: it replaces Stripe');
  if (config.stripe.secretKey.includes('sandbox'))
    read.mistake('STRIPE_SECRET_KEY is the key of the sandbox');
  if (isWeakSecret(config.appSecret)) read.mistake('APP_SECRET is weak: use 32 or more random characters');
  if (config.adminApiKey !== null && isWeakSecret(config.adminApiKey))
    read.mistake('ADMIN_API_KEY is weak: use 32 or more random characters');
  if (config.stripe.eventsSecrets.some(isWeakSecret))
    read.mistake('STRIPE_EVENTS_SECRET is weak or the secret of the sandbox');
  if (config.stripe.webhookSecrets.some(isWeakSecret))
    read.mistake('STRIPE_WEBHOOK_SECRET is weak or the secret of the sandbox');
  if (config.database.singleRole && source.ALLOW_SINGLE_DB_ROLE !== 'true')
    read.mistake(
      'DATABASE_URL and MIGRATION_DATABASE_URL use one role; give two, or set ALLOW_SINGLE_DB_ROLE=true',
    );
  for (const [name, url] of [
    ['DATABASE_URL', config.database.url],
    ['MIGRATION_DATABASE_URL', config.database.migrationUrl],
  ] as const)
    // Both variables may hold one URL; the operator reads about it once.
    if (source[name] && /[?&]sslmode=no-verify(&|$)/i.test(url))
      read.mistake(`${name} turns off TLS verification with sslmode=no-verify`);
  if (source.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    read.mistake('NODE_TLS_REJECT_UNAUTHORIZED=0 turns off TLS verification');
}

function webhookSecrets(read: EnvReader, livemode: boolean): string[] {
  const live = read.optionalText('STRIPE_WEBHOOK_SECRET_LIVE');
  // One endpoint and one secret per mode: the other mode's secret must not verify (reliability F-13).
  const current = livemode && live ? live : read.text('STRIPE_WEBHOOK_SECRET');
  const previous = read.optionalText('STRIPE_WEBHOOK_SECRET_PREVIOUS');
  return previous ? [current, previous] : [current];
}

/** USAGE_CAP_HARD_LIMIT is the older name of the setting: 1.1 there is 10 percent here (decisions 11). */
function gracePercent(read: EnvReader): number {
  const older = read.decimal('USAGE_CAP_HARD_LIMIT', 1, 1, 11);
  return read.decimal('LIMIT_GRACE_PERCENT', Math.round((older - 1) * 10_000) / 100, 0, 1000);
}

function blockedStatuses(read: EnvReader): Config['payment']['blockedStatuses'] {
  const known = ['PAST_DUE', 'OVERDUE', 'FAILED'] as const;
  const named = read.text('PAYMENT_BLOCKED_STATUSES', 'OVERDUE,FAILED');
  if (named === 'none') return [];
  const parts = named.split(',').map((part) => part.trim());
  if (parts.every((part) => (known as readonly string[]).includes(part)))
    return known.filter((status) => parts.includes(status));
  read.mistake(`PAYMENT_BLOCKED_STATUSES must list some of ${known.join(', ')}, or be none`);
  return [];
}

function userOf(url: string): string {
  try {
    return new URL(url).username;
  } catch {
    return '';
  }
}

class EnvReader {
  readonly mistakes: string[] = [];

  constructor(private readonly source: NodeJS.ProcessEnv) {}

  mistake(text: string): void {
    this.mistakes.push(text);
  }

  optionalText(name: string): string | null {
    const value = this.source[name]?.trim();
    return value ? value : null;
  }

  text(name: string, fallback?: string): string {
    const value = this.optionalText(name) ?? fallback;
    if (value === undefined) this.mistake(`${name} is missing`);
    return value ?? '';
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const value = this.optionalText(name) ?? fallback;
    if (!(allowed as readonly string[]).includes(value))
      this.mistake(`${name} must be one of ${allowed.join(', ')}`);
    return value as T;
  }

  flag(name: string, fallback: boolean): boolean {
    return this.oneOf(name, ['true', 'false'] as const, fallback ? 'true' : 'false') === 'true';
  }

  integer(name: string, fallback: number, least: number, most: number): number {
    return this.optionalInteger(name, least, most) ?? fallback;
  }

  decimal(name: string, fallback: number, least: number, most: number): number {
    const text = this.optionalText(name);
    if (text === null) return fallback;
    const value = Number(text);
    if (!/^\d+(\.\d{1,2})?$/.test(text) || value < least || value > most) {
      this.mistake(`${name} must be a number from ${least} to ${most} with at most two decimals`);
      return fallback;
    }
    return value;
  }

  optionalInteger(name: string, least: number, most: number): number | null {
    const text = this.optionalText(name);
    if (text === null) return null;
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      this.mistake(`${name} must be a whole number from ${least} to ${most}`);
      return null;
    }
    return value;
  }

  url(name: string, protocols: string[], fallback?: string | null): string | null {
    const text = this.optionalText(name);
    if (text === null) {
      if (fallback === undefined) this.mistake(`${name} is missing`);
      return fallback ?? null;
    }
    if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) {
      this.mistake(`${name} must be a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`);
      return null;
    }
    return text;
  }

  origins(name: string): string[] {
    const parts = (this.optionalText(name) ?? '').split(',').flatMap((part) => part.trim() || []);
    const wrong = parts.filter(
      (part) => !URL.canParse(part) || new URL(part).origin !== part.replace(/\/$/, ''),
    );
    if (wrong.length > 0) this.mistake(`${name} must list origins such as https://app.example.com`);
    return wrong.length > 0 ? [] : parts.map((part) => new URL(part).origin);
  }
}
