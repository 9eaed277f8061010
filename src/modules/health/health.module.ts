import { Module } from '@nestjs/common';
import { HealthController } from './health.controller';
import { HealthRepository } from './health.repository';
import { HealthService } from './health.service';
import { MetricsPort } from './metrics-port';

/** Does it live, may it serve, what does it count? */
@Module({
  controllers: [HealthController],
  providers: [HealthRepository, HealthService, MetricsPort],
})
export class HealthModule {}
