import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EntitlementsModule } from '../entitlements/entitlements.module';
import { PricingModule } from '../pricing/pricing.module';
import { UsageCounterEntity } from './usage-counter.entity';
import { UsageCountersRepository } from './usage-counters.repository';
import { UsageService } from './usage.service';

/** How much was used. */
@Module({
  imports: [TypeOrmModule.forFeature([UsageCounterEntity]), EntitlementsModule, PricingModule],
  providers: [UsageCountersRepository, UsageService],
  exports: [UsageService],
})
export class UsageModule {}
