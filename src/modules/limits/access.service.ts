import { Injectable } from '@nestjs/common';
import type { TenantId } from '../../contracts/ids';
import type { EntitlementSource } from '../../domain/entitlements';
import { tenantStanding } from '../../domain/standing';
import type { Standing } from '../../domain/subscription-status';
import { EntitlementsMemory } from '../entitlements/entitlements-memory';
import { PlanLimitService } from './plan-limit.service';
import { Purchases } from './purchases';

/** Whether a tenant has a feature, and by what. */
export interface FeatureAccess {
  readonly feature: string;
  readonly allowed: boolean;
  readonly plan_id: string | null;
  readonly source: EntitlementSource;
}

/** What may this tenant do? Questions of guards and of tenant apps, answered from what is remembered. */
@Injectable()
export class AccessService {
  constructor(
    private readonly entitlements: EntitlementsMemory,
    private readonly planLimits: PlanLimitService,
    private readonly purchases: Purchases,
  ) {}

  /** The feature as the tenant's plan, add-ons or trial bring it. */
  async featureAccess(tenantId: TenantId, feature: string): Promise<FeatureAccess> {
    const { features, plan_id, source } = (await this.entitlements.of(tenantId)).current;
    return { feature, allowed: features.includes(feature), plan_id, source };
  }

  async hasFeatureAccess(tenantId: TenantId, feature: string): Promise<boolean> {
    return (await this.featureAccess(tenantId, feature)).allowed;
  }

  /**
   * Whether one more of a metric may be used.
   * @throws BillingError unknown_meter
   */
  async hasTokensRemaining(tenantId: TenantId, metric: string): Promise<boolean> {
    return (await this.planLimits.canPerformAction(tenantId, metric)).allowed;
  }

  /** How the tenant stands, in four words (decisions 27). */
  async getSubscriptionStatus(tenantId: TenantId): Promise<Standing> {
    const { source } = (await this.entitlements.of(tenantId)).current;
    return tenantStanding(source, await this.purchases.of(tenantId));
  }
}
