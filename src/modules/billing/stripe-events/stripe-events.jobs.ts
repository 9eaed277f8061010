import { Injectable, OnModuleInit } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import { JobPayloads } from '../../../contracts/jobs';
import { TenantId } from '../../../contracts/ids';
import { Clock } from '../../../platform/clock';
import { Lifecycle } from '../../../platform/lifecycle';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { JobRunner } from '../../../platform/queue/job-runner';
import { OnJob } from '../../../platform/queue/on-job';
import { TimeTravel } from '../../../platform/sandbox-clock/time-travel';
import { NewsOf, newsOf, typesOf } from './event-handlers';
import { ClaimedEvent, StripeEventsRepository } from './stripe-events.repository';
import { StripeNews } from './stripe-news';

const MOST_ATTEMPTS = 20;
const SWEEP_MS = 2000;
const SWEEP_BATCH = 200;
const SWEEP_AT_ONCE = 8;
const CLOCK_MARGIN_MS = 500;

type Outcome =
  | { status: 'processed'; tenantId: TenantId | null; news: NewsOf; fetchBegan: Date }
  | { status: 'ignored'; reason: string };

/**
 * Works off Stripe's inbox. The Bull message is a wake-up; the row decides whether there is anything to do.
 * A sweep finds rows whose wake-up was lost, whose retry is due, or whose worker died.
 */
@Injectable()
export class StripeEventsJobs implements OnModuleInit {
  private readonly logger = new Logger('stripe-events');
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> | null = null;

  constructor(
    private readonly events: StripeEventsRepository,
    private readonly news: StripeNews,
    private readonly runner: JobRunner,
    private readonly lifecycle: Lifecycle,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    timeTravel: TimeTravel,
  ) {
    timeTravel.waitFor('The inbox of Stripe events', async () => (await events.waitingAcrossTenants()) === 0);
  }

  onModuleInit(): void {
    this.lifecycle.inBackground('stripe events sweep', () => {
      this.timer = setInterval(() => this.sweepOnce(), SWEEP_MS);
      this.timer.unref();
    });
    this.lifecycle.onShutdown('workers', 'stripe events sweep', async () => {
      if (this.timer) clearInterval(this.timer);
      await this.sweeping;
    });
  }

  /** Processes all events that are due now. */
  async sweep(): Promise<void> {
    this.metrics.webhookOldestAge.set(await this.events.oldestWaitingSecondsAcrossTenants());
    const due = await this.events.dueAcrossTenants(SWEEP_BATCH);
    const worker = async (): Promise<void> => {
      for (let eventId = due.shift(); eventId; eventId = due.shift()) {
        if (this.lifecycle.isStopping) return;
        await this.runner
          .run('stripe-events.process', { event_id: eventId }, { slot: null, fence: null, previous: null })
          .catch(() => undefined);
      }
    };
    await Promise.all(Array.from({ length: SWEEP_AT_ONCE }, worker));
  }

  @OnJob('stripe-events.process')
  async process({ event_id }: JobPayloads['stripe-events.process']): Promise<void> {
    const event = await this.events.claimAcrossTenants(event_id);
    if (!event) return;
    try {
      await this.finish(event, await this.handle(event));
    } catch (error) {
      await this.tryAgainLater(event, error);
    }
  }

  private async handle(event: ClaimedEvent): Promise<Outcome> {
    const news = newsOf(event.type);
    if (!news) return { status: 'ignored', reason: 'type is not handled' };
    const fetchBegan = this.clock.realNow();
    const outcome = await this.news.apply(news, event);
    return outcome.status === 'ignored' ? outcome : { ...outcome, news, fetchBegan };
  }

  private async finish(event: ClaimedEvent, outcome: Outcome): Promise<void> {
    const at = this.clock.now();
    if (outcome.status === 'processed' && outcome.tenantId !== null && event.objectId) {
      // Replicas' clocks agree to a few milliseconds; what came within the margin is processed by itself.
      const surelyBefore = new Date(outcome.fetchBegan.getTime() - CLOCK_MARGIN_MS);
      const object = { id: event.objectId, types: typesOf(outcome.news), receivedBefore: surelyBefore };
      await this.events.finishWithObjectAcrossTenants(event.eventId, object, outcome.tenantId, at);
    } else
      await this.events.finishAcrossTenants(event.eventId, outcome.status, {
        tenantId: outcome.status === 'processed' ? outcome.tenantId : null,
        error: outcome.status === 'ignored' ? outcome.reason : null,
        at,
      });
    this.metrics.webhookEvents.inc({ type: event.type, result: outcome.status });
    this.logger.info('stripe.event.handled', {
      event_id: event.eventId,
      type: event.type,
      result: outcome.status,
    });
  }

  private async tryAgainLater(event: ClaimedEvent, error: unknown): Promise<void> {
    const reason =
      error instanceof BillingError ? error.code : error instanceof Error ? error.message : 'unknown';
    if (event.retryCount + 1 >= MOST_ATTEMPTS) {
      await this.events.finishAcrossTenants(event.eventId, 'dead', {
        tenantId: null,
        error: reason,
        at: this.clock.now(),
      });
      this.metrics.webhookEvents.inc({ type: event.type, result: 'dead' });
      this.metrics.alarms.inc({ kind: 'webhook_dead' });
      this.logger.error('stripe.event.dead', error, { event_id: event.eventId, type: event.type });
      return;
    }
    await this.events.retryLaterAcrossTenants(event.eventId, reason, retryDelaySeconds(event.retryCount));
    this.metrics.webhookEvents.inc({ type: event.type, result: 'retried' });
    this.logger.warn('stripe.event.retried', { event_id: event.eventId, type: event.type, reason });
  }

  private sweepOnce(): void {
    this.sweeping ??= this.sweep()
      .catch((error) => this.logger.error('stripe.sweep_failed', error))
      .finally(() => {
        this.sweeping = null;
      });
  }
}

/** 5 s, 10 s, 20 s … at most an hour (reliability C.1). */
export function retryDelaySeconds(retryCount: number): number {
  return Math.min(5 * 2 ** Math.min(retryCount, 12), 3600);
}
