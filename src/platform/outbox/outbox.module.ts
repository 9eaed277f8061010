import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Outbox } from './outbox';
import { OutboxEntity } from './outbox.entity';
import { OutboxRelaySignal } from './outbox-relay-signal';
import { OutboxRepository } from './outbox.repository';

/** Facts recorded with their transaction. The relay itself lives in the module of the stream. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([OutboxEntity]), DiscoveryModule],
  providers: [Outbox, OutboxRepository, OutboxRelaySignal],
  exports: [Outbox, OutboxRepository, OutboxRelaySignal],
})
export class OutboxModule {}
