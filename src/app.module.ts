import { DynamicModule, Module } from '@nestjs/common';
import { ApiKeysModule } from './modules/api-keys/api-keys.module';
import { BillingModule } from './modules/billing/billing.module';
import { CatalogModule } from './modules/catalog/catalog.module';
import { DocumentsModule } from './modules/documents/documents.module';
import { EntitlementsModule } from './modules/entitlements/entitlements.module';
import { EventStreamModule } from './modules/event-stream/event-stream.module';
import { HealthModule } from './modules/health/health.module';
import { LimitsModule } from './modules/limits/limits.module';
import { LeaderboardsModule } from './modules/leaderboards/leaderboards.module';
import { NotificationsModule } from './modules/notifications/notifications.module';
import { PlansModule } from './modules/plans/plans.module';
import { PricingModule } from './modules/pricing/pricing.module';
import { TenantsModule } from './modules/tenants/tenants.module';
import { UsageJobsModule } from './modules/usage/usage-jobs.module';
import { UsageModule } from './modules/usage/usage.module';
import type { Config } from './platform/config/env';
import { PlatformModule } from './platform/platform.module';
import { StripeModule } from './stripe/stripe.module';

/** Every module of the service, once, from the ground up. */
@Module({})
export class AppModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.forRoot(config),
        StripeModule,
        ApiKeysModule,
        TenantsModule,
        PricingModule,
        PlansModule,
        EntitlementsModule,
        UsageModule,
        UsageJobsModule,
        LeaderboardsModule,
        LimitsModule,
        CatalogModule,
        BillingModule,
        NotificationsModule,
        EventStreamModule,
        HealthModule,
        DocumentsModule,
      ],
    };
  }
}
