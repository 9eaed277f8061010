import { Module } from '@nestjs/common';
import { PlansModule } from '../plans/plans.module';
import { UsageModule } from '../usage/usage.module';
import { CatalogController } from './catalog.controller';
import { CatalogService } from './catalog.service';

/** The public list of plans: what is sold, beside what the tenant uses. */
@Module({
  imports: [PlansModule, UsageModule],
  controllers: [CatalogController],
  providers: [CatalogService],
})
export class CatalogModule {}
