import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CredentialVerifier } from '../../platform/http/credentials';
import { TenantsModule } from '../tenants/tenants.module';
import { ApiKeyEntity } from './api-key.entity';
import { ApiKeyVerifier } from './api-key-verifier';
import { ApiKeysController } from './api-keys.controller';
import { ApiKeysRepository } from './api-keys.repository';
import { ApiKeysService } from './api-keys.service';

/** Keys of operators, back ends and tenants. Global, because every request is authenticated by it. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([ApiKeyEntity]), TenantsModule],
  controllers: [ApiKeysController],
  providers: [
    ApiKeysRepository,
    ApiKeyVerifier,
    ApiKeysService,
    { provide: CredentialVerifier, useExisting: ApiKeyVerifier },
  ],
  exports: [ApiKeysService, CredentialVerifier],
})
export class ApiKeysModule {}
