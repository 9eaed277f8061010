import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { TenantDirectory } from '../../platform/http/credentials';
import { TenantAdministration } from './tenant-administration';
import { TenantChanges } from './tenant-changes';
import { TenantContactEntity } from './tenant-contact.entity';
import { TenantContactsRepository } from './tenant-contacts.repository';
import { TenantEntity } from './tenant.entity';
import { TenantEventsConsumer } from './tenant-events.consumer';
import { TenantStatusDirectory } from './tenant-status-directory';
import { TenantsController } from './tenants.controller';
import { TenantsRepository } from './tenants.repository';
import { TenantsService } from './tenants.service';

/** The customers. Global, because every request asks the directory about its tenant. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([TenantEntity, TenantContactEntity])],
  controllers: [TenantsController],
  providers: [
    TenantsRepository,
    TenantContactsRepository,
    TenantChanges,
    TenantsService,
    TenantAdministration,
    TenantStatusDirectory,
    TenantEventsConsumer,
    { provide: TenantDirectory, useExisting: TenantStatusDirectory },
  ],
  exports: [TenantsService, TenantDirectory],
})
export class TenantsModule {}
