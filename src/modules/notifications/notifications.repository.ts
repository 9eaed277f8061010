import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database';
import { TenantContext } from '../../platform/database/tenant-context';
import { TenantRepository } from '../../platform/database/tenant-repository';
import { Notification } from './notification';
import { NotificationEntity } from './notification.entity';

const IS_DUE = `status = 'pending' and next_attempt_at <= clock_timestamp()
  and (locked_until is null or locked_until < clock_timestamp())`;
/** What was claimed belongs to the claimer until its lease is over; `attempts` tells claims apart. */
const CLAIM = `update notifications set attempts = attempts + 1,
    locked_until = clock_timestamp() + make_interval(secs => $1)
  from due where notifications.tenant_id = due.tenant_id and notifications.id = due.id
  returning notifications.id, notifications.tenant_id as "tenantId", type, channel, recipient, locale, cause,
    content, attempts`;
const CLAIM_DUE = `with due as (select tenant_id, id from notifications where ${IS_DUE}
  order by next_attempt_at limit $2 for update skip locked) ${CLAIM}`;
const CLAIM_ONE = `with due as (select tenant_id, id from notifications where id = $2 and ${IS_DUE}
  for update skip locked) ${CLAIM}`;

/** What people are to be told, were told, and could not be told. */
@Injectable()
export class NotificationsRepository extends TenantRepository<NotificationEntity> {
  constructor(database: Database, context: TenantContext) {
    super(NotificationEntity, database, context);
  }

  /** False when this recipient was told of this cause before. */
  addIfNew(notification: Omit<Notification, 'tenantId' | 'attempts'>, now: Date): Promise<boolean> {
    return this.addOnce({ ...notification, createdAt: now });
  }

  /** Takes the oldest due messages for a lease; no two workers get the same one. */
  claimDueAcrossTenants(limit: number, leaseSeconds: number): Promise<Notification[]> {
    return this.acrossTenants(async (manager) =>
      returned(await manager.query<unknown[]>(CLAIM_DUE, [leaseSeconds, limit])),
    );
  }

  /** Takes one message if it is due; null when it is not, or another has it. */
  claimAcrossTenants(id: string, leaseSeconds: number): Promise<Notification | null> {
    return this.acrossTenants(async (manager) => {
      const claimed = returned(await manager.query<unknown[]>(CLAIM_ONE, [leaseSeconds, id]));
      return claimed[0] ?? null;
    });
  }

  /** Of the tenant in the context; does nothing when a later claim has taken over. */
  async markSent({ id, attempts }: Notification, now: Date): Promise<void> {
    await this.update({ id, attempts }, { status: 'sent', sentAt: now, lockedUntil: null, error: null });
  }

  /** Gives a message back, to be tried again at `nextAttemptAt` (real time); for good when that is null. */
  async markRefused(
    { id, attempts }: Notification,
    reason: string,
    nextAttemptAt: Date | null,
  ): Promise<void> {
    await this.update(
      { id, attempts },
      {
        error: reason.slice(0, 500),
        lockedUntil: null,
        ...(nextAttemptAt ? { nextAttemptAt } : { status: 'failed' }),
      },
    );
  }
}

/** An UPDATE ... RETURNING answers [rows, count]. */
function returned(result: unknown[]): Notification[] {
  return result[0] as Notification[];
}
