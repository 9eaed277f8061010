import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { TenantId } from '../../contracts/ids';
import type { Notification, NotificationContents, NotificationType } from './notification';

@Entity('notifications')
export class NotificationEntity implements Notification {
  @PrimaryColumn('uuid')
  tenantId: TenantId;

  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  type: NotificationType;

  @Column('text')
  channel: 'email';

  @Column('text')
  recipient: string;

  @Column('text')
  locale: string;

  @Column('text')
  cause: string;

  @Column('jsonb')
  content: NotificationContents[NotificationType];

  @Column('text', { default: 'pending' })
  status: 'pending' | 'sent' | 'failed';

  @Column('int', { default: 0 })
  attempts: number;

  /** Real time, as leases are: moving business time resends nothing. */
  @Column('timestamptz')
  nextAttemptAt: Date;

  @Column('timestamptz', { nullable: true })
  lockedUntil: Date | null;

  @Column('text', { nullable: true })
  error: string | null;

  @Column('timestamptz', { nullable: true })
  sentAt: Date | null;

  @Column('timestamptz')
  createdAt: Date;
}
