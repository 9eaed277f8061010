import { Injectable } from '@nestjs/common';
import { Clock } from '../../../platform/clock';
import { Logger } from '../../../platform/logger';
import { OnJob } from '../../../platform/queue/on-job';
import { UsageReservations } from './usage-reservations.service';

const BATCH = 1000;

/** Every minute: gives back what reservations hold that nobody committed in time. */
@Injectable()
export class UsageExpiryJobs {
  private readonly logger = new Logger('usage');

  constructor(
    private readonly reservations: UsageReservations,
    private readonly clock: Clock,
  ) {}

  @OnJob('usage.reservation_expiry')
  async run(): Promise<void> {
    let total = 0;
    for (let expired = BATCH; expired === BATCH; total += expired)
      expired = await this.reservations.expireDueAcrossTenants(this.clock.now(), BATCH);
    if (total > 0) this.logger.info('usage.reservations_expired', { expired: total });
  }
}
