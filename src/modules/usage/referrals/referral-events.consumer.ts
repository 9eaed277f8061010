import { Inject, Injectable, OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { QueueConsumers } from '../../../platform/queue-consumer';
import { MessageTooEarly, UnreadableMessage } from '../../../platform/queue-message';
import { TenantsService } from '../../tenants/tenants.service';
import { readReferralMessage, ReferralCreated } from './referral-message';
import { UsageResult } from '../recording/usage-result';
import { UsageTracker } from '../recording/usage-tracker.service';

const METRIC = 'referred_users';
/** The message that announces the tenant may be on its way on another queue. */
const UNKNOWN_TENANT_SECONDS = 3;
/** What the message says can never be counted: a person has to look, so it is set aside. */
const NEVER_COUNTED = new Set<UsageResult['problem']>([
  'timestamp_too_old',
  'late_usage',
  'unknown_meter',
  'read_only_metric',
]);

/**
 * Referrals that other systems announce on SQS, counted through the same door as those over HTTP: the message's id
 * is the event's, so that a referral counts once however often and from wherever it comes. The ledger row, with the
 * referrer as its subject, is what analytics and leaderboards read.
 */
@Injectable()
export class ReferralEventProcessor implements OnApplicationBootstrap {
  private readonly logger = new Logger('usage');

  constructor(
    private readonly tracker: UsageTracker,
    private readonly tenants: TenantsService,
    private readonly consumers: QueueConsumers,
    private readonly context: TenantContext,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    const url = this.config.aws.referralQueueUrl;
    if (url) this.consumers.consume({ name: 'referral-queue', url, handle: (body) => this.process(body) });
  }

  /** Returns when the message is done with; what it throws has the message delivered again, and set aside at last. */
  private async process(body: string): Promise<void> {
    try {
      const message = readReferralMessage(body);
      if (message.type === 'other') return this.note(message.isReferral ? 'not_counted' : 'ignored');
      await this.count(message);
    } catch (error) {
      this.metrics.referralEvents.inc({
        result: error instanceof UnreadableMessage ? 'unreadable' : 'failed',
      });
      throw error;
    }
  }

  private async count(referral: ReferralCreated): Promise<void> {
    const { tenantId } = referral;
    if ((await this.tenants.findAcrossTenants(tenantId)) === null)
      throw new MessageTooEarly('its tenant is not known', UNKNOWN_TENANT_SECONDS);
    const [result] = await this.context.run(tenantId, () =>
      this.tracker.record(tenantId, [toUsage(referral)], null),
    );
    const { status, problem } = result!;
    if (problem === 'timestamp_in_future') throw new MessageTooEarly('it is from the future', 60);
    if (NEVER_COUNTED.has(problem)) throw new UnreadableMessage(`it cannot be counted: ${problem}`);
    this.note(status, tenantId);
  }

  /** A limit that is reached is an answer: nobody waits for the message to come again. */
  private note(result: UsageResult['status'] | 'not_counted' | 'ignored', tenantId?: string): void {
    this.metrics.referralEvents.inc({ result });
    const isRefused = result === 'limit_exceeded' || result === 'conflict';
    this.logger[isRefused ? 'warn' : 'info']('referral_queue.handled', { result, tenant_id: tenantId });
  }
}

function toUsage({
  eventId,
  referrer,
  occurredAt,
}: ReferralCreated): Parameters<UsageTracker['record']>[1][0] {
  return {
    event_id: eventId,
    metric: METRIC,
    quantity: 1,
    timestamp: occurredAt,
    subject: referrer,
    metadata: { source: 'referral_queue', type: 'referral.created' },
  };
}
