import { Global, Module } from '@nestjs/common';
import { Authentication } from './authentication';
import { Cursors } from './cursor';
import { HttpEdge } from './http-edge';
import { IdempotencyInterceptor } from './idempotency.interceptor';
import { IdempotencyRepository } from './idempotency.repository';
import { ShortPath } from './short-path';

/**
 * What every route shares. Needs a CredentialVerifier (modules/api-keys) and a TenantDirectory
 * (modules/tenants); both are global providers of their modules.
 */
@Global()
@Module({
  providers: [Authentication, Cursors, HttpEdge, IdempotencyRepository, IdempotencyInterceptor, ShortPath],
  exports: [Authentication, Cursors, HttpEdge, IdempotencyRepository, IdempotencyInterceptor, ShortPath],
})
export class HttpModule {}
