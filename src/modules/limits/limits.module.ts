import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EntitlementsModule } from '../entitlements/entitlements.module';
import { PlansModule } from '../plans/plans.module';
import { PricingModule } from '../pricing/pricing.module';
import { TenantsModule } from '../tenants/tenants.module';
import { UsageModule } from '../usage/usage.module';
import { AccessController } from './access.controller';
import { AccessService } from './access.service';
import { BillingGuard } from './billing.guard';
import { FeatureRequirement } from './feature-requirement';
import { LimitChecksController } from './limit-checks.controller';
import { LimitFit } from './limit-fit';
import { LimitOverrideEntity } from './limit-override.entity';
import { LimitOverridesController } from './limit-overrides.controller';
import { LimitOverridesRepository } from './limit-overrides.repository';
import { LimitOverrides } from './limit-overrides.service';
import { LimitsController } from './limits.controller';
import { PaymentRequiredGuard } from './payment-required.guard';
import { PaymentRequirement } from './payment-requirement';
import { PlanLimitService } from './plan-limit.service';
import { TrackedWork } from './tracked-work';
import { UsageInterceptor } from './usage.interceptor';

/** What a tenant may use: limits, features, overrides, and the guards that ask. Needs Purchases, which modules/billing provides to all. */
@Module({
  imports: [
    TypeOrmModule.forFeature([LimitOverrideEntity]),
    EntitlementsModule,
    PlansModule,
    PricingModule,
    TenantsModule,
    UsageModule,
  ],
  controllers: [LimitsController, LimitChecksController, AccessController, LimitOverridesController],
  providers: [
    PlanLimitService,
    LimitFit,
    AccessService,
    FeatureRequirement,
    PaymentRequirement,
    LimitOverridesRepository,
    LimitOverrides,
    TrackedWork,
    PaymentRequiredGuard,
    BillingGuard,
    UsageInterceptor,
  ],
  // What the guards and the interceptor ask is exported too: they are built in the module of the guarded route.
  exports: [
    PlanLimitService,
    AccessService,
    FeatureRequirement,
    PaymentRequirement,
    TrackedWork,
    PaymentRequiredGuard,
    BillingGuard,
    UsageInterceptor,
  ],
})
export class LimitsModule {}
