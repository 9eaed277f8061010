import { DynamicModule, Global, Module } from '@nestjs/common';
import { AuditModule } from './audit/audit.module';
import { ConfigModule } from './config/config.module';
import type { Config } from './config/env';
import { DatabaseModule } from './database/database.module';
import { HttpModule } from './http/http.module';
import { Lifecycle } from './lifecycle';
import { Mailer } from './mailer';
import { RetentionJobs } from './maintenance/retention.jobs';
import { RetentionRepository } from './maintenance/retention.repository';
import { Metrics } from './metrics';
import { OperatorMail } from './operator-mail';
import { OutboxModule } from './outbox/outbox.module';
import { QueueConsumers } from './queue-consumer';
import { QueueModule } from './queue/queue.module';
import { RedisClient } from './redis';
import { SandboxClockModule } from './sandbox-clock/sandbox-clock.module';

@Global()
@Module({
  providers: [Lifecycle, Metrics, RedisClient, Mailer, OperatorMail, QueueConsumers],
  exports: [Lifecycle, Metrics, RedisClient, Mailer, OperatorMail, QueueConsumers],
})
class BasicsModule {}

@Module({ providers: [RetentionJobs, RetentionRepository] })
class MaintenanceModule {}

/** How we talk to the world; knows no feature. */
@Module({})
export class PlatformModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: PlatformModule,
      imports: [
        ConfigModule.forRoot(config),
        BasicsModule,
        DatabaseModule.forRoot(config),
        OutboxModule,
        AuditModule,
        QueueModule.forRoot(config),
        HttpModule,
        MaintenanceModule,
        SandboxClockModule.forRoot(config),
      ],
    };
  }
}
