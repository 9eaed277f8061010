import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EntitlementsModule } from '../entitlements/entitlements.module';
import { PricingModule } from '../pricing/pricing.module';
import { AlertRuleEntity } from './alerts/alert-rule.entity';
import { AlertRulesRepository } from './alerts/alert-rules.repository';
import { AlertsController } from './alerts/alerts.controller';
import { AlertsService } from './alerts/alerts.service';
import { ReferralEventProcessor } from './referrals/referral-events.consumer';
import { ThresholdWatch } from './alerts/threshold-watch';
import { UsageAlertEntity } from './alerts/usage-alert.entity';
import { UsageAlertsJobs } from './alerts/usage-alerts.jobs';
import { UsageAlertsRepository } from './alerts/usage-alerts.repository';
import { UsageArchiveRepository } from './upkeep/usage-archive.repository';
import { UsageAudit } from './upkeep/usage-audit';
import { UsageAuditJobs } from './upkeep/usage-audit.jobs';
import { UsageCloseJobs } from './upkeep/usage-close.jobs';
import { UsageClosing } from './upkeep/usage-closing';
import { UsageCounterPagesRepository } from './upkeep/usage-counter-pages.repository';
import { UsageExpiryJobs } from './reservations/usage-expiry.jobs';
import { UsageRecountRepository } from './upkeep/usage-recount.repository';
import { UsageRepair } from './upkeep/usage-repair';
import { UsageRetentionJobs } from './upkeep/usage-retention.jobs';
import { UsageRetentionRepository } from './upkeep/usage-retention.repository';
import { UsageRollupJobs } from './upkeep/usage-rollup.jobs';
import { UsageThresholds } from './alerts/usage-thresholds';
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
