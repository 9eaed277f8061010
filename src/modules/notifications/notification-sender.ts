import { Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import type { JobPayloads } from '../../contracts/jobs';
import { Clock } from '../../platform/clock';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { TenantContext } from '../../platform/database/tenant-context';
import { Lifecycle } from '../../platform/lifecycle';
import { Logger } from '../../platform/logger';
import { Mailer } from '../../platform/mailer';
import { Metrics } from '../../platform/metrics';
import { OnJob } from '../../platform/queue/on-job';
import { RequestContext } from '../../platform/request-context';
import { MOST_ATTEMPTS, Notification, retryDelaySeconds } from './notification';
import { NotificationsRepository } from './notifications.repository';
import { renderMessage } from './templates/render';

const SWEEP_EVERY_MS = 2000;
/** Sent at the same time; small, so that a stopping process has little in hand. */
const BATCH = 8;
/** Longer than the mailer's own timeouts together, so that a slow server gets no message twice. */
const LEASE_SECONDS = 120;

/** Sends what is due: at once when a job points to it, and by looking every two seconds whatever happens. */
@Injectable()
export class NotificationSender implements OnApplicationBootstrap {
  private readonly logger = new Logger('notifications');
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> | null = null;

  constructor(
    private readonly notifications: NotificationsRepository,
    private readonly mailer: Mailer,
    private readonly tenantContext: TenantContext,
    private readonly requestContext: RequestContext,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    this.lifecycle.inBackground('notification sweeper', () => this.start());
  }

  /** Sends one message if it is still due. Without a mail server messages wait until there is one. */
  @OnJob('notifications.send')
  async sendOne({ notification_id }: JobPayloads['notifications.send']): Promise<void> {
    if (!this.mailer.isConfigured) return;
    const notification = await this.notifications.claimAcrossTenants(notification_id, LEASE_SECONDS);
    if (notification) await this.send(notification);
  }

  /** Sends everything that is due now. */
  async sendDue(): Promise<void> {
    for (;;) {
      const claimed = await this.notifications.claimDueAcrossTenants(BATCH, LEASE_SECONDS);
      await Promise.all(claimed.map((notification) => this.send(notification)));
      if (claimed.length < BATCH || this.lifecycle.isStopping) return;
    }
  }

  private start(): void {
    if (!this.mailer.isConfigured) return this.logger.warn('notifications.no_mail_server');
    this.timer = setInterval(() => this.sweep(), SWEEP_EVERY_MS);
    this.timer.unref();
    this.lifecycle.onShutdown('workers', 'notification sweeper', async () => {
      if (this.timer) clearInterval(this.timer);
      await this.sweeping;
    });
  }

  private sweep(): void {
    if (this.sweeping || this.lifecycle.isStopping) return;
    this.sweeping = this.requestContext
      .run({ requestId: 'notifications', actor: { kind: 'system', id: 'notifications.send' } }, () =>
        this.sendDue(),
      )
      .catch((error) => this.logger.error('notifications.sweep_failed', error))
      .finally(() => {
        this.sweeping = null;
      });
  }

  private async send(notification: Notification): Promise<void> {
    const { id, type, tenantId } = notification;
    await this.tenantContext.run(tenantId, async () => {
      try {
        await this.mailer.send({
          to: notification.recipient,
          // The same for every attempt: a server that got it although we did not hear so can tell.
          messageId: `<${id}@${new URL(this.config.publicUrl).hostname}>`,
          ...renderMessage(notification, this.config.publicUrl),
        });
      } catch (error) {
        return this.putBack(notification, error);
      }
      await this.notifications.markSent(notification, this.clock.now());
      this.metrics.notifications.inc({ type, result: 'sent' });
      this.logger.info('notification.sent', { type, notification_id: id, attempts: notification.attempts });
    });
  }

  private async putBack(notification: Notification, error: unknown): Promise<void> {
    const { id, type, attempts } = notification;
    const isFinal = attempts >= MOST_ATTEMPTS;
    const next = isFinal
      ? null
      : new Date(this.clock.realNow().getTime() + retryDelaySeconds(attempts) * 1000);
    await this.notifications.markRefused(notification, reasonOf(error), next);
    this.metrics.notifications.inc({ type, result: isFinal ? 'failed' : 'retried' });
    if (isFinal) this.metrics.alarms.inc({ kind: 'notification_failed' });
    const fields = { type, notification_id: id, attempts, reason: reasonOf(error) };
    if (isFinal) this.logger.error('notification.failed', new Error('given up'), fields);
    else this.logger.warn('notification.put_back', fields);
  }
}

/** By allow-list: a mail server's own words may repeat the recipient's address. */
function reasonOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  if (typeof responseCode === 'number') return `the mail server answered ${responseCode}`;
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown';
}
