import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CatalogGateway } from '../../stripe/catalog-gateway';
import { PricingModule } from '../pricing/pricing.module';
import { PlanCache } from './plan-cache';
import { PlanEditor } from './plan-editor';
import { PlanEntity } from './plan.entity';
import { PlanLocksRepository } from './plan-locks.repository';
import { PlanPublisher } from './plan-publisher';
import { PlanRecorder } from './plan-recorder';
import { PlanSync } from './plan-sync';
import { PlanSyncJobs } from './plan-sync.jobs';
import { PlanSyncRunEntity } from './plan-sync-run.entity';
import { PlanSyncRuns } from './plan-sync-runs';
import { PlanSyncRunsRepository } from './plan-sync-runs.repository';
import { PlansAdminController } from './plans-admin.controller';
import { PlansRepository } from './plans.repository';
import { PlansService } from './plans.service';

/** What is sold. Needs a PlanUsage, which modules/billing provides to all. */
@Module({
  imports: [TypeOrmModule.forFeature([PlanEntity, PlanSyncRunEntity]), PricingModule],
  controllers: [PlansAdminController],
  providers: [
    CatalogGateway,
    PlanCache,
    PlanEditor,
    PlanLocksRepository,
    PlanPublisher,
    PlanRecorder,
    PlanSync,
    PlanSyncJobs,
    PlanSyncRuns,
    PlanSyncRunsRepository,
    PlansRepository,
    PlansService,
  ],
  exports: [PlansService, PlanEditor],
})
export class PlansModule {}
