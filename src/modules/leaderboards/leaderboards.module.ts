import { Module } from '@nestjs/common';
import { EntitlementsModule } from '../entitlements/entitlements.module';
import { PricingModule } from '../pricing/pricing.module';
import { LeaderboardsController } from './leaderboards.controller';
import { LeaderboardsRepository } from './leaderboards.repository';
import { LeaderboardsService } from './leaderboards.service';

/** Who of a tenant's subjects used most. */
@Module({
  imports: [EntitlementsModule, PricingModule],
  controllers: [LeaderboardsController],
  providers: [LeaderboardsRepository, LeaderboardsService],
})
export class LeaderboardsModule {}
