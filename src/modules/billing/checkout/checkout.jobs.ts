import { Injectable } from '@nestjs/common';
import { BillingError } from '../../../contracts/errors';
import type { TenantId } from '../../../contracts/ids';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Lifecycle } from '../../../platform/lifecycle';
import { Logger } from '../../../platform/logger';
import { Metrics } from '../../../platform/metrics';
import { OnJob } from '../../../platform/queue/on-job';
import { StripeFailure } from '../../../stripe/stripe-failures';
import { CheckoutOpener } from './checkout-opener';
import { CheckoutSessionsRepository } from './checkout-sessions.repository';

const BATCH = 100;

/**
 * Finds checkout sessions that were being made when their process died or Stripe's answer was cut off, and asks
 * Stripe again under the same key: what it made is then known here, and nothing is made twice.
 */
@Injectable()
export class CheckoutJobs {
  private readonly logger = new Logger('checkout');

  constructor(
    private readonly sessions: CheckoutSessionsRepository,
    private readonly opener: CheckoutOpener,
    private readonly tenantContext: TenantContext,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: Metrics,
  ) {}

  @OnJob('checkout.settle')
  async settle(): Promise<void> {
    for (const tenantId of await this.sessions.interruptedAcrossTenants(BATCH)) {
      if (this.lifecycle.isStopping) return;
      const result = await this.settleOne(tenantId);
      this.metrics.stripeSettled.inc({ kind: 'checkout.sessions.create', result });
    }
  }

  private async settleOne(tenantId: TenantId): Promise<'succeeded' | 'refused' | 'unknown'> {
    try {
      await this.tenantContext.run(tenantId, () => this.opener.settle());
      return 'succeeded';
    } catch (error) {
      if (error instanceof StripeFailure) return 'refused';
      // The others are not to wait for it; its row is found again in the next run.
      if (!(error instanceof BillingError)) this.logger.error('checkout.not_settled', error);
      return 'unknown';
    }
  }
}
