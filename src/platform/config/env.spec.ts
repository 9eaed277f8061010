import { Config, ConfigError, loadConfig } from './env';

const STRONG = '0f8Hc2kd9Qz7Lm4Xv1Tb6Yw3Ns5Rg0Pj';

const GOOD = {
  NODE_ENV: 'test',
  DATABASE_URL: 'postgres://app:app-pw@db.internal:5432/billing',
  MIGRATION_DATABASE_URL: 'postgres://owner:owner-pw@db.internal:5432/billing',
  REDIS_URL: 'redis://redis.internal:6379/0',
  STRIPE_SECRET_KEY: 'sk_test_51abc',
  STRIPE_WEBHOOK_SECRET: `whsec_${STRONG}`,
  APP_SECRET: STRONG,
};

const PRODUCTION = {
  ...GOOD,
  NODE_ENV: 'production',
  STRIPE_SECRET_KEY: 'sk_live_51abc',
  STRIPE_WEBHOOK_SECRET_LIVE: `whsec_live${STRONG}`,
  ADMIN_API_KEY: `a${STRONG}`,
  PUBLIC_URL: 'https://billing.example.com/',
};

function mistakesIn(source: NodeJS.ProcessEnv): string[] {
  try {
    loadConfig(source);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes;
  }
}

describe('a good environment', () => {
  it('is enough with the few values that have no default', () => {
    const config = loadConfig(GOOD);
    expect(config).toMatchObject<Partial<Config>>({
      role: 'all',
      port: 3000,
      sandbox: false,
      publicUrl: 'http://localhost:3000',
      adminApiKey: null,
      trial: { days: 14, planSlug: null },
    });
    expect(config.database.singleRole).toBe(false);
    expect(config.stripe).toMatchObject({ livemode: false, apiBase: null });
  });

  it('reads the values that are there', () => {
    const config = loadConfig({
      ...GOOD,
      PORT: '0',
      ROLE: 'worker',
      CORS_ALLOWED_ORIGINS: ' https://a.example.com ,https://b.example.com/,, ',
      STRIPE_WEBHOOK_SECRET_PREVIOUS: 'whsec_old',
      PUBLIC_URL: 'https://billing.example.com/',
    });
    expect(config.port).toBe(0);
    expect(config.role).toBe('worker');
    expect(config.corsAllowedOrigins).toEqual(['https://a.example.com', 'https://b.example.com']);
    expect(config.stripe.webhookSecrets).toEqual([GOOD.STRIPE_WEBHOOK_SECRET, 'whsec_old']);
    expect(config.publicUrl).toBe('https://billing.example.com');
    expect(config.checkout.allowedRedirectOrigins).toEqual(['https://billing.example.com']);
  });

  it('has secrets for event notifications only where there is an endpoint for them', () => {
    expect(loadConfig(GOOD).stripe.eventsSecrets).toEqual([]);
    const rotated = { STRIPE_EVENTS_SECRET: 'whsec_new', STRIPE_EVENTS_SECRET_PREVIOUS: 'whsec_old' };
    expect(loadConfig({ ...GOOD, ...rotated }).stripe.eventsSecrets).toEqual(['whsec_new', 'whsec_old']);
  });

  it('verifies deliveries with the secret of its own mode only (F-13)', () => {
    const both = { ...GOOD, STRIPE_WEBHOOK_SECRET_LIVE: 'whsec_of_live' };
    expect(loadConfig(both).stripe.webhookSecrets).toEqual([GOOD.STRIPE_WEBHOOK_SECRET]);
    const live = loadConfig({ ...both, STRIPE_SECRET_KEY: 'sk_live_x' });
    expect(live.stripe).toMatchObject({ livemode: true, webhookSecrets: ['whsec_of_live'] });
    expect(loadConfig({ ...both, STRIPE_SECRET_KEY: 'rk_live_x' }).stripe.livemode).toBe(true);
  });

  it('knows when both URLs are of one role', () => {
    expect(loadConfig({ ...GOOD, MIGRATION_DATABASE_URL: undefined }).database).toMatchObject({
      singleRole: true,
      migrationUrl: GOOD.DATABASE_URL,
    });
  });
});

describe('mistakes', () => {
  it('are all listed at once', () => {
    const mistakes = mistakesIn({ NODE_ENV: 'staging', PORT: '80a', ROLE: 'boss', SANDBOX: 'yes' });
    for (const name of [
      'NODE_ENV',
      'PORT',
      'ROLE',
      'SANDBOX',
      'DATABASE_URL',
      'REDIS_URL',
      'STRIPE_SECRET_KEY',
      'STRIPE_WEBHOOK_SECRET',
      'APP_SECRET',
    ])
      expect(mistakes.filter((mistake) => mistake.startsWith(`${name} `))).toHaveLength(1);
  });

  it('are in the message that the operator reads', () => {
    expect(() => loadConfig({ ...GOOD, PORT: '99999', REDIS_URL: 'http://x' })).toThrow(
      /2 mistake\(s\)[^]*- PORT [^]*- REDIS_URL /,
    );
  });

  it.each([
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '1e3'],
    ['PORT', '0x50'],
    ['PORT', '3.5'],
    ['METRICS_PORT', '0'],
    ['DATABASE_POOL_SIZE', '1'],
    ['TRUSTED_PROXY_HOPS', 'all'],
    ['LOG_LEVEL', 'loud'],
    ['DATABASE_URL', 'mysql://app@db/x'],
    ['DATABASE_URL', 'db.internal'],
    ['REDIS_URL', 'localhost:6379'],
    ['PUBLIC_URL', 'javascript:alert(1)'],
    ['SMTP_URL', 'https://mail'],
    ['SQS_TENANT_QUEUE_URL', 'queue'],
    ['CORS_ALLOWED_ORIGINS', '*'],
    ['CORS_ALLOWED_ORIGINS', 'https://a.example.com/path'],
    ['CHECKOUT_REDIRECT_ORIGINS', 'a.example.com'],
    ['CHECKOUT_SESSION_HOURS', '25'],
  ])('%s=%s is one', (name, value) => {
    expect(mistakesIn({ ...GOOD, [name]: value })).toEqual([expect.stringMatching(`^${name} `)]);
  });

  it('counts an empty value as none', () => {
    expect(mistakesIn({ ...GOOD, PORT: '', SMTP_URL: '  ', APP_SECRET: '   ' })).toEqual([
      'APP_SECRET is missing',
    ]);
  });

  it('never shows a value, least of all a secret (R-38)', () => {
    const canary = 'CANARY-7f3a';
    const all = Object.fromEntries(
      [...Object.keys(PRODUCTION), 'SMTP_URL', 'STRIPE_API_BASE', 'PORT', 'ROLE', 'CORS_ALLOWED_ORIGINS'].map(
        (name) => [name, canary],
      ),
    );
    for (const source of [all, { ...all, NODE_ENV: 'production' }]) {
      try {
        loadConfig(source);
        throw new Error('was accepted');
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
        expect((error as Error).message).not.toContain(canary);
      }
    }
  });
});

describe('production', () => {
  it('starts with a sound configuration', () => {
    expect(mistakesIn(PRODUCTION)).toEqual([]);
  });

  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['the sandbox', { SANDBOX: 'true' }, /^SANDBOX /],
    ['another Stripe', { STRIPE_API_BASE: 'http://127.0.0.1:4242' }, /^STRIPE_API_BASE /],
    ["the sandbox's Stripe key", { STRIPE_SECRET_KEY: 'sk_test_sandbox' }, /^STRIPE_SECRET_KEY /],
    ['a short APP_SECRET', { APP_SECRET: 'short' }, /^APP_SECRET /],
    ['a uniform APP_SECRET', { APP_SECRET: 'a'.repeat(64) }, /^APP_SECRET /],
    ['a default APP_SECRET', { APP_SECRET: `changeme-${STRONG}` }, /^APP_SECRET /],
    ['a weak operator key', { ADMIN_API_KEY: 'admin' }, /^ADMIN_API_KEY /],
    ['a weak secret of notifications', { STRIPE_EVENTS_SECRET: 'whsec_test' }, /^STRIPE_EVENTS_SECRET /],
    ['a weak webhook secret', { STRIPE_WEBHOOK_SECRET_LIVE: 'whsec_test' }, /^STRIPE_WEBHOOK_SECRET /],
    ['one database role', { MIGRATION_DATABASE_URL: '' }, /one role/],
    ['TLS without verification', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, /^NODE_TLS/],
    [
      'Postgres over TLS without verification',
      { DATABASE_URL: `${GOOD.DATABASE_URL}?sslmode=no-verify` },
      /^DATABASE_URL /,
    ],
    [
      'migrations over TLS without verification',
      { MIGRATION_DATABASE_URL: `${GOOD.MIGRATION_DATABASE_URL}?sslmode=no-verify` },
      /^MIGRATION_DATABASE_URL /,
    ],
  ])('refuses %s', (_name, change, mistake) => {
    expect(mistakesIn({ ...PRODUCTION, ...change })).toEqual([expect.stringMatching(mistake)]);
  });

  it('takes one database role when the operator insists', () => {
    expect(mistakesIn({ ...PRODUCTION, MIGRATION_DATABASE_URL: '', ALLOW_SINGLE_DB_ROLE: 'true' })).toEqual(
      [],
    );
  });
});
