import { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateByTenant } from './tenant-policy';

/** What a running subscription goes through: scheduled changes, one change at a time, invoices and who owes. */
export class SubscriptionChanges1763700000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`
      alter table billings
        add column cancel_reason text,
        add column cancel_feedback text,
        add column pause_resumes_at timestamptz;

      create table scheduled_changes (
        tenant_id uuid not null,
        id uuid not null,
        billing_id uuid not null,
        kind text not null check (kind in ('plan','resume')),
        carried_by text not null check (carried_by in ('schedule','cancellation','job')),
        plan_id uuid references plans (id),
        quantity int,
        applies_at timestamptz not null,
        state text not null default 'pending' check (state in ('pending','applied','canceled','failed')),
        stripe_schedule_id text,
        attempts int not null default 0,
        error text,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        settled_at timestamptz,
        primary key (tenant_id, id),
        foreign key (tenant_id, billing_id) references billings (tenant_id, id) on delete cascade
      );
      create unique index scheduled_changes_one_pending on scheduled_changes (tenant_id, kind) where state = 'pending';
      create index scheduled_changes_due on scheduled_changes (applies_at) where state = 'pending' and carried_by = 'job';

      create table subscription_turns (
        tenant_id uuid primary key references tenants (id) on delete cascade,
        token uuid not null,
        locked_until timestamptz not null
      );

      create table invoices (
        tenant_id uuid not null references tenants (id) on delete cascade,
        id uuid not null,
        stripe_invoice_id text not null unique,
        stripe_subscription_id text,
        number text,
        status text not null check (status in ('draft','open','paid','void','uncollectible')),
        currency text not null,
        subtotal bigint not null,
        tax bigint not null,
        total bigint not null,
        amount_due bigint not null,
        amount_paid bigint not null,
        amount_remaining bigint not null,
        attempted boolean not null default false,
        attempt_count int not null default 0,
        next_payment_attempt timestamptz,
        billing_reason text,
        collection_method text not null,
        due_at timestamptz,
        finalized_at timestamptz,
        paid_at timestamptz,
        voided_at timestamptz,
        period_start timestamptz not null,
        period_end timestamptz not null,
        hosted_url text,
        pdf_url text,
        dispute_lost boolean not null default false,
        created_at timestamptz not null,
        sync_count int not null default 0,
        synced_at timestamptz not null,
        primary key (tenant_id, id)
      );
      create index invoices_newest on invoices (tenant_id, created_at desc, id desc);
      create index invoices_owed on invoices (tenant_id) where status in ('open','uncollectible');

      create table invoice_lines (
        tenant_id uuid not null,
        id uuid not null,
        invoice_id uuid not null,
        position int not null,
        stripe_line_id text not null,
        description text,
        amount bigint not null,
        currency text not null,
        quantity int,
        price_id text,
        product_id text,
        subscription_item_id text,
        is_proration boolean not null default false,
        discount_amount bigint not null default 0,
        period_start timestamptz not null,
        period_end timestamptz not null,
        primary key (tenant_id, id),
        unique (tenant_id, invoice_id, position),
        foreign key (tenant_id, invoice_id) references invoices (tenant_id, id) on delete cascade
      );

      create index tenants_grace on tenants (grace_until) where payment_status = 'PAST_DUE';
    `);
    for (const table of ['scheduled_changes', 'subscription_turns', 'invoices', 'invoice_lines'])
      await isolateByTenant(runner, table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop index tenants_grace;
      drop table invoice_lines, invoices, subscription_turns, scheduled_changes;
      alter table billings drop column cancel_reason, drop column cancel_feedback, drop column pause_resumes_at;
    `);
  }
}
