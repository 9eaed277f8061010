import { Injectable } from '@nestjs/common';
import type { TenantId } from '../../contracts/ids';
import { TenantContext } from '../../platform/database/tenant-context';
import { Lifecycle } from '../../platform/lifecycle';
import { Logger } from '../../platform/logger';
import { Metrics } from '../../platform/metrics';
import { OnJob } from '../../platform/queue/on-job';
import { StripeOperations } from './stripe-operations';
import { StripeOperationsRepository } from './stripe-operations.repository';

const BATCH = 100;
const AT_ONCE = 4;

/**
 * The janitor (F-28): asks Stripe again, under the same key, about every write whose outcome nobody knows,
 * because the answer was cut off or the process that waited for it died.
 */
@Injectable()
export class StripeOperationsJobs {
  private readonly logger = new Logger('stripe-janitor');

  constructor(
    private readonly operations: StripeOperations,
    private readonly rows: StripeOperationsRepository,
    private readonly tenantContext: TenantContext,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: Metrics,
  ) {}

  @OnJob('stripe-operations.settle')
  async settle(): Promise<void> {
    const due = await this.rows.unsettledAcrossTenants(this.operations.kinds, BATCH);
    const worker = async (): Promise<void> => {
      for (let next = due.shift(); next && !this.lifecycle.isStopping; next = due.shift())
        await this.settleOne(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const { count, oldestSeconds } = await this.rows.waitingAcrossTenants();
    this.metrics.stripeUnsettled.set(count);
    this.metrics.stripeUnsettledAge.set(oldestSeconds);
  }

  private async settleOne({ tenantId, intent }: { tenantId: TenantId; intent: string }): Promise<void> {
    try {
      const settled = await this.tenantContext.run(tenantId, () => this.operations.resume(intent));
      if (!settled) return;
      this.metrics.stripeSettled.inc(settled);
      this.logger.info('stripe.operation.settled', { intent, ...settled });
    } catch (error) {
      // The others are not to wait for it; its row is found again in the next run.
      this.logger.error('stripe.operation.not_settled', error, { intent });
    }
  }
}
