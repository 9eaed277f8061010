import { Injectable } from '@nestjs/common';
import type { TenantId } from '../../../contracts/ids';
import type { PurchaseFacts } from '../../../domain/standing';
import { TenantContext } from '../../../platform/database/tenant-context';
import { Purchases } from '../../limits/purchases';
import { Arrears, PaymentStandings } from '../payments/payment-standings';
import { BillingsRepository } from './billings.repository';
import { pauseModeOf } from './subscription-view';

/** Answers the limits' question what a tenant has bought, from the subscriptions. */
@Injectable()
export class SubscriptionPurchases extends Purchases {
  constructor(
    private readonly billings: BillingsRepository,
    private readonly standings: PaymentStandings,
    private readonly tenantContext: TenantContext,
  ) {
    super();
  }

  async of(tenantId: TenantId): Promise<PurchaseFacts | null> {
    const row = await this.tenantContext.run(tenantId, () => this.billings.live());
    return row && { status: row.status, pauseMode: pauseModeOf(row) };
  }

  arrears(tenantId: TenantId): Promise<Arrears | null> {
    return this.tenantContext.run(tenantId, () => this.standings.arrears());
  }
}
