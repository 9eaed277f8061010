import { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateByTenant } from './tenant-policy';

const PARTITIONS = 16;

/**
 * The usage ledger and what stands around it: counters with reservations, limit overrides, archived periods,
 * alerts, and the generation of the Redis cache.
 */
export class UsageLedger1763700000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await this.ledger(runner);
    await this.aroundIt(runner);
    await this.limits(runner);
    await this.cacheGeneration(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table billing_events, usage_subjects, usage_reservations, usage_refusals, limit_overrides, tenant_usage,
        alert_rules, usage_alerts, usage_cache_generation, usage_writers cascade;
      drop function refuse_event_change();
      alter table usage_counters drop column reserved, drop column grace_limit, drop column latest_at,
        drop column closed_at, drop column events_kept;
      alter table meters drop column late_usage;
      alter table plans drop column limit_grace;
      alter table tenant_entitlements drop column limit_grace, drop column overrides;
    `);
  }

  /** Partitioned by tenant, not by month: the key stays whole, so a duplicate is known for ever (ADR 7). */
  private async ledger(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table billing_events (
        tenant_id uuid not null,
        event_id text not null,
        event_type text not null check (event_type in ('usage','decrement','reservation','correction')),
        metric_name text not null,
        increment numeric not null,
        timestamp timestamptz not null,
        timestamp_given boolean not null,
        period timestamptz not null,
        subject text,
        metadata jsonb,
        received_at timestamptz not null,
        api_key_id uuid,
        reverses text,
        reason text,
        primary key (tenant_id, event_id)
      ) partition by hash (tenant_id);
      create index billing_events_time on billing_events (tenant_id, timestamp);
      create unique index billing_events_reversed on billing_events (tenant_id, reverses) where reverses is not null;

      create function refuse_event_change() returns trigger language plpgsql as $$
      begin
        raise exception 'billing_events is append-only' using errcode = 'insufficient_privilege';
      end $$;
      create trigger billing_events_append_only before update on billing_events
        for each statement execute function refuse_event_change();
    `);
    await isolateByTenant(runner, 'billing_events');
    for (let remainder = 0; remainder < PARTITIONS; remainder++) {
      const partition = `billing_events_${String(remainder).padStart(2, '0')}`;
      await runner.query(
        `create table ${partition} partition of billing_events
           for values with (modulus ${PARTITIONS}, remainder ${remainder})`,
      );
      await isolateByTenant(runner, partition);
    }
  }

  private async aroundIt(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table meters add column late_usage text not null default 'next_period'
        check (late_usage in ('next_period','reject'));

      alter table usage_counters
        add column reserved numeric not null default 0 check (reserved >= 0),
        add column grace_limit numeric,
        add column latest_at timestamptz,
        add column closed_at timestamptz,
        -- Of the events that were counted: none, or only some, once their retention has deleted them.
        add column events_kept text not null default 'all' check (events_kept in ('all','some','none'));
      create index usage_counters_old on usage_counters (period_end)
        where closed_at is not null and events_kept <> 'none';
      create index usage_counters_open on usage_counters (period_end) where closed_at is null and period_end is not null;

      -- Who was counted by a unique meter, in the period of the counter.
      create table usage_subjects (
        tenant_id uuid not null references tenants (id) on delete cascade,
        metric_name text not null,
        period_start timestamptz not null,
        subject text not null,
        primary key (tenant_id, metric_name, period_start, subject)
      );

      create table usage_reservations (
        tenant_id uuid not null references tenants (id) on delete cascade,
        id uuid not null,
        metric_name text not null,
        period_start timestamptz not null,
        quantity numeric not null check (quantity > 0),
        subject text,
        status text not null default 'held' check (status in ('held','committed','released','expired')),
        committed_quantity numeric,
        event_id text,
        expires_at timestamptz not null,
        created_at timestamptz not null,
        settled_at timestamptz,
        primary key (tenant_id, id)
      );
      create index usage_reservations_newest on usage_reservations (tenant_id, created_at desc, id desc);
      create index usage_reservations_due on usage_reservations (expires_at) where status = 'held';

      -- Why an event was not counted: for whoever asks later. Never read for a decision.
      create table usage_refusals (
        tenant_id uuid not null references tenants (id) on delete cascade,
        event_id text not null,
        metric_name text not null,
        quantity numeric not null,
        code text not null,
        refused_at timestamptz not null,
        times int not null default 1,
        primary key (tenant_id, event_id)
      );
      create index usage_refusals_age on usage_refusals (refused_at);

      create table tenant_usage (
        tenant_id uuid not null references tenants (id) on delete cascade,
        metric_name text not null,
        period_kind text not null check (period_kind in ('day','month')),
        period_date date not null,
        period_start timestamptz not null,
        current_usage numeric not null,
        limit_value numeric,
        closed_at timestamptz,
        primary key (tenant_id, metric_name, period_kind, period_date)
      );
      create index tenant_usage_day on tenant_usage (period_date) where period_kind = 'day';

      -- Levels and channels that a tenant chose; without a row the defaults hold.
      create table alert_rules (
        tenant_id uuid not null references tenants (id) on delete cascade,
        metric_name text not null,
        rules jsonb not null,
        updated_at timestamptz not null,
        primary key (tenant_id, metric_name)
      );

      -- A level that was reached, once per metric and period.
      create table usage_alerts (
        tenant_id uuid not null references tenants (id) on delete cascade,
        metric_name text not null,
        period_start timestamptz not null,
        percent int not null,
        current_usage numeric not null,
        limit_value numeric not null,
        reached_at timestamptz not null,
        primary key (tenant_id, metric_name, period_start, percent)
      );
    `);
    for (const table of [
      'usage_subjects',
      'usage_reservations',
      'usage_refusals',
      'tenant_usage',
      'alert_rules',
      'usage_alerts',
    ])
      await isolateByTenant(runner, table);
  }

  private async limits(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Percent past the limit that still passes, by metric: { "campaigns": 10 }.
      alter table plans add column limit_grace jsonb not null default '{}';
      alter table tenant_entitlements
        add column limit_grace jsonb not null default '{}',
        add column overrides jsonb not null default '{}';

      create table limit_overrides (
        tenant_id uuid not null references tenants (id) on delete cascade,
        metric_name text not null,
        limit_value bigint check (limit_value >= 0),
        reason text not null,
        expires_at timestamptz,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (tenant_id, metric_name)
      );
    `);
    await isolateByTenant(runner, 'limit_overrides');
  }

  /** Keys of another generation are not read: raised whenever Redis may have missed a number (ADR 8). */
  private async cacheGeneration(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table usage_cache_generation (
        id int primary key check (id = 1),
        generation bigint not null default 1
      );
      insert into usage_cache_generation (id) values (1);

      create table usage_writers (
        id uuid primary key,
        seen_at timestamptz not null
      );
    `);
  }
}
