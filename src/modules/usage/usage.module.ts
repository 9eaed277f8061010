import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EntitlementsModule } from '../entitlements/entitlements.module';
import { PlansModule } from '../plans/plans.module';
import { PricingModule } from '../pricing/pricing.module';
import { CounterChanges } from './counter-changes';
import { RedisUsageService } from './redis-usage.service';
import { UpgradeSuggestions } from './upgrade-suggestions';
import { UsageCacheKeeper } from './usage-cache-keeper';
import { UsageCorrectionsController } from './usage-corrections.controller';
import { UsageCorrectionsRepository } from './usage-corrections.repository';
import { UsageCorrections } from './usage-corrections.service';
import { UsageCost } from './usage-cost.service';
import { UsageCounterEntity } from './usage-counter.entity';
import { UsageCountersRepository } from './usage-counters.repository';
import { UsageCounts } from './usage-counts';
import { UsageEventLogController } from './usage-event-log.controller';
import { UsageEventLog } from './usage-event-log.service';
import { UsageEventEntity } from './usage-event.entity';
import { UsageEventsController } from './usage-events.controller';
import { UsageEventsRepository } from './usage-events.repository';
import { UsageExport } from './usage-export';
import { UsageExportController } from './usage-export.controller';
import { UsageHistory } from './usage-history.service';
import { UsageHoldsRepository } from './usage-holds.repository';
import { UsageLedger } from './usage-ledger';
import { UsageOverviewController } from './usage-overview.controller';
import { UsageOverview } from './usage-overview.service';
import { UsageReadings } from './usage-readings';
import { UsageReadingsRepository } from './usage-readings.repository';
import { UsageRefusalLog } from './usage-refusal-log';
import { UsageRefusalLogRepository } from './usage-refusal-log.repository';
import { UsageRefusals } from './usage-refusal';
import { UsageReservationEntity } from './usage-reservation.entity';
import { UsageReservationsController } from './usage-reservations.controller';
import { UsageReservationsRepository } from './usage-reservations.repository';
import { UsageReservations } from './usage-reservations.service';
import { UsageSeriesRepository } from './usage-series.repository';
import { UsageTracker } from './usage-tracker.service';
import { UsageWritersRepository } from './usage-writers.repository';
import { UsageService } from './usage.service';

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
