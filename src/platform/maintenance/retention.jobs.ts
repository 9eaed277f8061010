import { Injectable } from '@nestjs/common';
import { OnJob } from '../queue/on-job';
import { IdempotencyRepository } from '../http/idempotency.repository';
import { Logger } from '../logger';
import { RetentionRepository } from './retention.repository';

/** How long an answer can be replayed (spec 05). */
const IDEMPOTENCY_HOURS = 24;
/** How far back a consumer can catch up. */
const EVENT_DAYS = 90;
const SLOT_DAYS = 14;

/** Deletes what the platform keeps for a time only. */
@Injectable()
export class RetentionJobs {
  private readonly logger = new Logger('retention');

  constructor(
    private readonly idempotency: IdempotencyRepository,
    private readonly retention: RetentionRepository,
  ) {}

  @OnJob('maintenance.retention')
  async run(): Promise<void> {
    const answers = await this.idempotency.deleteOlderThanAcrossTenants(IDEMPOTENCY_HOURS);
    const events = await this.retention.deleteToldEventsAcrossTenants(EVENT_DAYS);
    const slots = await this.retention.deleteFinishedSlots(SLOT_DAYS);
    this.logger.info('retention.done', { answers, events, slots });
  }
}
