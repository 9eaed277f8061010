import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../../platform/clock';
import { CONFIG } from '../../../platform/config/config.module';
import type { Config } from '../../../platform/config/env';
import { Logger } from '../../../platform/logger';
import { OnJob } from '../../../platform/queue/on-job';
import { UsageRetentionRepository } from './usage-retention.repository';

const DAY_MS = 86_400_000;
/** How long one can ask why an event was not counted, or what became of a reservation. */
const REFUSAL_DAYS = 30;
const RESERVATION_DAYS = 30;
/** A year back, and a little: the same month of last year can be compared. */
const DAY_ROW_DAYS = 400;
const ALERT_DAYS = 400;

/**
 * Every night: deletes what is kept for a time only. Usage events are kept for ever unless USAGE_RETENTION_DAYS
 * says how long after the end of their period; counters and archived months stay in any case. Writers of the
 * cache that have died are not removed here: whoever removes one renews the cache (UsageCacheKeeper).
 */
@Injectable()
export class UsageRetentionJobs {
  private readonly logger = new Logger('usage');

  constructor(
    private readonly retention: UsageRetentionRepository,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @OnJob('usage.retention')
  async run(): Promise<void> {
    const { retentionDays } = this.config.usage;
    const refusals = await this.retention.deleteRefusalsAcrossTenants(this.ago(REFUSAL_DAYS));
    const reservations = await this.retention.deleteReservationsAcrossTenants(this.ago(RESERVATION_DAYS));
    const days = await this.retention.deleteDaysAcrossTenants(this.ago(DAY_ROW_DAYS));
    const alerts = await this.retention.deleteAlertsAcrossTenants(this.ago(ALERT_DAYS));
    const events =
      retentionDays === null ? 0 : await this.retention.deleteEventsAcrossTenants(this.ago(retentionDays));
    this.logger.info('usage.retention_done', { events, refusals, reservations, days, alerts });
  }

  private ago(days: number): Date {
    return new Date(this.clock.now().getTime() - days * DAY_MS);
  }
}
