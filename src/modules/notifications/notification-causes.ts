import { Injectable } from '@nestjs/common';
import type { EventEnvelope } from '../../contracts/events';
import { Clock } from '../../platform/clock';
import { uuidV7 } from '../../platform/crypto';
import { OnEvent } from '../../platform/outbox/on-event';
import { JobQueue } from '../../platform/queue/queue';
import type { ContactRole } from '../tenants/tenant';
import { TenantsService } from '../tenants/tenants.service';
import { NotificationContents, NotificationType, SubscriptionNews } from './notification';
import {
  invoiceUpcomingContent,
  isForMail,
  paymentFailedContent,
  paymentMethodRemovedContent,
  paymentOverdueContent,
  receiptContent,
  subscriptionNewsContent,
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

  @OnEvent('subscription.upgraded')
  upgraded(event: EventEnvelope): Promise<void> {
    return this.subscriptionNews('upgraded', event);
  }

  @OnEvent('subscription.downgrade_scheduled')
  downgradeScheduled(event: EventEnvelope): Promise<void> {
    return this.subscriptionNews('downgrade_scheduled', event);
  }

  @OnEvent('subscription.downgrade_canceled')
  downgradeCanceled(event: EventEnvelope): Promise<void> {
    return this.subscriptionNews('downgrade_canceled', event);
  }

  @OnEvent('subscription.cancelled')
  canceled(event: EventEnvelope): Promise<void> {
    return this.subscriptionNews('canceled', event);
  }

  @OnEvent('subscription.reactivated')
  reactivated(event: EventEnvelope): Promise<void> {
    return this.subscriptionNews('reactivated', event);
  }

  @OnEvent('subscription.paused')
  paused(event: EventEnvelope): Promise<void> {
    return this.subscriptionNews('paused', event);
  }

  @OnEvent('subscription.resumed')
  resumed(event: EventEnvelope): Promise<void> {
    return this.subscriptionNews('resumed', event);
  }

  @OnEvent('payment.failed')
  async paymentFailed(event: EventEnvelope): Promise<void> {
    const { name, graceUntil } = await this.tenants.current();
    const content = paymentFailedContent(event.data, name, graceUntil);
    await this.tell(['owner', 'billing'], 'payment_failed', content, event);
  }

  @OnEvent('payment.overdue')
  async paymentOverdue(event: EventEnvelope): Promise<void> {
    const { name } = await this.tenants.current();
    await this.tell(['owner', 'billing'], 'payment_overdue', paymentOverdueContent(event.data, name), event);
  }

  @OnEvent('payment.recovered')
  async paymentRecovered(event: EventEnvelope): Promise<void> {
    const { name } = await this.tenants.current();
    await this.tell(['owner', 'billing'], 'payment_recovered', { tenant_name: name }, event);
  }

  @OnEvent('invoice.upcoming')
  async invoiceUpcoming(event: EventEnvelope): Promise<void> {
    const { name } = await this.tenants.current();
    await this.tell(
      ['owner', 'billing'],
      'invoice_upcoming',
      invoiceUpcomingContent(event.data, name),
      event,
    );
  }

  @OnEvent('payment_method.detached')
  async paymentMethodRemoved(event: EventEnvelope): Promise<void> {
    const { name } = await this.tenants.current();
    const content = paymentMethodRemovedContent(event.data, name);
    await this.tell(['owner', 'billing'], 'payment_method_removed', content, event);
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

  private async subscriptionNews(news: SubscriptionNews, event: EventEnvelope): Promise<void> {
    const { name } = await this.tenants.current();
    await this.tell(['owner', 'billing'], news, subscriptionNewsContent(event.data, name), event);
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
