import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PlansModule } from '../plans/plans.module';
import { TenantsModule } from '../tenants/tenants.module';
import { EntitlementBeginnings } from './entitlement-beginnings';
import { EntitlementEntity } from './entitlement.entity';
import { EntitlementsRepository } from './entitlements.repository';
import { EntitlementsMemory } from './entitlements-memory';
import { EntitlementsService } from './entitlements.service';

/** What each tenant may use now. */
@Module({
  imports: [TypeOrmModule.forFeature([EntitlementEntity]), PlansModule, TenantsModule],
  providers: [EntitlementsRepository, EntitlementsService, EntitlementsMemory, EntitlementBeginnings],
  exports: [EntitlementsService, EntitlementsMemory],
})
export class EntitlementsModule {}
