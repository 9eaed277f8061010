import { Global, Module } from '@nestjs/common';
import { AuditRecorder } from './audit-recorder';

/** Recording only; reading and verifying the log is modules/audit. */
@Global()
@Module({ providers: [AuditRecorder], exports: [AuditRecorder] })
export class AuditModule {}
