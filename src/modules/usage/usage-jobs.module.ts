import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EntitlementsModule } from '../entitlements/entitlements.module';
import { PricingModule } from '../pricing/pricing.module';
import { AlertRuleEntity } from './alert-rule.entity';
import { AlertRulesRepository } from './alert-rules.repository';
import { AlertsController } from './alerts.controller';
import { AlertsService } from './alerts.service';
import { ReferralEventProcessor } from './referral-events.consumer';
import { ThresholdWatch } from './threshold-watch';
import { UsageAlertEntity } from './usage-alert.entity';
import { UsageAlertsJobs } from './usage-alerts.jobs';
import { UsageAlertsRepository } from './usage-alerts.repository';
import { UsageArchiveRepository } from './usage-archive.repository';
import { UsageAudit } from './usage-audit';
import { UsageAuditJobs } from './usage-audit.jobs';
import { UsageCloseJobs } from './usage-close.jobs';
import { UsageClosing } from './usage-closing';
import { UsageCounterPagesRepository } from './usage-counter-pages.repository';
import { UsageExpiryJobs } from './usage-expiry.jobs';
import { UsageRecountRepository } from './usage-recount.repository';
import { UsageRepair } from './usage-repair';
import { UsageRetentionJobs } from './usage-retention.jobs';
import { UsageRetentionRepository } from './usage-retention.repository';
import { UsageRollupJobs } from './usage-rollup.jobs';
import { UsageThresholds } from './usage-thresholds';
import { UsageModule } from './usage.module';

/** What happens to usage beside its recording: alerts, audits, archives, and messages that are usage. */
@Module({
  imports: [
    TypeOrmModule.forFeature([AlertRuleEntity, UsageAlertEntity]),
    EntitlementsModule,
    PricingModule,
    UsageModule,
  ],
  controllers: [AlertsController],
  providers: [
    AlertRulesRepository,
    UsageAlertsRepository,
    AlertsService,
    UsageThresholds,
    ThresholdWatch,
    UsageAlertsJobs,
    UsageCounterPagesRepository,
    UsageRecountRepository,
    UsageRepair,
    UsageAudit,
    UsageAuditJobs,
    UsageArchiveRepository,
    UsageRollupJobs,
    UsageClosing,
    UsageCloseJobs,
    UsageExpiryJobs,
    UsageRetentionRepository,
    UsageRetentionJobs,
    ReferralEventProcessor,
  ],
})
export class UsageJobsModule {}
