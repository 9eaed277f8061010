import { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateByTenant, isolateWithPublicRows } from './tenant-policy';

/** What is sold, what each tenant may use of it now, and the counters that limits are read against. */
export class PlansAndEntitlements1763700000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`
      create table meters (
        id uuid primary key default gen_random_uuid(),
        key text not null unique,
        name text not null,
        unit text not null,
        aggregation text not null check (aggregation in ('count','sum','max','unique','latest')),
        kind text not null check (kind in ('flow','gauge','cap')),
        scale int not null default 0 check (scale between 0 and 9),
        built_in boolean not null default false,
        archived_at timestamptz,
        created_at timestamptz not null default clock_timestamp()
      );
      insert into meters (key, name, unit, aggregation, kind, built_in) values
        ('referred_users', 'Referred users', 'users', 'sum', 'flow', true),
        ('campaigns', 'Campaigns', 'campaigns', 'sum', 'gauge', true),
        ('seats', 'Seats', 'seats', 'sum', 'gauge', true),
        ('leaderboard_entries', 'Leaderboard entries', 'entries', 'latest', 'cap', true),
        ('email_sends', 'E-mails sent', 'e-mails', 'sum', 'flow', true),
        ('api_calls', 'API calls', 'calls', 'sum', 'flow', true);

      create table plans (
        id uuid primary key,
        name text not null,
        slug text not null,
        description text,
        currency text not null,
        amount bigint not null check (amount >= 0),
        interval text not null check (interval in ('month','year')),
        interval_count int not null default 1 check (interval_count between 1 and 12),
        stripe_product_id text,
        stripe_price_id text,
        former_stripe_price_ids text[] not null default '{}',
        limits jsonb not null default '{}',
        features text[] not null default '{}',
        rate_limit jsonb,
        tenant_id uuid references tenants (id) on delete cascade,
        manual_invoicing boolean not null default false,
        days_until_due int,
        pricing_model_id uuid,
        trial_days int,
        sort_order int not null default 0,
        is_active boolean not null default true,
        metadata jsonb not null default '{}',
        version int not null default 1,
        created_at timestamptz not null,
        updated_at timestamptz not null
      );
      create unique index plans_slug on plans (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'), slug);
      create unique index plans_stripe_price on plans (stripe_price_id) where stripe_price_id is not null;
      create index plans_former_prices on plans using gin (former_stripe_price_ids);
      create index plans_tenant on plans (tenant_id) where tenant_id is not null;

      create table plan_sync_runs (
        id uuid primary key,
        status text not null check (status in ('queued','running','succeeded','failed')),
        trigger text not null check (trigger in ('manual','scheduled')),
        report jsonb,
        error text,
        requested_at timestamptz not null,
        started_at timestamptz,
        finished_at timestamptz
      );
      create index plan_sync_runs_newest on plan_sync_runs (requested_at desc);

      create table tenant_entitlements (
        tenant_id uuid primary key references tenants (id) on delete cascade,
        source text not null check (source in ('subscription','trial','free','none')),
        plan_id uuid,
        limits jsonb not null default '{}',
        features text[] not null default '{}',
        rate_limit jsonb,
        anchor timestamptz,
        valid_until timestamptz,
        fallback jsonb,
        is_stale boolean not null default false,
        version bigint not null default 1,
        updated_at timestamptz not null
      );
      create index tenant_entitlements_plan on tenant_entitlements (plan_id);
      create index tenant_entitlements_stale on tenant_entitlements (tenant_id) where is_stale;

      create table usage_counters (
        tenant_id uuid not null references tenants (id) on delete cascade,
        metric_name text not null,
        period_start timestamptz not null,
        period_end timestamptz,
        used numeric not null default 0,
        version bigint not null default 1,
        updated_at timestamptz not null default clock_timestamp(),
        primary key (tenant_id, metric_name, period_start)
      );
    `);
    await isolateWithPublicRows(runner, 'plans');
    await isolateByTenant(runner, 'tenant_entitlements');
    await isolateByTenant(runner, 'usage_counters');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `drop table usage_counters, tenant_entitlements, plan_sync_runs, plans, meters cascade`,
    );
  }
}
