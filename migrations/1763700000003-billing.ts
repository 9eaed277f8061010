import { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateByTenant } from './tenant-policy';

/** The tenant's purchase as Stripe tells it, the way it is bought, Stripe's inbox, and who is told. */
export class Billing1763700000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`
      create table billings (
        tenant_id uuid not null references tenants (id) on delete cascade,
        id uuid not null unique,
        is_live boolean not null default true,
        plan_id uuid references plans (id),
        status text not null default 'NONE' check (status in ('NONE','FREE','TRIALING','ACTIVE','PAST_DUE',
          'PAUSED','INCOMPLETE','INCOMPLETE_EXPIRED','UNPAID','CANCELED')),
        stripe_subscription_id text unique,
        stripe_status text,
        stripe_created_at timestamptz,
        billing_mode text,
        current_period_start timestamptz,
        current_period_end timestamptz,
        billing_cycle_anchor timestamptz,
        trial_end timestamptz,
        cancel_at_period_end boolean not null default false,
        cancel_at timestamptz,
        canceled_at timestamptz,
        ended_at timestamptz,
        cancellation_reason text,
        paused_at timestamptz,
        pending_plan_id uuid references plans (id),
        pending_change_at timestamptz,
        stripe_schedule_id text,
        quantity int not null default 1,
        currency text,
        synced_at timestamptz,
        sync_count int not null default 0,
        version int not null default 1,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (tenant_id, id)
      );
      create unique index billings_live on billings (tenant_id) where is_live;
      create index billings_plan on billings (plan_id) where is_live;

      create table subscription_items (
        tenant_id uuid not null,
        id uuid not null,
        billing_id uuid not null,
        stripe_subscription_item_id text not null unique,
        plan_id uuid references plans (id),
        product_id text not null,
        price_id text not null,
        quantity int,
        is_metered boolean not null default false,
        meter_id text,
        current_period_start timestamptz,
        current_period_end timestamptz,
        created_at timestamptz not null,
        primary key (tenant_id, id),
        foreign key (tenant_id, billing_id) references billings (tenant_id, id) on delete cascade
      );
      create index subscription_items_billing on subscription_items (tenant_id, billing_id);

      create table stripe_operations (
        tenant_id uuid not null,
        id uuid not null unique,
        intent text not null,
        kind text not null,
        request jsonb not null,
        state text not null default 'pending' check (state in ('pending','succeeded','refused','unknown')),
        stripe_object_id text,
        error_code text,
        attempts int not null default 1,
        locked_until timestamptz not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (tenant_id, intent)
      );

      create table checkout_sessions (
        tenant_id uuid not null references tenants (id) on delete cascade,
        id uuid not null,
        plan_id uuid not null references plans (id),
        state text not null check (state in ('creating','open','complete','expired','failed')),
        fingerprint text not null,
        request jsonb not null,
        user_id text,
        stripe_session_id text unique,
        stripe_subscription_id text,
        url text,
        expires_at timestamptz,
        completed_at timestamptz,
        attempt int not null default 1,
        locked_until timestamptz not null,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        primary key (tenant_id, id)
      );
      create unique index checkout_sessions_one_open on checkout_sessions (tenant_id)
        where state in ('creating','open');

      create table stripe_events (
        event_id text primary key,
        type text not null,
        api_version text,
        livemode boolean,
        object_id text,
        object_type text,
        customer_id text,
        tenant_id uuid,
        payload bytea not null,
        payload_sha256 bytea not null,
        created_at timestamptz not null,
        received_at timestamptz not null,
        status text not null default 'pending' check (status in ('pending','processed','ignored','dead')),
        retry_count int not null default 0,
        next_retry_at timestamptz not null,
        locked_until timestamptz,
        error text,
        processed_at timestamptz
      );
      create index stripe_events_due on stripe_events (next_retry_at) where status = 'pending';
      create index stripe_events_object on stripe_events (object_id) where status = 'pending';
      create index stripe_events_newest on stripe_events (received_at desc, event_id desc);

      create table notifications (
        tenant_id uuid not null references tenants (id) on delete cascade,
        id uuid not null,
        type text not null,
        channel text not null check (channel in ('email')),
        recipient text not null,
        locale text not null,
        cause text not null,
        content jsonb not null,
        status text not null default 'pending' check (status in ('pending','sent','failed')),
        attempts int not null default 0,
        next_attempt_at timestamptz not null default clock_timestamp(),
        locked_until timestamptz,
        error text,
        sent_at timestamptz,
        created_at timestamptz not null,
        primary key (tenant_id, id),
        unique (tenant_id, cause, type, channel, recipient)
      );
      create index notifications_due on notifications (next_attempt_at) where status = 'pending';
    `);
    for (const table of [
      'billings',
      'subscription_items',
      'stripe_operations',
      'checkout_sessions',
      'stripe_events',
      'notifications',
    ])
      await isolateByTenant(runner, table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `drop table notifications, stripe_events, checkout_sessions, stripe_operations, subscription_items, billings cascade`,
    );
  }
}
