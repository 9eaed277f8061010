import type { TenantId } from '../../contracts/ids';
import type { PurchaseFacts } from '../../domain/standing';

/**
 * Port to those who know what a tenant has bought: subscriptions stand above limits in the module graph, so they
 * come to us. Implemented and provided globally by modules/billing.
 */
export abstract class Purchases {
  /** The tenant's subscription, the free plan it chose included; null when there is none. */
  abstract of(tenantId: TenantId): Promise<PurchaseFacts | null>;

  /** What the tenant owes that is late, in minor units, and where it pays; null when nothing is. */
  abstract arrears(
    tenantId: TenantId,
  ): Promise<{ amountDue: number; currency: string; payUrl: string | null } | null>;
}
