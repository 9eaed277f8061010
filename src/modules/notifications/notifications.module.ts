import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TenantsModule } from '../tenants/tenants.module';
import { NotificationCauses } from './notification-causes';
import { NotificationEntity } from './notification.entity';
import { NotificationSender } from './notification-sender';
import { NotificationsRepository } from './notifications.repository';

/** What people are told. */
@Module({
  imports: [TypeOrmModule.forFeature([NotificationEntity]), TenantsModule],
  providers: [NotificationsRepository, NotificationCauses, NotificationSender],
})
export class NotificationsModule {}
