import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { BillingId, PlanId, TenantId } from '../../../contracts/ids';

/** A change that waits for its day: carried out by Stripe (schedule, cancellation) or by our job, exactly once. */
@Entity('scheduled_changes')
export class ScheduledChangeEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('uuid')
  id: string;

  @Column('uuid')
  billingId: BillingId;

  @Column('text')
  kind: 'plan' | 'resume';

  /** Who carries it out: Stripe's schedule, the end of the subscription (then the free plan), or our job. */
  @Column('text')
  carriedBy: 'schedule' | 'cancellation' | 'job';

  @Column('uuid', { nullable: true })
  planId: PlanId | null;

  @Column('int', { nullable: true })
  quantity: number | null;

  @Column('timestamptz')
  appliesAt: Date;

  @Column('text')
  state: 'pending' | 'applied' | 'canceled' | 'failed';

  @Column('text', { nullable: true })
  stripeScheduleId: string | null;

  @Column('int')
  attempts: number;

  /** Why the last attempt failed: a code of ours. */
  @Column('text', { nullable: true })
  error: string | null;

  @Column('timestamptz')
  createdAt: Date;

  @Column('timestamptz')
  updatedAt: Date;

  @Column('timestamptz', { nullable: true })
  settledAt: Date | null;
}
