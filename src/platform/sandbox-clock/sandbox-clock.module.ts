import { DynamicModule, Global, Module } from '@nestjs/common';
import type { Config } from '../config/env';
import { SandboxClockController } from './sandbox-clock.controller';
import { TimeTravel } from './time-travel';

/** Time travel; its routes exist in sandbox mode only. */
@Global()
@Module({ providers: [TimeTravel], exports: [TimeTravel] })
export class SandboxClockModule {
  static forRoot({ sandbox }: Config): DynamicModule {
    return { module: SandboxClockModule, controllers: sandbox ? [SandboxClockController] : [] };
  }
}
