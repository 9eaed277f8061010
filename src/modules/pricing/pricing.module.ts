import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MeterEntity } from './meter.entity';
import { MetersMemory } from './meters-memory';
import { MetersRepository } from './meters.repository';
import { MetersService } from './meters.service';

/** What is counted; how a number becomes money follows. */
@Module({
  imports: [TypeOrmModule.forFeature([MeterEntity])],
  providers: [MetersRepository, MetersService, MetersMemory],
  exports: [MetersService, MetersMemory],
})
export class PricingModule {}
