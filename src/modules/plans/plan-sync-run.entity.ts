import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { PlanSyncReport } from './plan-sync-report';

/** One run of the Stripe sync, and what came of it. */
export interface PlanSyncRun {
  readonly id: string;
  readonly status: 'queued' | 'running' | 'succeeded' | 'failed';
  readonly trigger: 'manual' | 'scheduled';
  readonly report: PlanSyncReport | null;
  readonly error: string | null;
  readonly requestedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

@Entity('plan_sync_runs')
export class PlanSyncRunEntity implements PlanSyncRun {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  status: PlanSyncRun['status'];

  @Column('text')
  trigger: PlanSyncRun['trigger'];

  @Column('jsonb', { nullable: true })
  report: PlanSyncReport | null;

  @Column('text', { nullable: true })
  error: string | null;

  @Column('timestamptz')
  requestedAt: Date;

  @Column('timestamptz', { nullable: true })
  startedAt: Date | null;

  @Column('timestamptz', { nullable: true })
  finishedAt: Date | null;
}
