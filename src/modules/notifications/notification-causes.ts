import { Injectable } from '@nestjs/common';
import type { EventEnvelope } from '../../contracts/events';
import { Clock } from '../../platform/clock';
import { uuidV7 } from '../../platform/crypto';
import { OnEvent } from '../../platform/outbox/on-event';
import { JobQueue } from '../../platform/queue/queue';
import type { ContactRole } from '../tenants/tenant';
import { TenantsService } from '../tenants/tenants.service';
import { NotificationContents, NotificationType } from './notification';
import {
  isForMail,
  receiptContent,
  usageAlertContent,
  usageSummaryContent,
  welcomeContent,
} from './notification-contents';
import { NotificationsRepository } from './notifications.repository';

/** The transaction that wrote the row commits within this time; else the sweeper finds it. */
const AFTER_COMMIT_MS = 50;

/** Which event tells whom what. Each recipient is told once per event, however often the event is handled. */
@Injectable()
export class NotificationCauses {
  constructor(
    private readonly notifications: NotificationsRepository,
    private readonly tenants: TenantsService,
    private readonly queue: JobQueue,
    private readonly clock: Clock,
  ) {}

  @OnEvent('tenant.created')
  async welcome(event: EventEnvelope): Promise<void> {
    await this.tell(['owner'], 'welcome', welcomeContent(event.data), event);
  }

  @OnEvent('subscription.created')
  async receipt(event: EventEnvelope): Promise<void> {
    const { name } = await this.tenants.current();
    await this.tell(['owner', 'billing'], 'receipt', receiptContent(event.data, name), event);
  }

  @OnEvent('usage.threshold_reached')
  async usageAlert(event: EventEnvelope): Promise<void> {
    if (!isForMail(event.data)) return;
    const { name } = await this.tenants.current();
    await this.tell(['owner', 'billing'], 'usage_alert', usageAlertContent(event.data, name), event);
  }

  @OnEvent('usage.period_closed')
  async usageSummary(event: EventEnvelope): Promise<void> {
    const { name } = await this.tenants.current();
    await this.tell(['owner', 'billing'], 'usage_summary', usageSummaryContent(event.data, name), event);
  }

  private async tell<Type extends NotificationType>(
    roles: ContactRole[],
    type: Type,
    content: NotificationContents[Type],
    event: EventEnvelope,
  ): Promise<void> {
    for (const contact of await this.tenants.contactsToNotify(roles)) {
      const id = uuidV7(this.clock.realNow().getTime());
      const isNew = await this.notifications.addIfNew(
        {
          id,
          type,
          channel: 'email',
          recipient: contact.email,
          locale: contact.locale,
          cause: event.id,
          content,
        },
        this.clock.now(),
      );
      if (isNew) this.wakeWorker(id);
    }
  }

  /** Only a hint that may get lost, and never inside the transaction (decisions 21). */
  private wakeWorker(notificationId: string): void {
    setTimeout(() => {
      void this.queue.add('notifications.send', { notification_id: notificationId }, notificationId);
    }, AFTER_COMMIT_MS).unref();
  }
}
