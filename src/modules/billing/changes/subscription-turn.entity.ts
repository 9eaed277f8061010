import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TenantId } from '../../../contracts/ids';

/** Who is changing a tenant's subscription right now. */
@Entity('subscription_turns')
export class SubscriptionTurnEntity {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @Column('uuid')
  token: string;

  /** Real time; after it the holder is taken for dead. */
  @Column('timestamptz')
  lockedUntil: Date;
}
