import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EntitlementsModule } from '../entitlements/entitlements.module';
import { PlansModule } from '../plans/plans.module';
import { PricingModule } from '../pricing/pricing.module';
import { CounterChanges } from './ledger/counter-changes';
import { RedisUsageService } from './cache/redis-usage.service';
import { UpgradeSuggestions } from './recording/upgrade-suggestions';
import { UsageCacheKeeper } from './cache/usage-cache-keeper';
import { UsageCorrectionsController } from './corrections/usage-corrections.controller';
import { UsageCorrectionsRepository } from './corrections/usage-corrections.repository';
import { UsageCorrections } from './corrections/usage-corrections.service';
import { UsageCost } from './reading/usage-cost.service';
import { UsageCounterEntity } from './ledger/usage-counter.entity';
import { UsageCountersRepository } from './ledger/usage-counters.repository';
import { UsageCounts } from './ledger/usage-counts';
import { UsageEventLogController } from './event-log/usage-event-log.controller';
import { UsageEventLog } from './event-log/usage-event-log.service';
import { UsageEventEntity } from './ledger/usage-event.entity';
import { UsageEventsController } from './recording/usage-events.controller';
import { UsageEventsRepository } from './ledger/usage-events.repository';
import { UsageExport } from './reading/usage-export';
import { UsageExportController } from './reading/usage-export.controller';
import { UsageHistory } from './reading/usage-history.service';
import { UsageHoldsRepository } from './reservations/usage-holds.repository';
import { UsageLedger } from './ledger/usage-ledger';
import { UsageOverviewController } from './reading/usage-overview.controller';
import { UsageOverview } from './reading/usage-overview.service';
import { UsageReadings } from './reading/usage-readings';
import { UsageReadingsRepository } from './reading/usage-readings.repository';
import { UsageRefusalLog } from './event-log/usage-refusal-log';
import { UsageRefusalLogRepository } from './event-log/usage-refusal-log.repository';
import { UsageRefusals } from './recording/usage-refusal';
import { UsageReservationEntity } from './reservations/usage-reservation.entity';
import { UsageReservationsController } from './reservations/usage-reservations.controller';
import { UsageReservationsRepository } from './reservations/usage-reservations.repository';
import { UsageReservations } from './reservations/usage-reservations.service';
import { UsageSeriesRepository } from './reading/usage-series.repository';
import { UsageTracker } from './recording/usage-tracker.service';
import { UsageWritersRepository } from './cache/usage-writers.repository';
import { UsageService } from './reading/usage.service';

/** How much was used: recording it, and reading it. */
@Module({
  imports: [
    TypeOrmModule.forFeature([UsageCounterEntity, UsageEventEntity, UsageReservationEntity]),
    EntitlementsModule,
    PlansModule,
    PricingModule,
  ],
  controllers: [
    UsageEventsController,
    UsageReservationsController,
    UsageCorrectionsController,
    UsageEventLogController,
    UsageExportController,
    UsageOverviewController,
  ],
  providers: [
    UsageCountersRepository,
    UsageWritersRepository,
    RedisUsageService,
    UsageCacheKeeper,
    UsageCounts,
    UsageLedger,
    UsageTracker,
    UsageEventsRepository,
    UsageHoldsRepository,
    CounterChanges,
    UsageReservationsRepository,
    UsageReservations,
    UsageCorrectionsRepository,
    UsageCorrections,
    UsageRefusalLogRepository,
    UsageRefusalLog,
    UsageEventLog,
    UsageExport,
    UsageReadingsRepository,
    UsageReadings,
    UsageOverview,
    UsageSeriesRepository,
    UsageHistory,
    UsageCost,
    UpgradeSuggestions,
    UsageRefusals,
    UsageService,
  ],
  exports: [
    UsageService,
    UsageLedger,
    UsageCountersRepository,
    UsageCacheKeeper,
    UsageTracker,
    UsageReservations,
    UsageCounts,
    UsageRefusals,
    RedisUsageService,
    UpgradeSuggestions,
  ],
})
export class UsageModule {}
