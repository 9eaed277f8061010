import { Injectable } from '@nestjs/common';
import { Clock } from '../../../platform/clock';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Logger } from '../../../platform/logger';
import { OnJob } from '../../../platform/queue/on-job';
import { TimeTravel } from '../../../platform/sandbox-clock/time-travel';
import { TenantsService } from '../../tenants/tenants.service';
import { PaymentStandings } from './payment-standings';

const BATCH = 500;

/** Every minute: tenants whose grace after a failed payment is over become OVERDUE. Access follows the time anyway. */
@Injectable()
export class PaymentGraceJobs {
  private readonly logger = new Logger('payments');

  constructor(
    private readonly tenants: TenantsService,
    private readonly standings: PaymentStandings,
    private readonly tenantContext: TenantContext,
    private readonly clock: Clock,
    timeTravel: TimeTravel,
  ) {
    timeTravel.stopAt(() => tenants.nextGraceEndAcrossTenants());
  }

  @OnJob('tenants.payment_grace')
  async run(): Promise<void> {
    const due = await this.tenants.inEndedGraceAcrossTenants(this.clock.now(), BATCH);
    for (const tenantId of due) await this.tenantContext.run(tenantId, () => this.standings.refresh());
    if (due.length > 0) this.logger.info('payments.grace_ended', { tenants: due.length });
  }
}
