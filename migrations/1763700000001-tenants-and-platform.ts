import { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateByTenant } from './tenant-policy';

/** Tenants, their contacts and keys, and what the platform itself writes down. */
export class TenantsAndPlatform1763700000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`
      create table clock_offset (
        id int primary key check (id = 1),
        offset_ms bigint not null default 0,
        moved_at timestamptz
      );
      insert into clock_offset (id) values (1);

      create table tenants (
        id uuid primary key,
        name text not null,
        email text not null,
        locale text not null default 'en',
        status text not null default 'PENDING'
          check (status in ('PENDING','ACTIVE','SUSPENDED','LOCKED','DELETION_SCHEDULED')),
        status_reason text,
        status_until timestamptz,
        payment_status text not null default 'NONE'
          check (payment_status in ('NONE','PENDING','PAID','PAST_DUE','OVERDUE','FAILED')),
        payment_failed_at timestamptz,
        grace_until timestamptz,
        trial_started_at timestamptz,
        trial_ends_at timestamptz,
        trial_converted_at timestamptz,
        confirmed_at timestamptz,
        suspended_at timestamptz,
        locked_at timestamptz,
        deletion_scheduled_at timestamptz,
        stripe_customer_id text unique,
        metadata jsonb not null default '{}',
        version int not null default 1,
        created_at timestamptz not null,
        updated_at timestamptz not null
      );
      create index tenants_newest on tenants (created_at desc, id desc);

      create table tenant_contacts (
        tenant_id uuid not null references tenants (id) on delete cascade,
        id uuid not null,
        email text not null,
        name text,
        role text not null check (role in ('owner','billing','member')),
        locale text not null default 'en',
        created_at timestamptz not null,
        primary key (tenant_id, id)
      );
      create unique index tenant_contacts_email on tenant_contacts (tenant_id, lower(email));

      create table api_keys (
        id uuid primary key,
        tenant_id uuid references tenants (id) on delete cascade,
        kind text not null check (kind in ('admin','service','tenant')),
        name text not null,
        public_id text not null unique,
        secret_hash bytea not null,
        scopes text[] not null,
        tenant_ids uuid[],
        expires_at timestamptz,
        revoked_at timestamptz,
        last_used_at timestamptz,
        created_at timestamptz not null,
        check ((kind = 'tenant') = (tenant_id is not null))
      );
      create index api_keys_newest on api_keys (created_at desc, id desc);

      create table outbox (
        id bigint generated always as identity primary key,
        event_id uuid not null unique,
        tenant_id uuid not null,
        type text not null,
        aggregate_type text not null,
        aggregate_id text not null,
        data jsonb not null,
        previous jsonb,
        occurred_at timestamptz not null,
        sequence bigint,
        dispatched_at timestamptz,
        published_at timestamptz,
        attempts int not null default 0,
        next_attempt_at timestamptz not null default clock_timestamp(),
        parked_at timestamptz,
        error text
      );
      create index outbox_unnumbered on outbox (id) where sequence is null;
      create index outbox_undispatched on outbox (id) where dispatched_at is null;
      create index outbox_unpublished on outbox (tenant_id, sequence) where published_at is null;
      create unique index outbox_stream on outbox (tenant_id, sequence);

      create table event_streams (
        tenant_id uuid primary key,
        last_sequence bigint not null
      );

      create table idempotency_keys (
        tenant_id uuid not null,
        principal text not null,
        route text not null,
        key text not null,
        fingerprint bytea not null,
        state text not null default 'started' check (state in ('started','done')),
        locked_until timestamptz not null,
        attempt int not null default 1,
        operation_id uuid not null default gen_random_uuid(),
        status int,
        body bytea,
        content_type text,
        created_at timestamptz not null default clock_timestamp(),
        primary key (tenant_id, principal, route, key)
      );
      create index idempotency_keys_age on idempotency_keys (created_at);

      create table job_slots (
        job text not null,
        slot timestamptz not null,
        fence bigint not null default 1,
        owner text not null,
        lease_until timestamptz not null,
        attempts int not null default 1,
        error text,
        done_at timestamptz,
        primary key (job, slot)
      );

      create table audit_logs (
        tenant_id uuid not null,
        sequence bigint not null,
        id uuid not null unique,
        action text not null,
        actor_kind text not null,
        actor_id text not null,
        target_type text not null,
        target_id text not null,
        before jsonb,
        after jsonb,
        request_id text,
        ip text,
        occurred_at timestamptz not null,
        previous_hash bytea not null,
        hash bytea not null,
        primary key (tenant_id, sequence)
      );

      create table audit_heads (
        tenant_id uuid primary key,
        sequence bigint not null,
        hash bytea not null
      );
    `);
    await isolateByTenant(runner, 'tenants', 'id');
    for (const table of [
      'tenant_contacts',
      'api_keys',
      'outbox',
      'event_streams',
      'idempotency_keys',
      'audit_logs',
      'audit_heads',
    ])
      await isolateByTenant(runner, table);
    await this.refuseRewritingAudit(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table audit_logs, audit_heads, job_slots, idempotency_keys, event_streams, outbox, api_keys,
        tenant_contacts, tenants, clock_offset cascade;
      drop function refuse_audit_change();
    `);
  }

  /** Grants keep the app role from changing audit rows; this keeps everyone else from doing it unnoticed. */
  private async refuseRewritingAudit(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create function refuse_audit_change() returns trigger language plpgsql as $$
      begin
        raise exception 'audit_logs is append-only' using errcode = 'insufficient_privilege';
      end $$;
      create trigger audit_logs_append_only before update or delete on audit_logs
        for each statement execute function refuse_audit_change();
      create trigger audit_logs_no_truncate before truncate on audit_logs
        for each statement execute function refuse_audit_change();
    `);
  }
}
