import { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What settles doubts about Stripe: how long the outcome of a write has been open, where an event in the inbox
 * came from, and the runs that compare us with Stripe.
 */
export class StripeReconciliation1763700000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`
      alter table stripe_operations add column started_at timestamptz not null default clock_timestamp();
      create index stripe_operations_unsettled on stripe_operations (updated_at)
        where state in ('pending', 'unknown');
      create index checkout_sessions_creating on checkout_sessions (locked_until) where state = 'creating';

      alter table stripe_events add column source text not null default 'delivery'
        check (source in ('delivery', 'healed'));
      create index stripe_events_tenant on stripe_events (tenant_id, received_at desc) where tenant_id is not null;

      create table stripe_reconciliations (
        id uuid primary key,
        kind text not null check (kind in ('events', 'subscriptions')),
        status text not null check (status in ('queued', 'running', 'succeeded', 'failed')),
        trigger text not null check (trigger in ('manual', 'scheduled')),
        walked_to timestamptz,
        report jsonb,
        error text,
        requested_at timestamptz not null,
        started_at timestamptz,
        finished_at timestamptz
      );
      create index stripe_reconciliations_newest on stripe_reconciliations (kind, requested_at desc, id desc);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table stripe_reconciliations;
      drop index stripe_events_tenant;
      alter table stripe_events drop column source;
      drop index checkout_sessions_creating;
      drop index stripe_operations_unsettled;
      alter table stripe_operations drop column started_at;
    `);
  }
}
