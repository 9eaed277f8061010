import { Inject, Injectable } from '@nestjs/common';
import { BillingError } from '../../contracts/errors';
import type { TenantId } from '../../contracts/ids';
import { CONFIG } from '../../platform/config/config.module';
import type { Config } from '../../platform/config/env';
import { UpgradeSuggestions } from '../usage/recording/upgrade-suggestions';
import { AccessService } from './access.service';

/** Does the tenant's plan bring a feature? If not: which plans do. */
@Injectable()
export class FeatureRequirement {
  constructor(
    private readonly access: AccessService,
    private readonly suggestions: UpgradeSuggestions,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws BillingError payment_required (nothing was bought), feature_not_in_plan */
  async enforce(tenantId: TenantId, feature: string): Promise<void> {
    const { allowed, source } = await this.access.featureAccess(tenantId, feature);
    if (allowed) return;
    throw new BillingError(source === 'none' ? 'payment_required' : 'feature_not_in_plan', {
      extra: {
        feature,
        upgrade_suggestions: await this.suggestions.withFeature(tenantId, feature),
        billing_portal_url: `${this.config.publicUrl}/portal`,
      },
    });
  }
}
