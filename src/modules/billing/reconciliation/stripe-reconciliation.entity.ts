import { Column, Entity, PrimaryColumn } from 'typeorm';

export type ReconciliationKind = 'events' | 'subscriptions';

/** What a walk over Stripe's subscriptions found. */
export interface SubscriptionReport {
  listed: number;
  /** Subscriptions of tenants of ours that the mirror lacked. */
  missing: number;
  /** Whose mirror said something else. */
  stale: number;
  /** Mirrored and running, and Stripe has none of this id. */
  absent: number;
  /** Of customers that belong to no tenant. */
  foreign: number;
  /** Of a shape that we do not understand, or that failed; the log has them. */
  failed: number;
}

/** What a walk over Stripe's events found. */
export interface EventReport {
  from: string;
  to: string;
  listed: number;
  /** Never delivered to us; taken in now. */
  missed: number;
  /** Set when events alone could not close the gap: they are kept for 30 days only. */
  full_listing: SubscriptionReport | null;
}

/** One run that compares us with Stripe. */
@Entity('stripe_reconciliations')
export class StripeReconciliationEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  kind: ReconciliationKind;

  @Column('text')
  status: 'queued' | 'running' | 'succeeded' | 'failed';

  @Column('text')
  trigger: 'manual' | 'scheduled';

  /** Up to when events were walked without a gap. */
  @Column('timestamptz', { nullable: true })
  walkedTo: Date | null;

  @Column('jsonb', { nullable: true })
  report: EventReport | SubscriptionReport | null;

  @Column('text', { nullable: true })
  error: string | null;

  @Column('timestamptz')
  requestedAt: Date;

  @Column('timestamptz', { nullable: true })
  startedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  finishedAt: Date | null;
}
